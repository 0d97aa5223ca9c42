"""The law that a firm faces: the base law, mixed with what a collective makes of it."""

from dataclasses import dataclass

import numpy as np

from bench.datasets.base import TraceableLaw
from collectives.base import Array, Pooled, Strategy


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""The mixture :math:`P_\alpha = \alpha\, h_\# P_0 + (1 - \alpha) P_0`.

    The mass that the strategy h moves onto (x, y) is summed over the points that can be moved
    onto x, so it is exact on finite domains and on products of a finite and an infinite one.

    Arguments:
        base: The base law.
        strategy: What the members do; it may not depend on chance.
        size: Their share alpha.
        pooled: What they know of the base law.
        n: The number of people.
    """

    base: TraceableLaw
    strategy: Strategy
    size: float
    pooled: Pooled
    n: int

    @property
    def support(self) -> Array | None:
        """All points of a finite domain; None where the domain is not finite."""
        return self.base.support

    def joint(self, x: Array) -> Array:
        """P(x, y) of n points for each of K labels, (n, K)."""
        base = self.base.joint(x)
        if self.size == 0:
            return base
        planted = np.zeros_like(base)
        for origin in self.base.alternatives(x):
            mass = self.base.joint(origin)
            for label in range(base.shape[1]):
                y = np.full(len(x), label, dtype=np.int64)
                rng = np.random.default_rng(0)
                moved, told = self.strategy.act(origin, y, pooled=self.pooled, n=self.n, rng=rng)
                here = (moved == x).reshape(len(x), -1).all(1)
                np.add.at(planted, (np.flatnonzero(here), told[here]), mass[here, label])
        return self.size * planted + (1 - self.size) * base
