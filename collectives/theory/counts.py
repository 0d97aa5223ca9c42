"""Counts of members' rows at the points of a signal set, or at all points."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from collectives.signals.base import Signal
from collectives.types import Array, NoBound


@dataclass(frozen=True, eq=False)
class SignalCounts:
    """Counts of members' rows at the S points of the signal set, for T sizes.

    Arguments:
        people: The number of members, (T,).
        base: The number of members whose own point it is, by label, (T, S, K).
        arriving: The number of members whose signalled point it is, by label, (T, S, K).
    """

    people: Array
    base: Array
    arriving: Array

    def has_off_signal_member(self) -> Array:
        """Return which collectives have a member off the signal set, (T,).

        Raises:
            NoBound: If all members carry the signal, however many they are.
        """
        free = self.people - self.base.sum(axis=(1, 2))
        if (free <= 1e-9 * self.people).all():
            raise NoBound(
                "all members carry the signal, so those of other labels know no point without it "
                "to move to, and vote against the target where they are"
            )
        return np.asarray(free > 1 - 1e-9)

    def split_first(
        self, number: int, first: "SignalCounts"
    ) -> tuple["SignalCounts", "SignalCounts"]:
        """Return the counts of the first members, and of the rest for each size.

        Arguments:
            number: The number of first members, smaller than any size.
            first: Their counts, whose points are the first of these points, (1, S', K).
        """
        if number >= self.people.min():
            raise ValueError(f"number={number}, but the fewest members are {self.people.min()}")
        room = ((0, 0), (0, self.base.shape[1] - first.base.shape[1]), (0, 0))
        base, arriving = np.pad(first.base, room), np.pad(first.arriving, room)
        many = np.full_like(self.people, number)
        shape = self.base.shape
        survey = SignalCounts(many, np.broadcast_to(base, shape), np.broadcast_to(arriving, shape))
        rest = SignalCounts(self.people - number, self.base - base, self.arriving - arriving)
        return survey, rest


def count_signal(
    signal: Signal, x: Array, y: Array, classes: int, sizes: Sequence[int], block: int = 50_000
) -> SignalCounts:
    """Count the first n members for each n in sizes, in one pass and little memory.

    Arguments:
        signal: The signal, an idempotent one.
        x: The members' points, float32, (m, ...).
        y: Their labels, (m,).
        classes: The number of labels K.
        sizes: The numbers n of members.
        block: The number of rows that are counted at once.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.float32([[0, 0], [0, 1], [0, 1]]), np.array([0, 1, 0])
        >>> counted = count_signal(SetFeature(-1, 1.0), x, y, classes=2, sizes=[1, 3])
        >>> counted.base.tolist(), counted.arriving.tolist()
        ([[[0, 0]], [[1, 1]]], [[[1, 0]], [[2, 1]]])
    """
    people = np.asarray(sizes)
    order = np.argsort(people, kind="stable")
    ends = people[order]
    if ends[0] < 1 or ends[-1] > len(y):
        raise ValueError(f"sizes from {ends[0]} to {ends[-1]}, but there are 1..{len(y)} members")
    points: dict[bytes, int] = {}
    cells: list[tuple[Array, ...]] = []
    for start in range(0, int(ends[-1]), block):
        rows = x[start : min(start + block, int(ends[-1]))]
        images = np.ascontiguousarray(signal(rows).reshape(len(rows), -1)) + np.float32(0)
        here = (images == rows.reshape(len(rows), -1)).all(axis=1)
        first, which = _distinct(images)
        numbers = [points.setdefault(images[i].tobytes(), len(points)) for i in first]
        when = np.searchsorted(ends, np.arange(start, start + len(rows)), side="right")
        cells.append((when, np.array(numbers)[which], y[start : start + len(rows)], here))
    when, point, label, here = map(np.concatenate, zip(*cells, strict=True))
    shape = len(people), len(points), classes
    flat = (when * len(points) + point) * classes + label
    back = np.argsort(order, kind="stable")
    counts = [
        np.bincount(chosen, minlength=prod(shape)).reshape(shape).cumsum(axis=0)[back]
        for chosen in (flat[here], flat)
    ]
    return SignalCounts(people, *counts)


@dataclass(frozen=True, eq=False)
class Counts:
    """Rows of members that are counted at the points that a bound needs.

    Arguments:
        x: Points, (m, ...).
        y: Labels, (m,).
        classes: The number of labels K.
        people: The numbers of members, (T,), whose rows are expected to be like these; the rows
            are the members' own, if None.
        most: The largest number of points to count at.
        cache: Counts by signal.
    """

    x: Array
    y: Array
    classes: int
    people: Array | None = None
    most: int = 5_000
    cache: dict[Any, tuple[SignalCounts, Array]] = field(default_factory=dict)

    def at(self, signal: Signal) -> SignalCounts:
        """Return the counts at the points of a signal set.

        Raises:
            NoBound: If there are too many points, or the signal is not idempotent.
        """
        if signal not in self.cache:
            self._check_idempotent(signal)
            made = count_signal(signal, self.x, self.y, self.classes, [len(self.y)])
            self._check_few(made, f"the bound needs a finite signal set, but {signal} moves them")
            self.cache[signal] = made, np.arange(0)
        return self._scaled(self.cache[signal][0], self.people)

    def first(self, signal: Signal, number: Array) -> SignalCounts:
        """Return the counts of the first members at the same points.

        Arguments:
            signal: The signal.
            number: The number of first members, (T,).
        """
        if self.people is not None:
            self.at(signal)
            return self._scaled(self.cache[signal][0], number)
        made = count_signal(signal, self.x, self.y, self.classes, [*number.tolist(), len(self.y)])
        return SignalCounts(made.people[:-1], made.base[:-1], made.arriving[:-1])

    def everywhere(self, signal: Signal) -> tuple[SignalCounts, Array]:
        """Return the counts at all points, and the index of g(x) for each point x.

        Raises:
            NoBound: If there are too many points, or the signal is not idempotent.
        """
        self._check_idempotent(signal)
        key = signal, "everywhere"
        if key not in self.cache:
            # Where some rows make too many points, all of them do, and take long to count.
            for many in (50_000, len(self.y)):
                made, image = count_everywhere(signal, self.x[:many], self.y[:many], self.classes)
                self._check_few(made, "the bound looks at all points, but they are")
            self.cache[key] = made, image
        made, image = self.cache[key]
        return self._scaled(made, self.people), image

    def _check_idempotent(self, signal: Signal) -> None:
        if not signal.idempotent:
            raise NoBound(f"the bound needs an idempotent signal, g(g(x)) = g(x), not {signal}")

    def _check_few(self, made: SignalCounts, why: str) -> None:
        points, rows = made.base.shape[1], int(made.people[0])
        if points > min(self.most, rows // 2):
            raise NoBound(f"too many points for {rows} people: {why} on {points}")

    def _scaled(self, made: SignalCounts, people: Array | None) -> SignalCounts:
        if people is None:
            return made
        share, n = 1 / made.people[:, None, None], people[:, None, None]
        return SignalCounts(people, made.base * share * n, made.arriving * share * n)


def count_everywhere(
    signal: Signal, x: Array, y: Array, classes: int
) -> tuple[SignalCounts, Array]:
    """Count rows at all their points and at the images of these under an idempotent signal.

    Arguments:
        signal: The signal.
        x: Points, float32, (m, ...).
        y: Labels, (m,).
        classes: The number of labels K.

    Returns:
        The counts, and the index of g(x) for each point x. Arriving rows are those of the point.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.float32([[0, 0], [0, 1], [0, 0]]), np.array([0, 1, 0])
        >>> counted, image = count_everywhere(SetFeature(-1, 1.0), x, y, classes=2)
        >>> counted.base.tolist(), image.tolist()
        ([[[2, 0], [0, 1]]], [1, 1])
    """
    rows = np.concatenate([a.reshape(len(x), -1) for a in (x, signal(x))]) + np.float32(0)
    first, which = _distinct(np.ascontiguousarray(rows))
    point, twin = which[: len(x)], which[len(x) :]
    image = np.arange(len(first))
    image[point] = twin
    base = np.zeros((1, len(first), classes), dtype=np.int64)
    np.add.at(base[0], (point, y), 1)
    return SignalCounts(np.array([len(y)]), base, base), image


def _distinct(rows: Array) -> tuple[Array, Array]:
    """Return the first row of each distinct one, in their order, and the index of each row's."""
    words = rows.view(np.uint32).astype(np.uint64)
    hashes = (words * _odd(words.shape[1])).sum(axis=1)
    first, which = _unique(hashes)
    if not np.array_equal(rows, rows[first][which]):  # two distinct rows of one hash
        _, first, which = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[which.reshape(-1)]


def _unique(values: Array) -> tuple[Array, Array]:
    """Return the index and the inverse of ``numpy.unique`` for integers, faster."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    fresh = np.ones(len(values), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    which = np.empty(len(values), dtype=np.intp)
    which[order] = fresh.cumsum() - 1
    return order[fresh], which


@lru_cache
def _odd(count: int) -> Array:
    """Return odd numbers for a hash."""
    odd: Array = np.random.default_rng(0).integers(2**63, size=count, dtype=np.uint64) * 2 + 1
    return odd
