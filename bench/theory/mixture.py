"""Mixture: the law of a training set in which a collective has acted."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from algorithms.base import Law
from bench.datasets.base import GatheringLaw, TraceableLaw
from bench.theory.finite_domain import PointIndex, finite_domain
from collectives.base import Action, Strategy
from collectives.types import Array, MemberData, NoBound


def has_local_policy(strategy: Strategy, classes: int) -> bool:
    """Return whether a label policy says all that members hand in at signal points."""
    try:
        return strategy.bounds.label_policy(classes).local
    except NoBound:
        return False


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""The mixture :math:`P_\alpha = \alpha\, h_\# P_0 + (1 - \alpha) P_0`.

    The mass that the strategy h moves onto (x, y) is summed over all points of a finite domain, or
    over the points that can be moved onto x in a product of a finite and an infinite one. Where
    these are too many, the law provides the sums by label.

    Arguments:
        base: The base law.
        strategy: The members' strategy, a traceable one.
        size: The share :math:`\alpha` of the members.
        pooled: The rows that members pool before they act.
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
        """Return P(x, y) of n points for each of K labels, (n, K)."""
        return self._mix(x, self.base.joint(x))

    def joint_at(self, atoms: PointIndex) -> Array:
        """Return P(x, y) at indexed points of the finite domain of the base law, (S, K)."""
        return self._mix(atoms.points, finite_domain(self.base).joint(atoms))

    def _mix(self, x: Array, base: Array) -> Array:
        if self.size == 0:
            return base
        if isinstance(self.base, GatheringLaw):
            policy = self.strategy.bounds.label_policy(self.pooled.classes)
            planted = policy.handed_in(base, self.base.gathered(x))
        else:
            planted = self._from_alternatives(x) if self.support is None else self._from_domain(x)
        return self.size * planted + (1 - self.size) * base

    def _from_domain(self, x: Array) -> Array:
        """Return the mass that members of a finite domain hand in at n points, (n, K)."""
        atoms, masses = self._handed_in
        return masses[atoms.find(x)]

    @cached_property
    def _handed_in(self) -> tuple[PointIndex, Array]:
        """The points that members hand in, and the mass there; zero for all others."""
        if self.strategy.acts_on == "row":
            return finite_domain(self.base).transported(self.strategy, self._transport)
        return self._transport()

    def _transport(self) -> tuple[PointIndex, Array]:
        origin, mass = finite_domain(self.base).support, finite_domain(self.base).mass
        points, masses = [], []
        for label, weight in enumerate(mass.T):
            for probability, acted, labels in self._actions(origin, label):
                points.append(acted)
                masses.append(probability * weight[:, None] * np.eye(mass.shape[1])[labels])
        atoms = PointIndex(np.concatenate(points))
        total = np.zeros((len(atoms) + 1, mass.shape[1]))
        np.add.at(total, atoms.inverse, np.concatenate(masses))
        return atoms, total

    def _from_alternatives(self, x: Array) -> Array:
        """Return the mass that members hand in at n points, from all origins of these, (n, K)."""
        assert isinstance(self.base, TraceableLaw)
        planted = np.zeros_like(self.base.joint(x))
        for origin in self.base.alternatives(x):
            mass = self.base.joint(origin)
            for label in range(mass.shape[1]):
                for probability, acted, labels in self._actions(origin, label):
                    here = np.flatnonzero((acted == x).reshape(len(x), -1).all(1))
                    np.add.at(planted, (here, labels[here]), probability * mass[here, label])
        return planted

    def _actions(self, origin: Array, label: int) -> list[Action]:
        y = np.full(len(origin), label, dtype=np.int64)
        return self.strategy.action_distribution(origin, y, pooled=self.pooled, n=self.n)
