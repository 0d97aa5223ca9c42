"""Which points a stack of replicas sees, and in what order."""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array, TrainingSet


def _shared(array: Array) -> Tensor:
    """A tensor on an array's own memory, which is only ever read."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*")
        return torch.from_numpy(array)


class Points:
    """The points of R training sets: rows of one pool, some replaced (float, d values each)."""

    def __init__(
        self, samples: Sequence[TrainingSet], device: torch.device, dtype: torch.dtype
    ) -> None:
        pools = {id(s.rows.pool): s.rows.pool for s in samples}
        offsets = np.cumsum([0] + [len(p) for p in pools.values()])
        offset = dict(zip(pools, offsets, strict=False))
        flat = [_shared(p.reshape(len(p), -1)) for p in pools.values()]
        # One pool, the usual case, is used where it lies; several are joined by a copy.
        self.pool = (flat[0] if len(flat) == 1 else torch.cat(flat)).to(device, dtype)
        self.index = torch.from_numpy(
            np.stack([s.rows.index + offset[id(s.rows.pool)] for s in samples])
        ).to(device)
        moved = [s.rows.points.reshape(-1, self.pool.shape[1]) for s in samples]
        self.moved = torch.from_numpy(np.concatenate(moved)).to(device, dtype)
        self.slot = torch.full(self.index.shape, -1, dtype=torch.int64, device=device)
        start = 0
        for r, s in enumerate(samples):
            stop = start + len(s.rows.moved)
            self.slot[r, torch.from_numpy(s.rows.moved)] = torch.arange(start, stop)
            start = stop

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        self.index, self.slot = self.index[alive], self.slot[alive]

    def batches(self, order: Tensor, size: int) -> "list[tuple[Tensor, Tensor, Tensor]]":
        """An epoch in the given order (R, m): of each batch the pool's rows and what is laid over.

        Returns:
            For each batch the rows (R * b,), the places in them to overwrite and the
            replaced points to write there.
        """
        total = order.shape[1]
        rows = self.index.gather(1, order)
        slots = self.slot.gather(1, order)
        replica, place = (slots >= 0).nonzero(as_tuple=True)
        step = place // size
        turn = torch.argsort(step, stable=True)
        replica, place, step = replica[turn], place[turn], step[turn]
        which = slots[replica, place]
        width = torch.clamp(total - step * size, max=size)
        where = replica * width + place - step * size
        steps = -(-total // size)
        counts = torch.bincount(step, minlength=steps).tolist()
        return [
            (rows[:, s * size : (s + 1) * size].reshape(-1), w, k)
            for s, (w, k) in enumerate(zip(where.split(counts), which.split(counts), strict=True))
        ]

    def gather(self, batch: tuple[Tensor, Tensor, Tensor], replicas: int) -> Tensor:
        """The points of a batch, (R, b, d)."""
        rows, where, which = batch
        x = self.pool.index_select(0, rows)
        if len(where):
            x.index_copy_(0, where, self.moved.index_select(0, which))
        return x.view(replicas, -1, x.shape[1])


def epoch_order(n: int, rngs: Sequence[np.random.Generator], chances: Array | None) -> Tensor:
    """Which samples an epoch visits, in turn, (R, n): each once, or drawn by their chances."""
    if chances is None:
        return torch.from_numpy(np.stack([rng.permutation(n) for rng in rngs]))
    heaps = np.cumsum(chances, axis=1)
    draws = [
        np.searchsorted(heap, rng.random(n) * heap[-1], side="right")
        for heap, rng in zip(heaps, rngs, strict=True)
    ]
    return torch.from_numpy(np.minimum(np.stack(draws), n - 1))
