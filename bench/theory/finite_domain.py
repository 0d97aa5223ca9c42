"""Finite domains: indices of distinct points, and the base law at these points."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from algorithms.base import Law
from bench.core.identity_cache import IdentityCache
from collectives.base import Strategy
from collectives.signals.base import Signal
from collectives.types import Array


class PointIndex:
    """Index of distinct points.

    Arguments:
        points: Points (m, ...), some of which may be equal.

    Example:
        >>> index = PointIndex(np.float32([[0, 1], [0, 0], [0, 1]]))
        >>> index.points.tolist(), index.find(np.float32([[0, 0], [7, 7]])).tolist()
        ([[0.0, 1.0], [0.0, 0.0]], [1, 2])
    """

    def __init__(self, points: Array) -> None:
        keys, first, which = np.unique(_keys(points), return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.argsort(order)
        #: The distinct points, in the order of their first occurrence, (S, ...).
        self.points = points[first[order]]
        #: The index of each given point, (m,).
        self.inverse = rank[which.reshape(-1)]
        self._keys, self._rank = keys, np.append(rank, len(keys))
        # The same few arrays, such as the test points, are looked up repeatedly.
        self._cache = IdentityCache(self._find, most=8)

    def __len__(self) -> int:
        return len(self.points)

    def find(self, x: Array) -> Array:
        """Return the index of each of n points, (n,); S for a point that is not there."""
        return self._cache(x)

    def _find(self, x: Array) -> Array:
        keys = _keys(x)
        place = np.searchsorted(self._keys, keys)
        place[place == len(self)] = 0
        return np.where(self._keys[place] == keys, self._rank[place], len(self))

    def images(self, signal: Signal) -> Array:
        """Return the index of g(x) for each point x, (S,); that of x, if g(x) is not there."""
        images = self._find(signal(self.points))
        return np.where(images == len(self), np.arange(len(self)), images)


def _keys(x: Array) -> Array:
    """Return the bytes of each point as one value; -0 and 0 are the same."""
    rows = np.ascontiguousarray(x.reshape(len(x), -1)) + np.zeros(1, x.dtype)
    return rows.view(f"V{rows.dtype.itemsize * rows.shape[1]}").reshape(-1)


class FiniteDomain:
    """Finite domain with its base law, computed once for all trials on it.

    Arguments:
        law: A law whose support is finite.
    """

    def __init__(self, law: Law) -> None:
        assert law.support is not None
        self.law, self.support = law, law.support
        self._with_images: dict[tuple[Signal, ...], PointIndex] = {}
        self._images: dict[tuple[Signal, PointIndex], Array] = {}
        self._joint: dict[PointIndex, Array] = {}
        self._transported: dict[Strategy, tuple[PointIndex, Array]] = {}

    @cached_property
    def mass(self) -> Array:
        """P(x, y) at all points of the support, (S, K)."""
        return self.law.joint(self.support)

    def joint(self, atoms: PointIndex) -> Array:
        """Return P(x, y) at the points of an index from :meth:`with_images`, (S, K)."""
        if atoms not in self._joint:
            self._joint[atoms] = self.law.joint(atoms.points)
        return self._joint[atoms]

    def transported(
        self, strategy: Strategy, compute: Callable[[], tuple[PointIndex, Array]]
    ) -> tuple[PointIndex, Array]:
        """Return the law that members hand in, computed once for a strategy that acts on rows.

        Arguments:
            strategy: The strategy.
            compute: The function that computes the law: points, and the masses at them.
        """
        if strategy not in self._transported:
            self._transported[strategy] = compute()
        return self._transported[strategy]

    def with_images(self, signals: tuple[Signal, ...]) -> PointIndex:
        """Return an index of the support and of its images under signals."""
        if signals not in self._with_images:
            images = [self.support, *(signal(self.support) for signal in signals)]
            self._with_images[signals] = PointIndex(np.concatenate(images))
        return self._with_images[signals]

    def image_map(self, atoms: PointIndex) -> Callable[[Signal], Array]:
        """Return the function from a signal g to the index of g(x) for each point x, (S,).

        Points reachable only through a signal have no base mass, so their image is arbitrary.
        """

        def image_of(signal: Signal) -> Array:
            key = signal, atoms
            if key not in self._images:
                self._images[key] = atoms.images(signal)
            return self._images[key]

        return image_of


finite_domain = IdentityCache(FiniteDomain, most=64)
