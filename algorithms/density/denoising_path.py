"""The denoising path: a generator of normal steps from noise to points, of known density."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor
from torch.nn.functional import silu

from algorithms.density._descent import descend
from algorithms.density._on_device import rand, randint, randn, to_device
from algorithms.density.generators import Generator

LOG_2PI = math.log(2 * math.pi)
#: Posterior variances lie within a factor of e^8 of those of a standard normal distribution.
MAX_LOG_VARIANCE = 8.0
#: The weight of the likelihood of the variances in the denoising loss.
VARIANCE_WEIGHT = 0.1
#: The number of points in one forward pass where no gradient is kept.
CHUNK = 4096
#: Sines of these multiples of the logarithm of the noise level are features.
LEVEL_SPEEDS = (0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class DenoisingPath(Generator):
    r"""A generator that takes one normal step a noise level, from wide noise to a point.

    With noise levels :math:`t_K > \dots > t_1 > t_0 = 0`, a network returns the mean S and the
    variances V of a clean point given a noisy one, and

    .. math::
        x_K \sim \mathcal N(0, 1 + t_K^2), \qquad
        x_{k-1} \mid x_k \sim \mathcal N\Big(x_k + a_k (S(x_k, t_k) - x_k),\;
            \tfrac{t_{k-1}^2}{t_k^2} (t_k^2 - t_{k-1}^2) + a_k^2 V(x_k, t_k)\Big), \qquad
        a_k = 1 - \tfrac{t_{k-1}^2}{t_k^2}.

    The density q of a path :math:`(x_K, \dots, x_0)` is a product of normal densities. It is known
    exactly, and no step is inverted. With the density of the noising path,
    :math:`n(x_1, \dots, x_K \mid x_0) = \prod_k \mathcal N(x_k; x_{k-1}, t_k^2 - t_{k-1}^2)`, the
    weights :math:`e^{D(x_0)} n / q` are unbiased for :math:`Z = \int e^{D(x)} dx`, whatever the
    network is. Each step takes noise in, whose density counts, as in a one-way flow with latents
    of low dimension.

    The network is trained by denoising. Its loss is a bound on the likelihood of the data, so
    that the generator covers all modes. Both the path and its training are this project's design.

    References:
        | Denoising Diffusion Probabilistic Models (Ho et al., 2020)
        | https://arxiv.org/abs/2006.11239
        | Analytic-DPM: an Analytic Estimate of the Optimal Reverse Variance in Diffusion
          Probabilistic Models (Bao et al., 2022)
        | https://arxiv.org/abs/2201.06503

    Arguments:
        levels: The number K of noise levels, which are in geometric progression.
        top: The largest noise level, in standard deviations of the data.
        bottom: The smallest noise level.
        hidden: The width of each hidden layer.
        depth: The number of hidden layers.
        frequencies: The number of sine features.
        low: The lowest initial frequency, in radians for a standard deviation.
        high: The highest initial frequency.
        batch_size: The number of points in a step.
        learning_rate: The learning rate (Adam), which falls to zero as a cosine.
        average: The decay of the running mean of the parameters, which makes the proposals.

    Example:
        >>> path = TrainedPath(DenoisingPath(hidden=8), 2, np.random.default_rng(0))
        >>> points, log_ratio = path.propose(5, torch.Generator().manual_seed(0))
        >>> points.shape, log_ratio.shape
        (torch.Size([5, 2]), torch.Size([5]))
    """

    levels: Annotated[int, Ge(2)] = 24
    top: Annotated[float, Gt(0)] = 2.0
    bottom: Annotated[float, Gt(0)] = 0.02
    hidden: Annotated[int, Ge(1)] = 128
    depth: Annotated[int, Ge(1)] = 2
    frequencies: Annotated[int, Ge(1)] = 64
    low: Annotated[float, Gt(0)] = 0.5
    high: Annotated[float, Gt(0)] = 30.0
    batch_size: Annotated[int, Ge(1)] = 512
    learning_rate: Annotated[float, Gt(0)] = 2e-3
    average: Annotated[float, Interval(ge=0, lt=1)] = 0.995

    def validate(self) -> None:
        """Check that levels and frequencies rise.

        Raises:
            ValueError: If a lower end is not below the upper end.
        """
        for low, high in (("bottom", "top"), ("low", "high")):
            below, above = getattr(self, low), getattr(self, high)
            if not below < above:
                raise ValueError(f"{low}={below} is not below {high}={above}")

    def schedule(self) -> Tensor:
        """Return the levels from :math:`t_0 = 0` to :math:`t_K`, (K + 1,)."""
        rising = np.geomspace(self.bottom, self.top, self.levels)
        return torch.tensor([0.0, *rising], dtype=torch.float32)

    def parameters(self, d: int, rngs: Sequence[np.random.Generator]) -> list[Tensor]:
        """Draw initial parameters of the network for d coordinates, each (R, ...)."""
        replicas = [self._draw(d, rng) for rng in rngs]
        return [
            torch.tensor(np.stack(drawn), dtype=torch.float32)
            for drawn in zip(*replicas, strict=True)
        ]

    def _draw(self, d: int, rng: np.random.Generator) -> list[np.ndarray]:
        drawn = list(sines(self.frequencies, d, self.low, self.high, rng))
        width = 2 * self.frequencies + d + len(LEVEL_SPEEDS)
        for _ in range(self.depth):
            bound = (3 / width) ** 0.5
            drawn += [rng.uniform(-bound, bound, (self.hidden, width)), np.zeros(self.hidden)]
            width = self.hidden
        drawn += [np.zeros((2 * d, width)), np.zeros(2 * d)]
        return drawn

    def denoise(self, parameters: list[Tensor], x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log-variances of clean points given noisy points, (B, d) each.

        Arguments:
            parameters: The network's parameters.
            x: Noisy points, (B, d).
            t: Their noise levels, (B, 1).
        """
        w, phase = parameters[:2]
        # Noise blurs detail: a sine of frequency w has this mean under noise of variance t^2 / 2.
        damped = torch.exp(-(w.square().sum(1) * t.square()) / 4)
        angle = x @ w.T + phase
        total = 1 + t.square()
        log_t = t.log()
        level = torch.cat([speed * log_t for speed in LEVEL_SPEEDS], 1).sin()
        a = torch.cat([angle.sin() * damped, angle.cos() * damped, x / total.sqrt(), level], 1)
        for layer in range(1, self.depth + 1):
            weight, bias = parameters[2 * layer : 2 * layer + 2]
            a = silu(torch.addmm(bias, a, weight.T))
        shift, bend = torch.addmm(parameters[-1], a, parameters[-2].T).chunk(2, 1)
        # With outputs of zero, a standard normal distribution is denoised exactly.
        scale = t / total.sqrt()
        bend = MAX_LOG_VARIANCE * torch.tanh(bend / MAX_LOG_VARIANCE)
        return x / total + scale * shift, 2 * scale.log() + bend


class TrainedPath:
    """A denoising path with parameters. It makes proposals of known density.

    Arguments:
        config: The path.
        d: The number of coordinates.
        rng: The generator of randomness of the initial parameters.
    """

    def __init__(self, config: DenoisingPath, d: int, rng: np.random.Generator) -> None:
        config.validate()
        self.config, self.d = config, d
        self.parameters = [to_device(p[0]) for p in config.parameters(d, [rng])]
        self.levels = to_device(config.schedule())
        #: The logarithms of the noise variances between neighbouring levels, (K,).
        self._gaps = (self.levels[1:].square() - self.levels[:-1].square()).log()
        self._wide = torch.log(1 + self.levels[-1].square())

    @property
    def device(self) -> torch.device:
        """The device of the parameters and of all points."""
        return self.levels.device

    def train(self, x: Tensor, steps: int, generator: torch.Generator) -> None:
        """Train by denoising.

        Arguments:
            x: Standardised points, (n, d).
            steps: The number of steps.
            generator: The generator of randomness.

        Raises:
            Diverged: If the loss is not finite.
        """
        leaves = [p.clone().requires_grad_() for p in self.parameters]

        def loss() -> Tensor:
            return self._denoising_loss(leaves, x, generator)

        for at in descend(leaves, self.config.learning_rate, steps, loss):
            with torch.no_grad():
                # The mean forgets the start faster than its final decay would let it.
                decay = min(self.config.average, at / (at + 10))
                for kept, p in zip(self.parameters, leaves, strict=True):
                    kept.lerp_(p, 1 - decay)

    def _denoising_loss(
        self, parameters: list[Tensor], x: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Return the loss of one batch: squared errors, and the likelihood of their sizes."""
        b = self.config.batch_size
        clean = x[randint(len(x), b, generator, x.device)]
        # Strata of the logarithm of the level: each batch has all levels.
        strata = torch.arange(b, device=x.device)
        place = (strata + rand([b], generator, x.device)) / b
        t = torch.exp(torch.lerp(self.levels[1].log(), self.levels[-1].log(), place))[:, None]
        noisy = clean + t * randn(clean.shape, generator, x.device)
        mean, log_variance = self.config.denoise(parameters, noisy, t)
        error = (mean - clean).square()
        scale = t.square() / (1 + t.square())
        likelihood = (log_variance + error.detach() * torch.exp(-log_variance)) / 2
        return (error / scale / 2 + VARIANCE_WEIGHT * likelihood).mean()

    def step_law(self, x: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Return means and log-variances of points of level k - 1 given level k, (B, d) each."""
        t, below = self.levels[k], self.levels[k - 1]
        mean, log_variance = self.config.denoise(self.parameters, x, t.expand(len(x), 1))
        ratio = (below / t).square()
        a = 1 - ratio
        variance = ratio * (t.square() - below.square()) + a.square() * log_variance.exp()
        return x + a * (mean - x), variance.log()

    @torch.no_grad()
    def propose(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        r"""Return points (n, d) and :math:`\log q(\text{path}) - \log n(\text{path} \mid x_0)`.

        Arguments:
            n: The number of points.
            generator: The generator of randomness.
        """
        points, logs = [self.levels.new_zeros(0, self.d)], [self.levels.new_zeros(0)]
        for start in range(0, n, CHUNK):
            noise = randn([min(CHUNK, n - start), self.d], generator, self.device)
            x = (self._wide / 2).exp() * noise
            log = normal(x, 0 * x, self._wide)
            for k in range(len(self.levels) - 1, 0, -1):
                mean, log_variance = self.step_law(x, k)
                noise = randn(x.shape, generator, self.device)
                below = mean + (log_variance / 2).exp() * noise
                log += normal(below, mean, log_variance) - normal(x, below, self._gaps[k - 1])
                x = below
            points.append(x)
            logs.append(log)
        return torch.cat(points), torch.cat(logs)

    @torch.no_grad()
    def noise(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Return the same log-ratio, (n,), for a noising path that is drawn at each point.

        Arguments:
            x: Standardised points, (n, d).
            generator: The generator of randomness.
        """
        logs = [x.new_zeros(0)]
        for part in x.split(CHUNK):
            log, below = part.new_zeros(len(part)), part
            for k in range(1, len(self.levels)):
                gap = self._gaps[k - 1]
                above = below + (gap / 2).exp() * randn(part.shape, generator, self.device)
                log += normal(below, *self.step_law(above, k)) - normal(above, below, gap)
                below = above
            logs.append(log + normal(below, 0 * below, self._wide))
        return torch.cat(logs)


def normal(x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return log-densities (B,) of points (B, d) with independent normal coordinates."""
    squares = (x - mean).square() * torch.exp(-log_variance)
    return -0.5 * (squares + log_variance + LOG_2PI).sum(1)


def sines(
    count: int, d: int, low: float, high: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw frequencies (count, d), log-uniform in length, and phases (count,) of sines.

    Arguments:
        count: The number of sines.
        d: The number of coordinates.
        low: The smallest length of a frequency.
        high: The largest length.
        rng: The generator of randomness.
    """
    directions = rng.standard_normal((count, d))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = np.exp(rng.uniform(math.log(low), math.log(high), (count, 1)))
    return directions * lengths, rng.uniform(0, 2 * math.pi, count)
