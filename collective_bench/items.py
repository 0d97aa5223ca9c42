"""Datasets of items that are pairs or rows, such as those of torch and of Hugging Face."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from algorithms.base import Array
from bench.core.errors import BenchError, unknown
from bench.datasets.base import Dataset
from bench.datasets.real.npz_file import CHANNELS
from collective_bench.arrays import from_arrays
from collectives.signals.base import Signal

#: Names of the column of labels, by preference.
_LABELS = ("label", "labels", "y", "target", "class")


def from_torch(
    items: Any,
    *,
    signal: Signal | str = "SetFeature",
    columns: str | Sequence[str] | None = None,
    label: str | None = None,
    **options: Any,
) -> Dataset:
    """Return a dataset of a sequence of items, such as a torch or a Hugging Face dataset.

    All items are read once, in their order, so that random augmentation has no place in them.
    Pictures with their channels last get their channels first.

    Arguments:
        items: A sequence with ``__len__`` and ``__getitem__``. Items are pairs (x, y), or rows,
            which are mappings from names of columns to values.
        signal: The signal of strategies that name none: an object or a spec.
        columns: For rows, the column of points, or several columns of numbers; if None, all but
            the label.
        label: For rows, the column of labels; if None, the one named "label", "labels", "y",
            "target" or "class".
        options: Further arguments of :func:`from_arrays`.

    Raises:
        BenchError: If items are of another kind, or their shapes differ.

    Example:
        >>> pairs = [(np.full(3, k), k % 2) for k in range(40)]
        >>> from_torch(pairs, signal="SetFeature(column=0, value=1)").split(
        ...     np.random.default_rng(0)).x.shape
        (40, 3)
    """
    if not (hasattr(items, "__len__") and hasattr(items, "__getitem__")):
        raise BenchError(
            f"from_torch takes a sequence with __len__ and __getitem__, not "
            f"{type(items).__name__}; list(...) makes one of a finite iterable"
        )
    if not len(items):
        raise BenchError("from_torch: there are no items")
    pairs = [_pair(items[k], k, columns, label) for k in range(len(items))]
    points = [point for point, _ in pairs]
    for k, point in enumerate(points):
        if point.shape != points[0].shape:
            raise BenchError(
                f"from_torch: item {k} has the shape {point.shape}, item 0 has "
                f"{points[0].shape}; resize or pad items to one shape"
            )
    x = np.stack(points)
    if x.ndim == 4 and x.shape[-1] in CHANNELS and x.shape[1] not in CHANNELS:
        x = np.moveaxis(x, -1, 1)
    return from_arrays(x, [target for _, target in pairs], signal=signal, **options)


def _pair(
    item: Any, k: int, columns: str | Sequence[str] | None, label: str | None
) -> tuple[Array, Any]:
    """Return the point and the label of an item.

    Arguments:
        item: The item.
        k: Its number, for errors.
        columns: The columns of the point, for rows.
        label: The column of the label, for rows.
    """
    if isinstance(item, Mapping):
        target = label or next((name for name in _LABELS if name in item), None)
        if target is None or target not in item:
            raise unknown("column of labels named", str(target or _LABELS[0]), map(str, item))
        names = [columns] if isinstance(columns, str) else columns
        names = [name for name in item if name != target] if names is None else list(names)
        if absent := [name for name in names if name not in item]:
            raise unknown("column named", absent[0], map(str, item))
        parts = [_array(item[name], f"column {name!r} of item {k}") for name in names]
        point = parts[0] if len(parts) == 1 else np.concatenate([p.reshape(-1) for p in parts])
        return np.atleast_1d(point), _scalar(item[target])
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise BenchError(
            f"from_torch: item {k} is {type(item).__name__}, neither a pair (x, y) nor a row "
            f"with named columns"
        )
    return np.atleast_1d(_array(item[0], f"the point of item {k}")), _scalar(item[1])


def _array(value: Any, what: str) -> Array:
    """Return a tensor, a picture, a list or a number as an array."""
    tensor = hasattr(value, "detach")
    array = np.asarray(value.detach().cpu() if tensor else value)
    if array.dtype.kind not in "biuf":
        raise BenchError(
            f"from_torch: {what} is {type(value).__name__}, not numbers. The argument columns "
            f"selects columns; texts are read by the dataset TextFile"
        )
    return array


def _scalar(value: Any) -> Any:
    """Return a label as a plain value."""
    return value.item() if hasattr(value, "item") and np.size(value) == 1 else value
