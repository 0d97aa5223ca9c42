"""The members' rows, counted at the points of a signal set."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from collectives.base import Array, Signal


@dataclass(frozen=True, eq=False)
class Tally:
    """The members' rows, counted at the S points of the signal set, for T sizes.

    Arguments:
        people: How many members, (T,).
        base: Members whose own point it is, by label, (T, S, K).
        arriving: Members whose point the signal moves there, by label, (T, S, K).
    """

    people: Array
    base: Array
    arriving: Array

    def parted(self, asked: int, first: "Tally") -> tuple["Tally", "Tally"]:
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
        survey = Tally(many, np.broadcast_to(base, shape), np.broadcast_to(arriving, shape))
        rest = Tally(self.people - asked, self.base - base, self.arriving - arriving)
        return survey, rest


def tally(
    signal: Signal, x: Array, y: Array, classes: int, sizes: Sequence[int], block: int = 50_000
) -> Tally:
    """Count the first n members for each n in sizes, in one pass and little memory.

    Example:
        >>> from collectives.signals import SetFeature
        >>> x, y = np.float32([[0, 0], [0, 1], [0, 1]]), np.array([0, 1, 0])
        >>> counted = tally(SetFeature(-1, 1.0), x, y, classes=2, sizes=[1, 3])
        >>> counted.base.tolist(), counted.arriving.tolist()
        ([[[0, 0]], [[1, 1]]], [[[1, 0]], [[2, 1]]])
    """
    order = np.argsort(sizes, kind="stable")
    ends = np.asarray(sizes)[order]
    if ends[0] < 1 or ends[-1] > len(y):
        raise ValueError(f"sizes from {ends[0]} to {ends[-1]}, but there are 1..{len(y)} members")
    points: dict[bytes, int] = {}
    cells: list[Array] = []
    for start in range(0, int(ends[-1]), block):
        rows = x[start : min(start + block, int(ends[-1]))]
        moved = np.ascontiguousarray(signal(rows).reshape(len(rows), -1)) + np.float32(0)
        here = (moved == rows.reshape(len(rows), -1)).all(axis=1)
        first, which = _atoms(moved)
        known = [points.setdefault(moved[i].tobytes(), len(points)) for i in first]
        when = np.searchsorted(ends, np.arange(start, start + len(rows)), side="right")
        labels = y[start : start + len(rows)]
        cells.append(np.stack([when, np.array(known)[which], labels, here]))
    when, point, label, here = np.concatenate(cells, axis=1)
    shape = (len(ends), len(points), classes)
    flat = np.ravel_multi_index((when, point, label), shape)
    counts = []
    for chosen in (flat[here == 1], flat):
        table = np.bincount(chosen, minlength=int(np.prod(shape))).reshape(shape).cumsum(axis=0)
        counts.append(table[np.argsort(order, kind="stable")])
    return Tally(np.asarray(sizes), counts[0], counts[1])


def _atoms(rows: Array) -> tuple[Array, Array]:
    """The first row of each kind, in the order of the rows, and the kind of each row."""
    words = rows.view(np.uint32).astype(np.uint64)
    hashes = (words * _odd(words.shape[1])).sum(axis=1)
    _, first, which = np.unique(hashes, return_index=True, return_inverse=True)
    if not np.array_equal(rows, rows[first][which.reshape(-1)]):  # two kinds of one hash
        _, first, which = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return first[order], np.argsort(order)[which.reshape(-1)]


@lru_cache
def _odd(count: int) -> Array:
    """Odd numbers to hash by."""
    odd: Array = np.random.default_rng(0).integers(2**63, size=count, dtype=np.uint64) * 2 + 1
    return odd
