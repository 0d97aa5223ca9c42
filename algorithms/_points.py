"""Which points a stack of replicas sees, and in what order."""

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array, Rows

#: How many batches are looked up at once.
PAGE = 64


def _shared(array: Array) -> Tensor:
    """A tensor on an array's own memory, which is only ever read."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*")
        return torch.from_numpy(array)


class Points:
    """The points of R samples: rows of one pool of d values each, some of them replaced."""

    def __init__(self, rows: Sequence[Rows], device: torch.device, dtype: torch.dtype) -> None:
        pools = {id(r.pool): r.pool for r in rows}
        offsets = np.cumsum([0] + [len(p) for p in pools.values()])
        offset = dict(zip(pools, offsets, strict=False))
        flat = [_shared(p.reshape(len(p), -1)) for p in pools.values()]
        # One pool, the usual case, is used where it lies; several are joined by a copy.
        self.pool = (flat[0] if len(flat) == 1 else torch.cat(flat)).to(device, dtype)
        index = np.stack([(r.index + offset[id(r.pool)]).astype(np.int32) for r in rows])
        self.index = torch.from_numpy(index).to(device)
        moved = [r.points.reshape(-1, self.pool.shape[1]) for r in rows]
        self.moved = torch.from_numpy(np.concatenate(moved)).to(device, dtype)
        self.slot = torch.full(self.index.shape, -1, dtype=torch.int32, device=device)
        start = 0
        for slot, r in zip(self.slot, rows, strict=True):
            stop = start + len(r.moved)
            slot[torch.from_numpy(r.moved)] = torch.arange(start, stop, dtype=torch.int32)
            start = stop

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        self.index, self.slot = self.index[alive], self.slot[alive]

    def batches(
        self, order: Tensor, size: int, label: Tensor
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """An epoch in the given order (R, m), a batch at a time.

        Yields:
            The points (R, b, d), their labels (R, b), and their positions (R, b).
        """
        for page in order.split(size * PAGE, dim=1):
            index = page.long()
            yield from self._page(index, size, label.gather(1, index).long())

    def _page(
        self, index: Tensor, size: int, label: Tensor
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        replicas, total = index.shape
        rows, slots = self.index.gather(1, index), self.slot.gather(1, index)
        # Which places of which batch are to be overwritten: sorted out for many batches at once.
        replica, place = (slots >= 0).nonzero(as_tuple=True)
        step = place // size
        turn = torch.argsort(step, stable=True)
        replica, place, step = replica[turn], place[turn], step[turn]
        which = slots[replica, place]
        width = torch.clamp(total - step * size, max=size)
        where = replica * width + place - step * size
        counts = torch.bincount(step, minlength=-(-total // size)).tolist()
        for s, (to, of) in enumerate(zip(where.split(counts), which.split(counts), strict=True)):
            window = slice(s * size, (s + 1) * size)
            x = self.pool.index_select(0, rows[:, window].reshape(-1))
            if len(to):
                x.index_copy_(0, to, self.moved.index_select(0, of))
            yield x.view(replicas, -1, x.shape[1]), label[:, window], index[:, window]


def epoch_order(n: int, rngs: Sequence[np.random.Generator], chances: Array | None) -> Tensor:
    """Which samples an epoch visits, in turn, (R, n): each once, or drawn by their chances."""

    def turn(rng: np.random.Generator, row: int) -> Array:
        if chances is None:
            return rng.permutation(n)
        heap = np.cumsum(chances[row])
        return np.minimum(np.searchsorted(heap, rng.random(n) * heap[-1], side="right"), n - 1)

    return torch.from_numpy(np.stack([turn(g, r).astype(np.int32) for r, g in enumerate(rngs)]))
