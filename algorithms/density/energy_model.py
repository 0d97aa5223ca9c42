"""What density models with an energy share: their fields, and the density that they leave."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval, MinLen
from scipy.special import logsumexp

from algorithms.base import Array
from algorithms.density._reference import Reference, reference
from algorithms.density._training import HEAVY, EnergyConfig, State, contest, energy, logits, weigh
from algorithms.density.base import Density, DensityModel, Partition
from algorithms.density.energies import SmoothMLP
from algorithms.density.generators import Generator
from algorithms.density.partition import effective, estimate
from algorithms.networks import Network

#: Points at once, so that the activations of an evaluation stay small.
ROWS = 4096
#: Of so many proposals for each sample one is drawn by its weight.
OVERSAMPLE = 4

Part = Annotated[float, Interval(ge=0, lt=1)]


@dataclass(frozen=True)
class EnergyModel(DensityModel):
    r"""An unnormalised log-density D, and a way to know its partition function.

    .. math:: p(x) = \frac{e^{D(x)}}{Z}, \qquad D = \log p_0 + f

    with a network f and a reference :math:`p_0`: the normal law of the points' mean and
    covariance, or a mixture of normal laws.

    Arguments:
        energy: The network f; a function of one point, without dropout or batch normalisation.
        components: How many normal laws the reference is a mixture of; among several numbers
            the one that does best on held-out points.
        shrinkage: How far the covariances of the reference are drawn to multiples of the
            identity.
        steps: The number of training steps.
        batch_size: Points a step.
        proposals: Proposals a step, at least as many.
        learning_rate: The learning rate of the energy (Adam), which falls to zero as a cosine.
        weight_decay: Weight decay of the energy, added to the gradient.
        penalty: The weight of a penalty on the gradient of f, in whitened coordinates.
        gate: While the effective share of the proposals is below this, the energy stands still:
            it would learn their noise.
        validation_fraction: The share of the points that are held out, to judge by.
        rounds: How often they judge: an earlier round is kept if it was clearly better.
        final: The number of proposals that the final log Z is made of.
    """

    energy: Network = SmoothMLP()  # noqa: RUF009 (frozen)
    components: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (1,)
    shrinkage: Annotated[float, Interval(ge=0, le=1)] = 0.0
    steps: Annotated[int, Ge(1)] = 3000
    batch_size: Annotated[int, Ge(1)] = 256
    proposals: Annotated[int, Ge(1)] = 512
    learning_rate: Annotated[float, Gt(0)] = 3e-3
    weight_decay: Annotated[float, Ge(0)] = 0.0
    penalty: Annotated[float, Ge(0)] = 0.0
    gate: Part = 0.05
    validation_fraction: Part = 0.1
    rounds: Annotated[int, Ge(1)] = 10
    final: Annotated[int, Ge(2)] = 2**15

    @abstractmethod
    def config(self, classes: int = 1) -> EnergyConfig:
        """What the training does."""

    def contest(
        self,
        classes: int,
        generator: Generator | None,
        generator_rate: float = 0.0,
        partition: Literal["importance", "critic"] = "importance",
        entropy: float = 1.0,
        around: Literal["data", "between"] = "data",
    ) -> EnergyConfig:
        """This model's fields as rules, beside what a subclass says."""
        return EnergyConfig(
            self.energy,
            generator,
            partition,
            entropy,
            self.penalty,
            around,
            self.steps,
            self.batch_size,
            self.proposals,
            self.learning_rate,
            generator_rate,
            self.weight_decay,
            self.gate,
            self.rounds,
            classes,
        )

    def validate(self) -> None:
        """Refuse fewer proposals than points a step."""
        if self.proposals < self.batch_size:
            raise ValueError(
                f"proposals={self.proposals} are fewer than batch_size={self.batch_size}"
            )

    def fit(self, x: Array, rng: np.random.Generator) -> "EnergyDensity":
        """Learn from points (n, d)."""
        (result,) = self.fit_many([x], [rng])
        if isinstance(result, Exception):
            raise result
        assert isinstance(result, EnergyDensity)
        return result

    def fit_many(
        self, xs: Sequence[Array], rngs: Sequence[np.random.Generator]
    ) -> list[Density | Exception]:
        """Learn from many sets of points, stacked."""
        return list(self.fit_jointly(xs, rngs))

    def fit_jointly(
        self,
        xs: Sequence[Array],
        rngs: Sequence[np.random.Generator],
        labels: Sequence[Array] | None = None,
        classes: int = 1,
    ) -> list["EnergyDensity | Exception"]:
        """Learn the joint densities of points and labels: f has an output for each label.

        Arguments:
            xs: R sets of points, (n_r, d).
            rngs: A generator for each, used by it alone.
            labels: The labels 0..K-1 of each point, (n_r,); none, if there are none.
            classes: The number of labels K.
        """
        self.validate()
        config = self.config(classes)
        bases: list[Reference | Exception] = []
        for x, rng in zip(xs, rngs, strict=True):
            try:
                bases.append(reference(x.astype(np.float64), self.components, self.shrinkage, rng))
            except Exception as error:
                bases.append(error)
        results: list[EnergyDensity | Exception] = [
            b if isinstance(b, Exception) else ValueError("not trained") for b in bases
        ]
        chosen = [i for i, b in enumerate(bases) if isinstance(b, Reference)]
        if not chosen:
            return results
        own = [b for b in bases if isinstance(b, Reference)]
        outcomes = contest(
            config,
            [xs[i] for i in chosen],
            own,
            [rngs[i] for i in chosen],
            None if labels is None else [labels[i] for i in chosen],
            self.validation_fraction,
        )
        for i, base, outcome in zip(chosen, own, outcomes, strict=True):
            if isinstance(outcome, Exception):
                results[i] = outcome
                continue
            try:
                results[i] = EnergyDensity(config, outcome, base, self.final, rngs[i])
            except Exception as error:
                results[i] = error
        return results


class EnergyDensity(Density):
    """The density of a trained energy, normalised by importance sampling.

    Arguments:
        config: What the training did.
        state: The parameters of energy and generator, each with a leading axis of one.
        base: The reference.
        final: The number of proposals for the partition function; a quarter as many of the
            reference's give a second opinion, or are taken in place of a generator's that are
            too heavy to tell.
        rng: Where the proposals for the partition function come from.
    """

    def __init__(
        self,
        config: EnergyConfig,
        state: State,
        base: Reference,
        final: int,
        rng: np.random.Generator,
    ) -> None:
        self._rules, self._base = config, base
        self._state = State(
            [p.double() for p in state.energy], [p.double() for p in state.generator]
        )
        #: Where proposals come from.
        self._source = config, self._state
        weights = weigh(*self._source, base, final, rng)[1].numpy()
        others = None
        if config.generator is not None:
            plain = _without(config), State(self._state.energy, [])
            others = weigh(*plain, base, final // 4 + 2, rng)[1].numpy()
            if effective(weights) < HEAVY <= effective(others):
                # A generator that lost its way is no proposal: the reference is, and alone.
                self._source = plain
                weights, others = weigh(*plain, base, final, rng)[1].numpy(), None
        self._partition = estimate(weights, others)
        if not np.isfinite(self._partition.value):
            raise ArithmeticError(f"log Z is {self._partition.value}: training diverged")

    @property
    def report(self) -> Mapping[str, float]:
        """The partition function, how far to rely on it, and the number of alarms."""
        z = self._partition
        return {
            "log_z": z.value,
            "log_z_error": z.error,
            "effective": z.effective,
            "disagreement": z.disagreement,
            "alarms": float(len(z.alarms())),
        }

    def log_partition(self) -> Partition:
        """Log Z in whitened coordinates, where f = 0 makes it 0."""
        return self._partition

    def log_joint(self, x: Array) -> Array:
        """Log-density of n points (n, d) with each of K labels, (n, K)."""
        parts = [np.zeros((0, self._rules.classes))]
        for start in range(0, len(x), ROWS):
            u = self._coordinates(x[start : start + ROWS])
            with torch.no_grad():
                f = logits(self._rules, self._state.energy, u)[0].T
                parts.append((f + self._base.log_prob(u).T).numpy())
        shift = float(self._base.stretch) - self._partition.value
        return np.concatenate(parts) + shift

    def log_prob(self, x: Array) -> Array:
        """Log-density of points (n, d), (n,)."""
        return np.asarray(logsumexp(self.log_joint(x), axis=1))

    def propose(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n proposals, (n, d), and their log-weights (n,), whose mean exponential is Z."""
        u, weights = weigh(*self._source, self._base, n, rng)
        return self._base.colour(u[None])[0].T.numpy(), weights.numpy()

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n points, (n, d): proposals, resampled by their weights."""
        x, weights = self.propose(OVERSAMPLE * n, rng)
        heap = np.cumsum(np.exp(weights - weights.max()))
        return x[np.searchsorted(heap, rng.random(n) * heap[-1], side="right").clip(0, len(x) - 1)]

    def push(self, noise: Array) -> Array:
        """The generator's points (n, d) for noise (n, d); the first coordinates are latent."""
        z = torch.from_numpy(np.ascontiguousarray(noise, np.float64).T[None])
        generator = self._rules.generator
        with torch.no_grad():
            u = generator.push(self._state.generator, z)[0] if generator else z
        return self._base.colour(u)[0].T.numpy()

    def _coordinates(self, x: Array) -> torch.Tensor:
        return self._base.whiten(torch.from_numpy(np.asarray(x, np.float64).T[None]))


def _without(config: EnergyConfig) -> EnergyConfig:
    """The same energy with proposals from the reference."""
    return EnergyConfig(**{**vars(config), "generator": None})


def energy_at(density: EnergyDensity, x: Array) -> Array:
    """The unnormalised D of points (n, d) in whitened coordinates, (n,)."""
    with torch.no_grad():
        u = density._coordinates(x)
        return energy(density._rules, density._state.energy, density._base, u)[0].numpy()
