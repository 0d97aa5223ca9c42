"""The points of stacked replicas, and the order in which training visits them."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array, Rows
from algorithms.scaling import Scaler

#: The number of batches whose rows are looked up together.
PAGE = 16


@dataclass(frozen=True)
class Batch:
    """The samples of R replicas at one step.

    Arguments:
        x: Points, (R, b, d), in memory that the next batch overwrites.
        labels: Labels, int64, (R, b).
        index: Positions among the n samples of each replica, int64, (R, b).
    """

    x: Tensor
    labels: Tensor
    index: Tensor


def _shared(array: Array) -> Tensor:
    """Return a tensor on an array's own memory. It must not be written to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*")
        return torch.from_numpy(array)


def smallest_dtype(largest: int) -> np.dtype[Any]:
    """Return the smallest type for whole numbers from -1 to the largest."""
    return np.min_scalar_type(-1 - largest)


def stack_compactly(lists: Sequence[Array]) -> Array:
    """Return lists of whole numbers above -2 as one table of the smallest type.

    Example:
        >>> stack_compactly([np.array([0, 200]), np.array([-1, 3])])
        array([[  0, 200],
               [ -1,   3]], dtype=int16)
    """
    largest = max(int(values.max()) for values in lists)
    table = np.empty((len(lists), len(lists[0])), dtype=smallest_dtype(largest))
    for row, values in zip(table, lists, strict=True):
        row[:] = values
    return table


class StackedScaler:
    """The scalers of R samples, or none at all.

    Every operation rounds by itself, so that a point is the same, bit for bit, as by its scaler.

    Arguments:
        scalers: The scaler of each sample; None for all samples of a stack that is not scaled.
        device: The device of the points.
        dtype: Their precision.
    """

    def __init__(
        self, scalers: Sequence[Scaler | None], device: torch.device, dtype: torch.dtype
    ) -> None:
        given = [scaler for scaler in scalers if scaler is not None]
        self._table: Tensor | None = None
        if given:
            table = np.stack([(scaler.mean, scaler.factor) for scaler in given])
            self._table = torch.from_numpy(table).to(device, dtype)

    def scale_(self, x: Tensor) -> Tensor:
        """Scale points (R, m, d) in place."""
        if self._table is not None:
            mean, factor = self._table[:, None, :, :, None].unbind(2)
            x.view(*x.shape[:2], mean.shape[2], -1).sub_(mean).mul_(factor)
        return x

    def scale(self, x: Tensor) -> Tensor:
        """Return points (R, m, d) scaled in a copy; as they are, if there are no scalers."""
        if self._table is None:
            return x
        return self.scale_(x.clone(memory_format=torch.contiguous_format))

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        self._table = None if self._table is None else self._table[alive]


class Points:
    """The points of R samples: rows of one pool of d values each, some of them replaced.

    Arguments:
        rows: The rows of each sample; R lists of equal length n.
        device: The device of the batches.
        dtype: The precision of the batches.
    """

    def __init__(self, rows: Sequence[Rows], device: torch.device, dtype: torch.dtype) -> None:
        pools = {id(r.pool): r.pool for r in rows}
        offsets = np.cumsum([0] + [len(p) for p in pools.values()])
        offset = dict(zip(pools, offsets, strict=False))
        flat = [_shared(p.reshape(len(p), -1)) for p in pools.values()]
        # A single pool, the usual case, is used without a copy; several are concatenated.
        self.pool = (flat[0] if len(flat) == 1 else torch.cat(flat)).to(device, dtype)
        # Replicas of one seed have the same index: each distinct one is stored once.
        distinct = {(id(r.pool), id(r.index)): r for r in rows}
        index = stack_compactly([r.index + offset[id(r.pool)] for r in distinct.values()])
        self.index = torch.from_numpy(index).to(device).view(-1)
        start = {key: i * index.shape[1] for i, key in enumerate(distinct)}
        starts = [start[id(r.pool), id(r.index)] for r in rows]
        self.start = torch.tensor(starts, device=device)[:, None]
        self._buffer: Tensor | None = None
        # Replaced points are not copied, either. A slot is a row's number among them, or -1.
        self.replaced = [_shared(r.points.reshape(-1, self.pool.shape[1])) for r in rows]
        dtype_of_slots = smallest_dtype(max(len(points) for points in self.replaced))
        slots = np.full((len(rows), len(rows[0])), -1, dtype=dtype_of_slots)
        for slot, r in zip(slots, rows, strict=True):
            slot[r.replaced] = np.arange(len(r.replaced))
        self.slot = torch.from_numpy(slots).to(device)
        self.scaler = StackedScaler([r.scaler for r in rows], device, dtype)

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        self.start, self.slot = self.start[alive], self.slot[alive]
        self.scaler.keep(alive)
        self.replaced = [p for p, ok in zip(self.replaced, alive.tolist(), strict=True) if ok]

    def batches(self, order: Tensor, size: int, labels: Tensor) -> Iterator[Batch]:
        """Yield the batches of an epoch.

        Arguments:
            order: Positions in the order of the visits, (R, m).
            size: The number of samples in a batch; the last one may be smaller.
            labels: The labels of all samples, (R, n).
        """
        for page in order.split(size * PAGE, dim=1):
            index = page.long()
            yield from self._page(index, size, labels.gather(1, index).long())

    def _page(self, index: Tensor, size: int, labels: Tensor) -> Iterator[Batch]:
        """Yield the batches of a page of positions (R, m)."""
        replicas, total = index.shape
        rows = self.index.index_select(0, (self.start + index).view(-1)).long().view_as(index)
        slots = self.slot.gather(1, index)
        # Find, for all batches at once, which places are overwritten and by which points.
        replica, place = (slots >= 0).nonzero(as_tuple=True)
        counts = torch.bincount(replica, minlength=replicas).tolist()
        selected = slots[replica, place].long().split(counts)
        points = torch.cat(
            [p.index_select(0, s.cpu()) for p, s in zip(self.replaced, selected, strict=True)]
        )
        step = place // size
        by_step = torch.argsort(step, stable=True)
        width = torch.clamp(total - step * size, max=size)
        targets = (replica * width + place - step * size)[by_step]
        points = points[by_step.cpu()].to(self.pool)
        counts = torch.bincount(step, minlength=-(-total // size)).tolist()
        steps = zip(*(_steps(table, size) for table in (rows, labels, index)), strict=True)
        changes = zip(targets.split(counts), points.split(counts), strict=True)
        for (batch_rows, batch_labels, positions), (target, new) in zip(
            steps, changes, strict=True
        ):
            # All batches use one buffer: a new allocation for each would fragment the heap.
            if self._buffer is None or batch_rows.numel() > len(self._buffer):
                self._buffer = self.pool.new_empty(batch_rows.numel(), self.pool.shape[1])
            x = self._buffer[: batch_rows.numel()]
            torch.index_select(self.pool, 0, batch_rows.view(-1), out=x)
            if len(target):
                x.index_copy_(0, target, new)
            scaled = self.scaler.scale_(x.view(replicas, -1, x.shape[1]))
            yield Batch(scaled, batch_labels, positions)


def _steps(table: Tensor, size: int) -> list[Tensor]:
    """Split a table (R, m) into contiguous tables (R, size), and a smaller last one."""
    steps = table.shape[1] // size
    whole = table[:, : steps * size].view(len(table), steps, size).transpose(0, 1).contiguous()
    rest = table[:, steps * size :].contiguous()
    return [*whole, rest] if rest.shape[1] else [*whole]


def epoch_order(n: int, rngs: Sequence[np.random.Generator], weights: Array | None) -> Tensor:
    """Draw the order in which an epoch visits samples.

    Arguments:
        n: The number of samples of a replica.
        rngs: A generator for each of R replicas.
        weights: Sampling weights, (R, n), for n draws with replacement; None for a permutation.

    Returns:
        Positions, (R, n).
    """

    def draw(rng: np.random.Generator, row: int) -> Array:
        if weights is None:
            return rng.permutation(n)
        total = np.cumsum(weights[row])
        return np.minimum(np.searchsorted(total, rng.random(n) * total[-1], side="right"), n - 1)

    order = np.empty((len(rngs), n), np.min_scalar_type(n))
    for r, rng in enumerate(rngs):
        order[r] = draw(rng, r)
    return torch.from_numpy(order)
