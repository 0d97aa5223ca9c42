"""The law that a firm faces: the base law, mixed with what a collective makes of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeGuard

import numpy as np

from algorithms.base import Law
from bench.datasets.base import GatheringLaw, TraceableLaw
from bench.theory.finite_domain import PointIndex, finite_domain
from collectives.base import Strategy
from collectives.theory.label_policy import LabelPolicy
from collectives.types import Array, MemberData


def followed(label_policy: LabelPolicy | None) -> TypeGuard[LabelPolicy]:
    """Whether it is known of all members that they stay, or go where the signal takes them."""
    return (
        label_policy is not None and not label_policy.unspecified and not label_policy.away.any()
    )


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""The mixture :math:`P_\alpha = \alpha\, h_\# P_0 + (1 - \alpha) P_0`.

    The mass that the strategy h moves onto (x, y) is summed over all points of a finite domain,
    and over the points that can be moved onto x in a product of a finite and an infinite one.
    Where these are too many, the law has summed them already, by label.

    Arguments:
        base: The base law.
        strategy: What the members do; it says all :meth:`~Strategy.action_distribution`.
        size: Their share alpha.
        pooled: What they know of the base law.
        n: The number of people.
    """

    base: Law
    strategy: Strategy
    size: float
    pooled: MemberData
    n: int

    @property
    def support(self) -> Array | None:
        """All points of a finite domain; None where the domain is not finite."""
        return self.base.support

    def joint(self, x: Array) -> Array:
        """P(x, y) of n points for each of K labels, (n, K)."""
        return self._mixed(x, self.base.joint(x))

    def at(self, places: PointIndex) -> Array:
        """The same of places on the ground of the base law, (S, K)."""
        return self._mixed(places.points, finite_domain(self.base).joint(places))

    def _mixed(self, x: Array, base: Array) -> Array:
        if self.size == 0:
            return base
        if isinstance(self.base, GatheringLaw):
            planted = self._brought(base, self.base.gathered(x))
        else:
            planted = self._traced(x) if self.support is None else self._summed(x)
        return self.size * planted + (1 - self.size) * base

    def _brought(self, base: Array, gathered: Array) -> Array:
        """What members bring to n points of a mass, by what they do by label, (n, K)."""
        label_policy = self.strategy.label_policy(self.pooled.classes)
        assert followed(label_policy)
        return label_policy.brought(base, gathered)

    def _summed(self, x: Array) -> Array:
        """What members bring to n points from the whole of a finite domain, (n, K)."""
        places, masses = self._table
        return masses[places.base(x)]

    @cached_property
    def _table(self) -> tuple[PointIndex, Array]:
        """The points that members bring something to, and what; and nothing to all others."""
        if self.strategy.rowwise:
            return finite_domain(self.base).brought(self.strategy, self._counted)
        return self._counted()

    def _counted(self) -> tuple[PointIndex, Array]:
        origin, mass = finite_domain(self.base).support, finite_domain(self.base).mass
        points, masses = [], []
        for label, own in enumerate(mass.T):
            for likely, moved, told in self._outcomes(origin, label):
                points.append(moved)
                masses.append(likely * own[:, None] * np.eye(mass.shape[1])[told])
        places = PointIndex(np.concatenate(points))
        total = np.zeros((len(places) + 1, mass.shape[1]))
        np.add.at(total, places.which, np.concatenate(masses))
        return places, total

    def _traced(self, x: Array) -> Array:
        """What members bring to n points from where the default signal may take it, (n, K)."""
        assert isinstance(self.base, TraceableLaw)
        planted = np.zeros_like(self.base.joint(x))
        for origin in self.base.alternatives(x):
            mass = self.base.joint(origin)
            for label in range(mass.shape[1]):
                for likely, moved, told in self._outcomes(origin, label):
                    here = np.flatnonzero((moved == x).reshape(len(x), -1).all(1))
                    np.add.at(planted, (here, told[here]), likely * mass[here, label])
        return planted

    def _outcomes(self, origin: Array, label: int) -> list[tuple[float, Array, Array]]:
        y = np.full(len(origin), label, dtype=np.int64)
        return self.strategy.action_distribution(origin, y, pooled=self.pooled, n=self.n)
