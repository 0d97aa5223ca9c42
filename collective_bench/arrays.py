"""Datasets of arrays in memory."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from algorithms.base import Array
from bench.cli.shared import notes
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.base import Dataset
from bench.datasets.io.columns import VALUES, unknown_aim
from bench.datasets.io.data_root import store, stored_name
from bench.datasets.real.npz_file import Npz
from bench.spec.parsing import build
from collective_bench.components import component
from collectives.signals.base import Signal

#: The number of labels that an error names.
_NAMED = 10


def from_arrays(
    x: Any,
    y: Any,
    *,
    signal: Signal | str = "SetFeature",
    aim: Any = None,
    groups: Any = None,
    train: Any = None,
    n: int | None = None,
    n_test: int | None = None,
    overlap: float = 0.0,
) -> Dataset:
    """Return a dataset of arrays.

    The arrays are stored in the cache folder, in a file named by their contents. Other contents
    are another dataset, whose trials are run anew. The seed shuffles the rows: the first three
    quarters are for training and validation, the others for testing.

    Labels may be words or any numbers. If they are not all whole numbers from 0 to K - 1, they are
    numbered in their sorted order, and a note says which is which.

    Arguments:
        x: Points, (N, ...): finite real numbers, which become float32. Bytes (uint8) are divided
            by 255. Pictures have their channels first, (N, c, h, w).
        y: Labels, (N,).
        signal: The signal of strategies that name none: an object or a spec.
        aim: The target label of strategies that name none, as ``y`` spells it; the last one in
            sorted order, if None.
        groups: Groups, (N,); none, if None.
        train: True for rows of the training part and False for others, (N,); if None, each seed
            divides the rows.
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        overlap: The share of rows that carry the signal by nature, beside those that carry it
            anyway.

    Raises:
        BenchError: If shapes do not fit, or values are missing or not finite.

    Example:
        >>> x = np.arange(400.0).reshape(200, 2)
        >>> data = from_arrays(x, x[:, 0] > 200, signal="SetFeature(column=-1, value=9)")
        >>> data.split(np.random.default_rng(0)).train.shape, data.label
        ((120,), 1)
    """
    points = _points(x)
    labels, names, encoded = _codes(y, "y")
    arrays = {"x": points, "y": labels}
    if groups is not None:
        arrays["groups"], _, _ = _codes(groups, "groups")
    if train is not None:
        arrays["train"] = np.asarray(train)
    fields = {
        "mark": component(signal, "signals"),
        "aim": len(names) - 1 if aim is None else _number(aim, names),
        "groups": "" if groups is None else "groups",
        "train": "" if train is None else "train",
        "n": n,
        "n_test": n_test,
        "overlap": overlap,
    }
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    name = stored_name(_digest(arrays), "npz")
    dataset: Dataset = build(Npz, (), {"file": name, **fields}, "from_arrays")
    check_stored(dataset, store(name, file.getvalue()), "from_arrays")
    if encoded:
        listed = ", ".join(f"{word} = {k}" for k, word in enumerate(names[:_NAMED]))
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        notes.print(f"labels are numbered: {listed}{more}", markup=False, soft_wrap=True)
    return dataset


def check_stored(dataset: Dataset, path: Path, where: str) -> None:
    """Draw a split of stored data; remove the file if that is refused.

    Arguments:
        dataset: The dataset.
        path: Its file.
        where: The name of the function, which replaces the path in errors.

    Raises:
        BenchError: If the data cannot be used.
    """
    try:
        dataset.split(stream(0, "data"))
    except BenchError as error:
        path.unlink(missing_ok=True)
        text = str(error).replace(f"{path}: ", f"{where}: ").replace(str(path), "the data")
        raise BenchError(text.replace("; save ", "; give ")) from None


def _points(x: Any) -> Array:
    points = np.asarray(x)
    if points.dtype.kind == "O":
        try:
            points = points.astype(np.float64)
        except (TypeError, ValueError):
            raise BenchError(
                "from_arrays: x holds objects that are not numbers, or rows of unequal lengths. "
                "Tables with words are given to from_frame"
            ) from None
    if points.dtype.kind not in "biuf":
        raise BenchError(
            f"from_arrays: x is {points.dtype} {points.shape}, not real numbers (N, ...). Tables "
            f"with words are given to from_frame"
        )
    if points.ndim == 1:
        raise BenchError(
            f"from_arrays: x is {points.shape}, not (N, ...); give x.reshape(-1, 1) if each "
            f"number is a point"
        )
    return points


def _codes(values: Any, name: str) -> tuple[Array, list[Any], bool]:
    """Return labels or groups as numbers from 0, their names, and whether they were encoded.

    Values that cannot be labels are returned as they are; reading them tells what is wrong.
    """
    given = np.asarray(values)
    missing = np.atleast_1d(pd.isna(given))
    if missing.any():
        row = int(np.flatnonzero(missing.reshape(len(missing), -1).any(axis=1))[0])
        raise BenchError(
            f"from_arrays: {name} is missing in row {row} ({int(missing.sum())} rows in all); "
            f"leave such rows out of all arrays"
        )
    if given.ndim != 1 or not len(given):
        return given, [0], False
    try:
        names, codes = np.unique(given, return_inverse=True)
    except TypeError:
        raise BenchError(
            f"from_arrays: {name} mixes types that have no order, such as words and numbers"
        ) from None
    if len(names) > VALUES or (name == "y" and len(names) > max(2, len(given) // 2)):
        raise BenchError(
            f"from_arrays: {name} has {len(names)} different values in {len(given)} rows: labels "
            f"are classes, and not names or measurements"
        )
    plain = given.dtype.kind in "biu" and names.tolist() == list(range(len(names)))
    return codes.astype(np.int64), names.tolist(), not plain


def _number(aim: Any, names: list[Any]) -> int:
    if aim not in names:
        raise unknown_aim(aim, list(map(str, names[:_NAMED])))
    return names.index(aim)


def _digest(arrays: dict[str, Array]) -> str:
    """Return the hash of the contents of arrays, which does not depend on a file format."""
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
