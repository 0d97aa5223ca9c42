"""LED whose generator is a learnt denoising path, without a mixture as its reference."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, NamedTuple

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval, MinLen
from torch import Tensor
from torch.nn.functional import silu

from algorithms.base import Array
from algorithms.density._descent import descend
from algorithms.density._on_device import randint, randn, to_device, to_numpy
from algorithms.density.base import Density, DensityModel, Partition
from algorithms.density.denoising_path import CHUNK, DenoisingPath, TrainedPath, normal, sines
from algorithms.density.partition import estimate, resample

#: The standard deviation of the defensive normal distribution, in those of the data.
WIDE = 1.5
#: The lowest frequency of the sine features of the energy.
LOW = 0.5
#: The largest number of held-out points.
MAX_VALIDATION = 2000
#: A loss is larger than another one if it is by this many standard errors of the difference.
WORSE = 2.0
#: The number of proposals that one sample is drawn from, by their weights.
OVERSAMPLE = 4


@dataclass(frozen=True)
class PathLED(DensityModel):
    r"""LED with a denoising path as its generator: an energy D normalised by weights of paths.

    .. math::
        \min_D\; -\mathbb E_{\text{data}} D(x) + \log \frac1m \sum_j e^{D(x_j) - c_j}, \qquad
        c = \log\big((1 - \beta)\, q(\text{path}) / n(\text{path} \mid x) + \beta\, r(x)\big)

    with :math:`D(x) = \log \mathcal N(x; 0, I) + f(x)` in standardised coordinates, a network f
    on sines of learnt frequencies, and proposals x of two kinds: end points of generated paths,
    and, as a share :math:`\beta`, points of a wide normal distribution r with noising paths drawn
    from them. The weights :math:`e^{D - c}` are those of the mixture of both and unbiased for Z.

    The generator is trained first, by denoising
    (:class:`~algorithms.density.denoising_path.DenoisingPath`). The energy is trained by maximum
    likelihood against a bank of proposals whose exact weights are computed once. One energy is
    trained for each top frequency of f. That with the lowest one is kept whose log-likelihood on
    held-out points is less than the best one's by no more than two standard errors of the
    difference: smooth laws are learnt better without high frequencies, narrow modes need them.

    As in the papers, the energy has the unbiased estimate of Z, the density of the generator is
    known, and no inverse is needed. A path in place of a flow, its training by denoising in place
    of the generator's divergence, the bank and the defensive proposals are this project's design.

    References:
        | Adversarial Likelihood Estimation With One-Way Flows (Ben-Dov et al., 2024)
        | https://arxiv.org/abs/2307.09882
        | Safe and Effective Importance Sampling (Owen and Zhou, 2000)
        | https://doi.org/10.1080/01621459.2000.10473909

    Arguments:
        generator: The denoising path.
        denoising: The generator's training steps for each step of the energy.
        hidden: The width of each hidden layer of f.
        frequencies: The number of sine features of f.
        high: The top frequencies that are tried, in radians for a standard deviation; without
            held-out points, the first one is taken.
        steps: The number of training steps of each energy.
        batch_size: The number of points in a step of the energy.
        proposals: The number of proposals in a step.
        bank: The number of proposals in the bank.
        defensive: The share :math:`\beta` of defensive proposals.
        learning_rate: The learning rate of the energy (Adam), which falls to zero as a cosine.
        validation_fraction: The share of the points that is held out, at most 2,000 points.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((500, 2))
        >>> model = PathLED(generator=DenoisingPath(hidden=8), hidden=(8,), steps=20, bank=500)
        >>> density = model.fit(x, np.random.default_rng(0))
        >>> density.log_prob(x).shape, density.log_partition().effective > 0.5
        ((500,), True)
    """

    generator: DenoisingPath = DenoisingPath()  # noqa: RUF009 (frozen)
    denoising: Annotated[float, Gt(0)] = 0.5
    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (128, 128)
    frequencies: Annotated[int, Ge(1)] = 64
    high: Annotated[tuple[Annotated[float, Gt(LOW)], ...], MinLen(1)] = (2.5, 10.0)
    steps: Annotated[int, Ge(1)] = 2000
    batch_size: Annotated[int, Ge(1)] = 512
    proposals: Annotated[int, Ge(1)] = 1024
    bank: Annotated[int, Ge(2)] = 60_000
    defensive: Annotated[float, Interval(gt=0, lt=1)] = 0.2
    learning_rate: Annotated[float, Gt(0)] = 3e-3
    validation_fraction: Annotated[float, Interval(ge=0, lt=1)] = 0.1

    def fit(self, x: Array, rng: np.random.Generator) -> "PathDensity":
        """Learn a density from points (n, d).

        Raises:
            ValueError: If a coordinate is constant.
            Diverged: If a loss is not finite.
        """
        x = x.astype(np.float64)
        mean, scale = x.mean(0), x.std(0)
        if not (scale > 0).all():
            constant = np.flatnonzero(~(scale > 0)).tolist()
            raise ValueError(f"points have no density: the coordinates {constant} are constant")
        u = torch.tensor((x - mean) / scale, dtype=torch.float32)
        u = to_device(u[rng.permutation(len(x))])
        held_out = min(MAX_VALIDATION, round(self.validation_fraction * len(x)))
        validation, training = u[:held_out], u[held_out:]
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        path = TrainedPath(self.generator, x.shape[1], rng)
        path.train(training, max(1, round(self.denoising * self.steps)), generator)
        bank = draw(path, self.bank, self.defensive, generator)
        energies = {}
        for high in self.high:
            energies[high] = SineEnergy(x.shape[1], self.hidden, self.frequencies, high, rng)
            self._train(energies[high], training, bank, generator)
        top = self.high[0]
        if len(energies) > 1 and held_out > 1:
            top = lowest({h: losses(energy, validation, bank) for h, energy in energies.items()})
        return PathDensity(self, path, energies[top], (mean, scale), generator)

    def _train(
        self, network: "SineEnergy", x: Tensor, bank: "Proposals", generator: torch.Generator
    ) -> None:
        """Train an energy by maximum likelihood, with log Z from the bank's proposals."""
        leaves = [p.requires_grad_() for p in network.parameters]

        def loss() -> Tensor:
            rows = randint(len(x), self.batch_size, generator, x.device)
            chosen = randint(len(bank.x), self.proposals, generator, x.device)
            weights = network(bank.x[chosen]) - bank.log_density[chosen]
            log_z = torch.logsumexp(weights, 0) - math.log(self.proposals)
            return log_z - network(x[rows]).mean()

        for _ in descend(leaves, self.learning_rate, self.steps, loss):
            pass
        network.parameters = [p.detach() for p in leaves]


class Proposals(NamedTuple):
    """Points (m, d), and the log-densities c (m,) that their weights are divided by."""

    x: Tensor
    log_density: Tensor


def draw(path: TrainedPath, n: int, defensive: float, generator: torch.Generator) -> Proposals:
    """Draw proposals of the mixture of a path and a wide normal distribution.

    Arguments:
        path: The generator.
        n: The number of proposals.
        defensive: The share of the wide normal distribution; its number of points is fixed.
        generator: The generator of randomness.
    """
    wide = min(max(round(defensive * n), 1), n - 1)
    share = wide / n
    x, log_ratio = path.propose(n - wide, generator)
    far = WIDE * randn([wide, path.d], generator, path.device)
    x = torch.cat([x, far])
    log_ratio = torch.cat([log_ratio, path.noise(far, generator)])
    log_wide = normal(x, 0 * x, torch.tensor(2 * math.log(WIDE)))
    return Proposals(
        x, torch.logaddexp(math.log1p(-share) + log_ratio, math.log(share) + log_wide)
    )


class SineEnergy:
    """An energy: a standard normal log-density, and a network on sines and on the point.

    Arguments:
        d: The number of coordinates.
        hidden: The width of each hidden layer.
        frequencies: The number of sines.
        high: The highest initial frequency.
        rng: The generator of randomness of the initial parameters.
    """

    def __init__(
        self,
        d: int,
        hidden: tuple[int, ...],
        frequencies: int,
        high: float,
        rng: np.random.Generator,
    ) -> None:
        drawn = list(sines(frequencies, d, LOW, high, rng))
        for width, units in pairwise([frequencies + d, *hidden]):
            drawn += [rng.standard_normal((units, width)) / width**0.5, np.zeros(units)]
        # With an output of zero the energy starts at the normal distribution.
        drawn += [np.zeros((1, hidden[-1])), np.zeros(1)]
        self.parameters = [to_device(torch.tensor(p, dtype=torch.float32)) for p in drawn]

    def __call__(self, x: Tensor) -> Tensor:
        """Return D (B,) at standardised points (B, d)."""
        p = self.parameters
        a = torch.cat([torch.sin(torch.addmm(p[1], x, p[0].T)), x], 1)
        for weight, bias in zip(p[2:-2:2], p[3:-2:2], strict=True):
            a = silu(torch.addmm(bias, a, weight.T))
        f = torch.addmm(p[-1], a, p[-2].T)[:, 0]
        return f + normal(x, 0 * x, torch.zeros(()))


@torch.no_grad()
def losses(network: SineEnergy, x: Tensor, bank: Proposals) -> Array:
    """Return the negative log-likelihoods (n,) of standardised points (n, d)."""
    weights = network(bank.x) - bank.log_density
    log_z = torch.logsumexp(weights, 0) - math.log(len(weights))
    return to_numpy((log_z - network(x)).double())


def lowest(losses: Mapping[float, Array]) -> float:
    """Return the lowest frequency whose loss is within two standard errors of the least one.

    Arguments:
        losses: Frequency -> the losses of the same held-out points, (n,).

    Example:
        >>> lowest({10.0: np.array([1.0, 2.0, 3.0]), 2.5: np.array([1.2, 1.9, 3.1])})
        2.5
    """
    best = min(losses.values(), key=np.mean)

    def near(own: Array) -> bool:
        worse = own - best
        return bool(worse.mean() <= WORSE * worse.std(ddof=1) / len(worse) ** 0.5)

    return min(high for high, own in losses.items() if near(own))


class PathDensity(Density):
    """The density of a trained energy, normalised by fresh proposals.

    Arguments:
        model: The model.
        path: The trained generator.
        network: The trained energy.
        units: Mean and standard deviation of each coordinate, (d,) each.
        generator: The generator of randomness.
    """

    def __init__(
        self,
        model: PathLED,
        path: TrainedPath,
        network: SineEnergy,
        units: tuple[Array, Array],
        generator: torch.Generator,
    ) -> None:
        self._model, self._path, self._network, self._units = model, path, network, units
        fresh = self._weights(draw(path, model.bank, model.defensive, generator))
        # A second estimate sees the normal distribution alone, and a mode that the path dropped.
        far = WIDE * randn([model.bank, path.d], generator, path.device)
        log_wide = normal(far, 0 * far, torch.tensor(2 * math.log(WIDE)))
        self._partition = estimate(fresh, self._weights(Proposals(far, log_wide)))

    @property
    def report(self) -> Mapping[str, float]:
        """The partition function, its errors, and the number of alarms."""
        return self._partition.report()

    def log_partition(self) -> Partition:
        """Return log Z in standardised coordinates."""
        return self._partition

    @torch.no_grad()
    def log_prob(self, x: Array) -> Array:
        """Return the log-density of points (n, d), (n,)."""
        mean, scale = self._units
        parts = [np.zeros(0)]
        for start in range(0, len(x), CHUNK):
            u = torch.tensor((x[start : start + CHUNK] - mean) / scale, dtype=torch.float32)
            parts.append(to_numpy(self._network(u.to(self._path.device)).double()))
        return np.concatenate(parts) - self._partition.value - np.log(scale).sum()

    def propose(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n proposals, (n, d), and their log-weights (n,), whose mean exponential is Z."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        proposals = draw(self._path, n, self._model.defensive, generator)
        mean, scale = self._units
        x = to_numpy(proposals.x.double()) * scale + mean
        return x, self._weights(proposals)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n points, (n, d): proposals, resampled by their weights."""
        x, weights = self.propose(OVERSAMPLE * n + 2, rng)
        return resample(x, weights, n, rng)

    @torch.no_grad()
    def _weights(self, proposals: Proposals) -> Array:
        parts = zip(proposals.x.split(CHUNK), proposals.log_density.split(CHUNK), strict=True)
        return to_numpy(torch.cat([self._network(x) - c for x, c in parts]).double())
