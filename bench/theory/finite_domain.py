"""Where points are among distinct ones, and what is known of those of a finite domain."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from algorithms.base import Law
from bench.core.identity_cache import IdentityCache
from collectives.base import Strategy
from collectives.signals.base import Signal
from collectives.types import Array


class PointIndex:
    """Distinct points, by number.

    Arguments:
        points: Points (m, ...), some of them equal.

    Example:
        >>> places = PointIndex(np.float32([[0, 1], [0, 0], [0, 1]]))
        >>> places.points.tolist(), places.base(np.float32([[0, 0], [7, 7]])).tolist()
        ([[0.0, 1.0], [0.0, 0.0]], [1, 2])
    """

    def __init__(self, points: Array) -> None:
        keys, first, which = np.unique(_keys(points), return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.argsort(order)
        #: One of each kind, in the order of the first ones, (S, ...).
        self.points = points[first[order]]
        #: Which of them each given point is, (m,).
        self.which = rank[which.reshape(-1)]
        self._keys, self._rank = keys, np.append(rank, len(keys))
        # The same few arrays are asked for again and again: test points, and other places.
        self._found = IdentityCache(self._find, most=8)

    def __len__(self) -> int:
        return len(self.points)

    def base(self, x: Array) -> Array:
        """The number of each of n points, (n,); for one that is not there, how many there are."""
        return self._found(x)

    def _find(self, x: Array) -> Array:
        keys = _keys(x)
        place = np.searchsorted(self._keys, keys)
        place[place == len(self)] = 0
        return np.where(self._keys[place] == keys, self._rank[place], len(self))

    def moved(self, signal: Signal) -> Array:
        """The number of g(x) for each of the points x, (S,); its own, where that is not there."""
        found = self._find(signal(self.points))
        return np.where(found == len(self), np.arange(len(self)), found)


def _keys(x: Array) -> Array:
    """The bytes of each point as one value; -0 and 0 are the same."""
    rows = np.ascontiguousarray(x.reshape(len(x), -1)) + np.zeros(1, x.dtype)
    return rows.view(f"V{rows.dtype.itemsize * rows.shape[1]}").reshape(-1)


class FiniteDomain:
    """A finite domain and what its law says of it, worked out once for all trials on it.

    Arguments:
        law: A law whose support is finite.
    """

    def __init__(self, law: Law) -> None:
        assert law.support is not None
        self.law, self.support = law, law.support
        self._reached: dict[tuple[Signal, ...], PointIndex] = {}
        self._moved: dict[tuple[Signal, PointIndex], Array] = {}
        self._joint: dict[PointIndex, Array] = {}
        self._brought: dict[Strategy, tuple[PointIndex, Array]] = {}

    @cached_property
    def mass(self) -> Array:
        """P(x, y) of all its points, (S, K)."""
        return self.law.joint(self.support)

    def joint(self, places: PointIndex) -> Array:
        """P(x, y) of places that it has handed out, (S, K)."""
        if places not in self._joint:
            self._joint[places] = self.law.joint(places.points)
        return self._joint[places]

    def brought(
        self, strategy: Strategy, find: Callable[[], tuple[PointIndex, Array]]
    ) -> tuple[PointIndex, Array]:
        """Where members bring what, if that is the same whoever they are: found out once."""
        if strategy not in self._brought:
            self._brought[strategy] = find()
        return self._brought[strategy]

    def reached(self, signals: tuple[Signal, ...]) -> PointIndex:
        """Its points, and those that signals make of them."""
        if signals not in self._reached:
            images = [self.support, *(signal(self.support) for signal in signals)]
            self._reached[signals] = PointIndex(np.concatenate(images))
        return self._reached[signals]

    def moves(self, places: PointIndex) -> Callable[[Signal], Array]:
        """From a signal to the number of g(x) for each of the places x, (S,).

        From where only signals lead, a signal may lead to anywhere: nobody is there.
        """

        def moved(signal: Signal) -> Array:
            key = signal, places
            if key not in self._moved:
                self._moved[key] = places.moved(signal)
            return self._moved[key]

        return moved


finite_domain = IdentityCache(FiniteDomain, most=64)
