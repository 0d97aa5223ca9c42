"""Datasets of pandas frames."""

import hashlib
from collections.abc import Sequence

import pandas as pd

from bench.cli.shared import notes
from bench.core.errors import BenchError, unknown
from bench.datasets.base import Dataset
from bench.datasets.io.data_root import store, stored_name
from bench.datasets.real.csv_file import CSV
from bench.spec.parsing import build
from collective_bench.arrays import check_stored
from collective_bench.components import component
from collectives.signals.base import Signal


def from_frame(
    frame: pd.DataFrame,
    label: str,
    *,
    signal: Signal | str,
    aim: object = "",
    groups: Sequence[str] = (),
    drop: Sequence[str] = (),
    n: int | None = None,
    n_test: int | None = None,
    overlap: float = 0.0,
) -> Dataset:
    """Return a dataset of a frame.

    The frame is stored in the cache folder, in a file named by its contents. Other contents are
    another dataset. Columns of numbers are standardised by the training rows of each seed; a
    missing number is their median. Columns of words, categories and truth values are one-hot. The
    index is left out.

    Arguments:
        frame: The table, with distinct names of columns.
        label: The column of labels.
        signal: The signal of strategies that name none: "name=value" for a category, several
            joined by " & ", or "name+2" for two standard deviations on top of a number; or a
            signal on the encoded columns.
        aim: The target label of strategies that name none; the last one in sorted order, if
            empty.
        groups: The categories whose combinations are groups; "label" is allowed among them.
        drop: Columns that are no features.
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        overlap: The share of rows that carry the signal by nature, beside those that carry it
            anyway.

    Raises:
        BenchError: If a column cannot be read, with its name, a row and a way out.

    Example:
        >>> frame = pd.DataFrame({"age": range(100), "job": ["a", "b"] * 50, "paid": [0, 1] * 50})
        >>> data = from_frame(frame, "paid", signal="job=b", drop=("age",))
        >>> data.signal
        Category(blocks=((0, 2),), values=(1,))
    """
    if not isinstance(frame, pd.DataFrame):
        raise BenchError(f"from_frame takes a pandas frame, not {type(frame).__name__}")
    frame = frame.infer_objects().rename(columns=str)
    if label not in frame.columns:
        raise unknown("column of the frame named", str(label), frame.columns)
    text = frame.to_csv(index=False, lineterminator="\n")
    content = text.encode()
    fields = {
        "target": label,
        "aim": str(aim),
        "mark": signal if isinstance(signal, str) else component(signal, "signals"),
        "groups": tuple(groups),
        "drop": tuple(drop),
        "n": n,
        "n_test": n_test,
        "overlap": overlap,
        "categories": tuple(
            str(name)
            for name in frame.columns.drop(label)
            if name not in drop and _is_numeric_words(frame[name])
        ),
    }
    name = stored_name(hashlib.sha256(content).hexdigest(), "csv")
    dataset: Dataset = build(CSV, (), {"file": name, **fields}, "from_frame")
    check_stored(dataset, store(name, content), "from_frame")
    for line in dataset.description():
        notes.print(line.replace(f"{name}: ", ""), markup=False, soft_wrap=True)
    return dataset


def _is_numeric_words(column: "pd.Series | pd.DataFrame") -> bool:
    """Return whether a column of words or categories would be read as numbers from a file."""
    if isinstance(column, pd.DataFrame) or pd.api.types.is_numeric_dtype(column):
        return False
    words = column.dropna().astype(str)
    return bool(len(words)) and bool(pd.to_numeric(words, errors="coerce").notna().any())
