"""The members' rows, counted at the points of a signal set, or at all points."""

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
    """The members' rows, counted at the S points of the signal set, for T sizes.

    Arguments:
        people: How many members, (T,).
        base: Members whose own point it is, by label, (T, S, K).
        arriving: Members whose point the signal moves there, by label, (T, S, K).
    """

    people: Array
    base: Array
    arriving: Array

    def has_off_signal_member(self) -> Array:
        """Which collectives have a member off the signal set, where others can go, (T,).

        Raises:
            NoBound: If all members carry the signal, however many they are.
        """
        free = self.people - self.base.sum(axis=(1, 2))
        if (free <= 1e-9 * self.people).all():
            raise NoBound(
                "all members carry the signal, so those of other labels know no point without it "
                "to move to, and speak against the target where they are"
            )
        return np.asarray(free > 1 - 1e-9)

    def parted(self, asked: int, first: "SignalCounts") -> tuple["SignalCounts", "SignalCounts"]:
        """The first members, and the rest of each size.

        Arguments:
            asked: How many the first are; fewer than any size.
            first: Their tally, whose points are the first of these ones, (1, S', K).
        """
        if asked >= self.people.min():
            raise ValueError(f"asked={asked}, but there are {self.people.min()} members at least")
        room = ((0, 0), (0, self.base.shape[1] - first.base.shape[1]), (0, 0))
        base, arriving = np.pad(first.base, room), np.pad(first.arriving, room)
        many = np.full_like(self.people, asked)
        shape = self.base.shape
        survey = SignalCounts(many, np.broadcast_to(base, shape), np.broadcast_to(arriving, shape))
        rest = SignalCounts(self.people - asked, self.base - base, self.arriving - arriving)
        return survey, rest


def count_signal(
    signal: Signal, x: Array, y: Array, classes: int, sizes: Sequence[int], block: int = 50_000
) -> SignalCounts:
    """Count the first n members for each n in sizes, in one pass and little memory.

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
        moved = np.ascontiguousarray(signal(rows).reshape(len(rows), -1)) + np.float32(0)
        here = (moved == rows.reshape(len(rows), -1)).all(axis=1)
        first, which = _atoms(moved)
        known = [points.setdefault(moved[i].tobytes(), len(points)) for i in first]
        when = np.searchsorted(ends, np.arange(start, start + len(rows)), side="right")
        cells.append((when, np.array(known)[which], y[start : start + len(rows)], here))
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
    """Rows of members, to be counted at the points that a bound looks at.

    Arguments:
        x: Points, (m, ...).
        y: Labels, (m,).
        classes: The number of labels K.
        people: The numbers of members, (T,), whose rows are expected to be like these ones; these
            are the members' own, if None.
        most: How many points are worth counting.
        seen: What was counted before.
    """

    x: Array
    y: Array
    classes: int
    people: Array | None = None
    most: int = 5_000
    seen: dict[Any, tuple[SignalCounts, Array]] = field(default_factory=dict)

    def at(self, signal: Signal) -> SignalCounts:
        """At the points of a signal set.

        Raises:
            NoBound: If these are too many, or the signal moves its own points.
        """
        if signal not in self.seen:
            self._still(signal)
            made = count_signal(signal, self.x, self.y, self.classes, [len(self.y)])
            self._few(made, f"the bound needs a finite signal set, but {signal} moves them")
            self.seen[signal] = made, np.arange(0)
        return self._scaled(self.seen[signal][0], self.people)

    def first(self, signal: Signal, asked: Array) -> SignalCounts:
        """The first of the members, (T,), at the same points as all of them."""
        if self.people is not None:
            self.at(signal)
            return self._scaled(self.seen[signal][0], asked)
        made = count_signal(signal, self.x, self.y, self.classes, [*asked.tolist(), len(self.y)])
        return SignalCounts(made.people[:-1], made.base[:-1], made.arriving[:-1])

    def everywhere(self, signal: Signal) -> tuple[SignalCounts, Array]:
        """At all points, and the index of g(x) for each point x, for an idempotent signal.

        Raises:
            NoBound: If these are too many, or the signal moves its own points.
        """
        self._still(signal)
        key = signal, "everywhere"
        if key not in self.seen:
            # Where some rows make too many points, all of them do, and take long to count.
            for many in (50_000, len(self.y)):
                made, moved = spread(signal, self.x[:many], self.y[:many], self.classes)
                self._few(made, "the bound looks at all points, but they are")
            self.seen[key] = made, moved
        made, moved = self.seen[key]
        return self._scaled(made, self.people), moved

    def _still(self, signal: Signal) -> None:
        if not signal.idempotent:
            raise NoBound(f"the bound needs an idempotent signal, g(g(x)) = g(x), not {signal}")

    def _few(self, made: SignalCounts, why: str) -> None:
        points, rows = made.base.shape[1], int(made.people[0])
        if points > min(self.most, rows // 2):
            raise NoBound(f"too many points for {rows} people: {why} on {points}")

    def _scaled(self, made: SignalCounts, people: Array | None) -> SignalCounts:
        if people is None:
            return made
        share, n = 1 / made.people[:, None, None], people[:, None, None]
        return SignalCounts(people, made.base * share * n, made.arriving * share * n)


def spread(signal: Signal, x: Array, y: Array, classes: int) -> tuple[SignalCounts, Array]:
    """Count rows at all their points and at those that an idempotent signal makes of these.

    Returns:
        The tally, in which nothing arrives but what is there, and the index of g(x) for each
        point x.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.float32([[0, 0], [0, 1], [0, 0]]), np.array([0, 1, 0])
        >>> counted, moved = spread(SetFeature(-1, 1.0), x, y, classes=2)
        >>> counted.base.tolist(), moved.tolist()
        ([[[2, 0], [0, 1]]], [1, 1])
    """
    rows = np.concatenate([a.reshape(len(x), -1) for a in (x, signal(x))]) + np.float32(0)
    first, which = _atoms(np.ascontiguousarray(rows))
    own, twin = which[: len(x)], which[len(x) :]
    moved = np.arange(len(first))
    moved[own] = twin
    base = np.zeros((1, len(first), classes), dtype=np.int64)
    np.add.at(base[0], (own, y), 1)
    return SignalCounts(np.array([len(y)]), base, base), moved


def _atoms(rows: Array) -> tuple[Array, Array]:
    """The first row of each kind, in the order of the rows, and the kind of each row."""
    words = rows.view(np.uint32).astype(np.uint64)
    hashes = (words * _odd(words.shape[1])).sum(axis=1)
    first, which = _kinds(hashes)
    if not np.array_equal(rows, rows[first][which]):  # two kinds of one hash
        _, first, which = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[which.reshape(-1)]


def _kinds(values: Array) -> tuple[Array, Array]:
    """What ``numpy.unique`` says of whole numbers, first of each kind and kind of each, sooner."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    fresh = np.ones(len(values), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
    which = np.empty(len(values), dtype=np.intp)
    which[order] = fresh.cumsum() - 1
    return order[fresh], which


@lru_cache
def _odd(count: int) -> Array:
    """Odd numbers to hash by."""
    odd: Array = np.random.default_rng(0).integers(2**63, size=count, dtype=np.uint64) * 2 + 1
    return odd
