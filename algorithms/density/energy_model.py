"""The base class of density models with an energy, and the density that they learn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import logsumexp

from algorithms.base import Array
from algorithms.density._energy_state import EnergyConfig, EnergyState, draw_proposals, logits
from algorithms.density._on_device import to_device, to_numpy
from algorithms.density._reference import Reference, fit_reference
from algorithms.density._training import MIN_EFFECTIVE, train_energies
from algorithms.density.base import Density, DensityModel, Partition
from algorithms.density.partition import effective, estimate, resample

#: The number of points in one forward pass, so that the activations stay small.
CHUNK = 4096
#: The number of proposals that one sample is drawn from, by their weights.
OVERSAMPLE = 4


@dataclass(frozen=True)
class EnergyModel(EnergyConfig, DensityModel):
    r"""An unnormalised log-density D with an estimate of its partition function. Abstract.

    .. math:: p(x) = \frac{e^{D(x)}}{Z}, \qquad D = \log p_0 + f

    with a network f and a reference :math:`p_0`: the normal distribution with the points' mean
    and covariance, or a mixture of normal distributions. A subclass adds a generator, or says by
    class variables how it differs in the losses.
    """

    def validate(self) -> None:
        """Check that a step has at least as many proposals as points."""
        if self.proposals < self.batch_size:
            raise ValueError(
                f"proposals={self.proposals} is less than batch_size={self.batch_size}; give "
                f"proposals={self.batch_size} or more, or a smaller batch_size"
            )

    def fit(self, x: Array, rng: np.random.Generator) -> "EnergyDensity":
        """Learn a density from points (n, d)."""
        (result,) = self.fit_jointly([x], [rng])
        if isinstance(result, Exception):
            raise result
        return result

    def fit_many(
        self, xs: Sequence[Array], rngs: Sequence[np.random.Generator]
    ) -> list[Density | Exception]:
        """Learn densities from many sets of points, stacked."""
        return list(self.fit_jointly(xs, rngs))

    def fit_jointly(
        self,
        xs: Sequence[Array],
        rngs: Sequence[np.random.Generator],
        labels: Sequence[Array] | None = None,
        classes: int = 1,
    ) -> list["EnergyDensity | Exception"]:
        """Learn joint densities of points and labels: f has one output for each label.

        Arguments:
            xs: R sets of points, (n_r, d).
            rngs: The generator of randomness of each set.
            labels: The labels 0..K-1 of each set, (n_r,); None for a density of points alone.
            classes: The number of labels K.

        Returns:
            For each set its density, or the exception that its training raised.
        """
        self.validate()
        results: dict[int, EnergyDensity | Exception] = {}
        references: dict[int, Reference] = {}
        for i, (x, rng) in enumerate(zip(xs, rngs, strict=True)):
            try:
                x = x.astype(np.float64)
                reference = fit_reference(x, self.components, self.shrinkage, rng)
                references[i] = reference.apply(to_device)
            except Exception as error:
                results[i] = error
        if references:
            states = train_energies(
                self,
                [xs[i] for i in references],
                list(references.values()),
                [rngs[i] for i in references],
                None if labels is None else [labels[i] for i in references],
                classes,
            )
            for (i, reference), state in zip(references.items(), states, strict=True):
                if isinstance(state, Exception):
                    results[i] = state
                    continue
                try:
                    results[i] = EnergyDensity(self, state, reference, rngs[i])
                except Exception as error:
                    results[i] = error
        return [results[i] for i in range(len(xs))]


class EnergyDensity(Density):
    """The density of a trained energy, normalised by importance sampling.

    The partition function is estimated from the generator's proposals. A quarter as many
    proposals of the reference give a second estimate. The reference's proposals replace the
    generator's if the weights of the latter are too heavy.

    Arguments:
        config: The hyper-parameters of the training.
        state: The parameters of energy and generator, each (1, ...).
        reference: The reference.
        rng: The generator of randomness, for the proposals.
    """

    def __init__(
        self,
        config: EnergyConfig,
        state: EnergyState,
        reference: Reference,
        rng: np.random.Generator,
    ) -> None:
        self._network, self._reference = config.energy, reference
        self._state = EnergyState(
            [p.double() for p in state.energy], [p.double() for p in state.generator]
        )
        self._generator = config.generator
        #: The generator of proposals; None where the reference makes them.
        self._proposal = config.generator
        weights = self._weights(config.final, rng)
        others = None
        if self._generator is not None:
            self._proposal = None
            others = self._weights(config.final // 4 + 2, rng)
            if effective(weights) < MIN_EFFECTIVE <= effective(others):
                weights, others = self._weights(config.final, rng), None
            else:
                self._proposal = self._generator
        self._partition = estimate(weights, others)
        if not np.isfinite(self._partition.value):
            raise ArithmeticError(f"log Z is {self._partition.value}: training diverged")

    @property
    def report(self) -> Mapping[str, float]:
        """The partition function, its errors, and the number of alarms."""
        return self._partition.report()

    def log_partition(self) -> Partition:
        """Return log Z in whitened coordinates, where f = 0 makes it 0."""
        return self._partition

    def log_joint(self, x: Array) -> Array:
        """Return the log-density of n points (n, d) with each of K labels, (n, K)."""
        parts = [np.zeros((0, self._state.classes))]
        for start in range(0, len(x), CHUNK):
            rows = np.asarray(x[start : start + CHUNK], np.float64)
            u = self._reference.whiten(self._on_device(rows.T[None]))
            with torch.no_grad():
                f = logits(self._network, self._state.energy, u)[0].T
                parts.append(to_numpy(f + self._reference.log_prob(u).T))
        shift = float(self._reference.log_det) - self._partition.value
        return np.concatenate(parts) + shift

    def log_prob(self, x: Array) -> Array:
        """Return the log-density of points (n, d), (n,)."""
        return np.asarray(logsumexp(self.log_joint(x), axis=1))

    def propose(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n proposals, (n, d), and their log-weights (n,), whose mean exponential is Z."""
        u, weights = self._draw(n, rng)
        return to_numpy(self._reference.colour(u[None])[0].T), to_numpy(weights)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n points, (n, d): proposals, resampled by their weights."""
        x, weights = self.propose(OVERSAMPLE * n, rng)
        return resample(x, weights, n, rng)

    def push(self, noise: Array) -> Array:
        """Return the generator's points (n, d) for noise (n, d); its first columns are latent."""
        z = self._on_device(np.ascontiguousarray(noise, np.float64).T[None])
        with torch.no_grad():
            u = self._generator.push(self._state.generator, z)[0] if self._generator else z
        return to_numpy(self._reference.colour(u)[0].T)

    def _on_device(self, values: Array) -> torch.Tensor:
        return torch.from_numpy(values).to(self._reference.device)

    def _draw(self, n: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        state, reference = self._state, self._reference
        return draw_proposals(self._network, self._proposal, state, reference, n, rng)

    def _weights(self, n: int, rng: np.random.Generator) -> Array:
        return to_numpy(self._draw(n, rng)[1])
