"""Which points a stack of replicas sees, and in what order."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array, Rows

#: How many batches are looked up at once.
PAGE = 16


def _shared(array: Array) -> Tensor:
    """A tensor on an array's own memory, which is only ever read."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*")
        return torch.from_numpy(array)


def fitting(largest: int) -> np.dtype[Any]:
    """The smallest type for whole numbers from -1 to the largest."""
    return np.min_scalar_type(-1 - largest)


def small(lists: Sequence[Array]) -> Array:
    """Lists of whole numbers above -2 as one table of the smallest type."""
    table = np.empty((len(lists), len(lists[0])), dtype=fitting(max(int(v.max()) for v in lists)))
    for row, values in zip(table, lists, strict=True):
        row[:] = values
    return table


class Points:
    """The points of R samples: rows of one pool of d values each, some of them replaced."""

    def __init__(self, rows: Sequence[Rows], device: torch.device, dtype: torch.dtype) -> None:
        pools = {id(r.pool): r.pool for r in rows}
        offsets = np.cumsum([0] + [len(p) for p in pools.values()])
        offset = dict(zip(pools, offsets, strict=False))
        flat = [_shared(p.reshape(len(p), -1)) for p in pools.values()]
        # One pool, the usual case, is used where it lies; several are joined by a copy.
        self.pool = (flat[0] if len(flat) == 1 else torch.cat(flat)).to(device, dtype)
        # Replicas of one seed have the same rows: each list of them is kept once.
        lists = {(id(r.pool), id(r.index)): r for r in rows}
        index = small([r.index + offset[id(r.pool)] for r in lists.values()])
        self.index = torch.from_numpy(index).to(device).view(-1)
        start = {key: i * index.shape[1] for i, key in enumerate(lists)}
        starts = [start[id(r.pool), id(r.index)] for r in rows]
        self.start = torch.tensor(starts, device=device)[:, None]
        self.batch: Tensor | None = None
        # Replaced points stay where they lie, too; which of them stands where, or none (-1).
        self.moved = [_shared(r.points.reshape(-1, self.pool.shape[1])) for r in rows]
        slots = np.full(
            (len(rows), len(rows[0])), -1, dtype=fitting(max(len(m) for m in self.moved))
        )
        for slot, r in zip(slots, rows, strict=True):
            slot[r.moved] = np.arange(len(r.moved))
        self.slot = torch.from_numpy(slots).to(device)

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        self.start, self.slot = self.start[alive], self.slot[alive]
        self.moved = [m for m, ok in zip(self.moved, alive.tolist(), strict=True) if ok]

    def batches(
        self, order: Tensor, size: int, label: Tensor
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """An epoch in the given order (R, m), a batch at a time.

        Yields:
            The points (R, b, d), in memory that the next batch overwrites; their labels (R, b),
            and their positions (R, b).
        """
        for page in order.split(size * PAGE, dim=1):
            index = page.long()
            yield from self._page(index, size, label.gather(1, index).long())

    def _page(
        self, index: Tensor, size: int, label: Tensor
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        replicas, total = index.shape
        rows = self.index.index_select(0, (self.start + index).view(-1)).long().view_as(index)
        slots = self.slot.gather(1, index)
        # Which places of which batch are to be overwritten, and by what: for all of them at once.
        replica, place = (slots >= 0).nonzero(as_tuple=True)
        which = (
            slots[replica, place]
            .long()
            .split(torch.bincount(replica, minlength=replicas).tolist())
        )
        points = torch.cat(
            [m.index_select(0, w.cpu()) for m, w in zip(self.moved, which, strict=True)]
        )
        step = place // size
        turn = torch.argsort(step, stable=True)
        width = torch.clamp(total - step * size, max=size)
        where = (replica * width + place - step * size)[turn]
        points = points[turn.cpu()].to(self.pool)
        counts = torch.bincount(step, minlength=-(-total // size)).tolist()
        tables = (_steps(table, size) for table in (rows, label, index))
        moves = zip(where.split(counts), points.split(counts), strict=True)
        for (seen, truth, at), (to, by) in zip(zip(*tables, strict=True), moves, strict=True):
            # One buffer for all batches: allocating it anew would tear the heap to pieces.
            if self.batch is None or seen.numel() > len(self.batch):
                self.batch = self.pool.new_empty(seen.numel(), self.pool.shape[1])
            x = self.batch[: seen.numel()]
            torch.index_select(self.pool, 0, seen.view(-1), out=x)
            if len(to):
                x.index_copy_(0, to, by)
            yield x.view(replicas, -1, x.shape[1]), truth, at


def _steps(table: Tensor, size: int) -> list[Tensor]:
    """A table (R, m) a batch (R, b) at a time, each of them contiguous."""
    steps = table.shape[1] // size
    whole = table[:, : steps * size].view(len(table), steps, size).transpose(0, 1).contiguous()
    rest = table[:, steps * size :].contiguous()
    return [*whole, rest] if rest.shape[1] else [*whole]


def epoch_order(n: int, rngs: Sequence[np.random.Generator], chances: Array | None) -> Tensor:
    """Which samples an epoch visits, in turn, (R, n): each once, or drawn by their chances."""

    def turn(rng: np.random.Generator, row: int) -> Array:
        if chances is None:
            return rng.permutation(n)
        heap = np.cumsum(chances[row])
        return np.minimum(np.searchsorted(heap, rng.random(n) * heap[-1], side="right"), n - 1)

    order = np.empty((len(rngs), n), np.min_scalar_type(n))
    for r, rng in enumerate(rngs):
        order[r] = turn(rng, r)
    return torch.from_numpy(order)
