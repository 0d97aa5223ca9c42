"""What every density model promises: points in, a density out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from algorithms.base import Array


@dataclass(frozen=True)
class Partition:
    r"""An estimate of a log-partition function, and how far one can rely on it.

    Arguments:
        value: The estimate of :math:`\log Z`, in nats.
        error: Its standard error, by the delta method.
        effective: The effective share of the proposals, in (0, 1]; near 0 the error itself is
            not to be relied on.
        other: A second estimate by another proposal, where there is one.
        other_error: Its standard error.
    """

    value: float
    error: float
    effective: float
    other: float | None = None
    other_error: float | None = None

    @property
    def disagreement(self) -> float:
        """By how many standard errors the two estimates differ; 0 without a second one."""
        if self.other is None or self.other_error is None:
            return 0.0
        # A proposal that misses most of the mass underrates its own error as well.
        error = max(np.hypot(self.error, self.other_error), 1e-3)
        return float(abs(self.value - self.other) / error)

    def alarms(self) -> list[str]:
        """What speaks against relying on it, in words; nothing, if nothing does."""
        found = []
        if self.effective < 0.05:
            found.append(f"heavy weights: {self.effective:.1%} of the proposals are effective")
        if self.disagreement > 5 and self.other is not None:
            found.append(
                f"two proposals disagree: log Z is {self.value:.3f} by one and "
                f"{self.other:.3f} by the other, as if one had dropped a mode"
            )
        return found


class Density(ABC):
    """A density on vectors, in nats."""

    @property
    def report(self) -> Mapping[str, float]:
        """Whatever is worth a number: name -> value."""
        return {}

    @abstractmethod
    def log_prob(self, x: Array) -> Array:
        """Log-density of points (n, d), (n,)."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n points, (n, d)."""

    def log_partition(self) -> Partition | None:
        """The estimate that :meth:`log_prob` is normalised by; None where it is exact."""
        return None


class DensityModel(ABC):
    """A way to learn a density. Its fields are its hyper-parameters; each has a default.

    A subclass is a frozen dataclass with :meth:`fit`, which takes all its randomness from the
    generator that it is given and leaves the points alone.
    """

    @abstractmethod
    def fit(self, x: Array, rng: np.random.Generator) -> Density:
        """Learn from points (n, d)."""

    def fit_many(
        self, xs: Sequence[Array], rngs: Sequence[np.random.Generator]
    ) -> list[Density | Exception]:
        """Learn from many sets of points; a failure is its error, in its place.

        Whatever is trained beside a set of points may not change what is learnt from it.
        """
        results: list[Density | Exception] = []
        for x, rng in zip(xs, rngs, strict=True):
            try:
                results.append(self.fit(x, rng))
            except Exception as error:
                results.append(error)
        return results
