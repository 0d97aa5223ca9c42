"""The interface of density models: from points to a density."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from algorithms.base import Array


@dataclass(frozen=True)
class Partition:
    r"""An estimate of a log-partition function, with measures of its reliability.

    Arguments:
        value: The estimate of :math:`\log Z`, in nats.
        error: Its standard error, by the delta method.
        effective: The effective share of the proposals, in (0, 1]; near 0 the standard error
            itself is unreliable.
        other: A second estimate from other proposals, where there is one.
        other_error: The standard error of the second estimate.
    """

    value: float
    error: float
    effective: float
    other: float | None = None
    other_error: float | None = None

    @property
    def disagreement(self) -> float:
        """The difference of the two estimates in standard errors; 0 without a second one."""
        if self.other is None or self.other_error is None:
            return 0.0
        # Proposals that miss most of the mass underestimate their own error as well.
        error = max(np.hypot(self.error, self.other_error), 1e-3)
        return float(abs(self.value - self.other) / error)

    def report(self) -> dict[str, float]:
        """Return the estimate, its error, its reliability and the number of alarms, by name."""
        return {
            "log_z": self.value,
            "log_z_error": self.error,
            "effective": self.effective,
            "disagreement": self.disagreement,
            "alarms": float(len(self.alarms())),
        }

    def alarms(self) -> list[str]:
        """Return the reasons not to rely on the estimate; an empty list where there are none."""
        reasons = []
        if self.effective < 0.05:
            reasons.append(f"heavy weights: {self.effective:.1%} of the proposals are effective")
        if self.disagreement > 5 and self.other is not None:
            reasons.append(
                f"two estimates disagree: log Z is {self.value:.3f} and {self.other:.3f}; one of "
                "the proposals may have dropped a mode"
            )
        return reasons


class Density(ABC):
    """A density on vectors, in nats."""

    @property
    def report(self) -> Mapping[str, float]:
        """Diagnostics of the density: name -> value."""
        return {}

    @abstractmethod
    def log_prob(self, x: Array) -> Array:
        """Return the log-density of points (n, d), (n,)."""

    @abstractmethod
    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n points, (n, d)."""

    def log_partition(self) -> Partition | None:
        """Return the estimate that normalises :meth:`log_prob`; None for exact densities."""
        return None


class DensityModel(ABC):
    """A method to learn a density. Its fields are its hyper-parameters; each has a default.

    A subclass is a frozen dataclass with the method :meth:`fit`, which draws all its randomness
    from its argument ``rng`` and does not change the points.
    """

    @abstractmethod
    def fit(self, x: Array, rng: np.random.Generator) -> Density:
        """Learn a density from points (n, d)."""

    def fit_many(
        self, xs: Sequence[Array], rngs: Sequence[np.random.Generator]
    ) -> list[Density | Exception]:
        """Learn densities from many sets of points; a failure is returned as its exception.

        The density of a set of points may not depend on the other sets.
        """
        results: list[Density | Exception] = []
        for x, rng in zip(xs, rngs, strict=True):
            try:
                results.append(self.fit(x, rng))
            except Exception as error:
                results.append(error)
        return results
