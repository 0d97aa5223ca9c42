"""Tables of numbers and categories, and their splits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.core.errors import BenchError, unknown
from bench.datasets.base import Array, Split, add_overlap, draw_rows, halves, split_rows
from bench.datasets.io.columns import MISSING
from bench.datasets.io.schema import Schema
from collectives.signals.base import Signal


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of a table before they are standardised.

    Arguments:
        numbers: Numeric features, NaN where they are missing, (N, p).
        codes: The position of each row's value among a category's values, (N, c).
        y: Labels, (N,).
        group: Groups, (N,); None where there are none.
        train: True for rows of an official training part, (N,), where there is one.
        classes: The number of labels.
    """

    numbers: Array
    codes: Array
    y: Array
    group: Array | None
    train: Array | None = None
    classes: int = 2


def numeric_columns(path: Path, frame: pd.DataFrame, names: Sequence[str]) -> Array:
    """Return columns as numbers (N, p); NaN where they are empty or a question mark.

    Arguments:
        path: The file, for errors.
        frame: Columns of words.
        names: The columns to return.

    Raises:
        BenchError: If a word is not a finite number.
    """
    columns = np.empty((len(frame), len(names)))
    for j, name in enumerate(names):
        words = frame[name].str.strip().replace(MISSING, "")
        columns[:, j] = pd.to_numeric(words, errors="coerce")
        wrong = words[(words != "") & ~np.isfinite(columns[:, j])]
        if len(wrong):
            raise BenchError(f"{path}: {name} has {wrong.iloc[0]!r}, which is not a number")
    return columns


def category_codes(path: Path, words: "pd.Series[str]", name: str, values: Sequence[str]) -> Array:
    """Return the position of each word among the values, (N,); an empty word is "?".

    Arguments:
        path: The file, for errors.
        words: A column, (N,).
        name: Its name, for errors.
        values: The values that are allowed.

    Raises:
        BenchError: If a word is none of the values.
    """
    stripped = words.str.strip().replace("", MISSING)
    positions = pd.Index(values).get_indexer(pd.Index(stripped))
    if (positions < 0).any():
        raise BenchError(
            f"{path}: {unknown(f'value of {name}', stripped[positions < 0].iloc[0], values)}"
        )
    return positions


def one_hot_codes(path: Path, frame: pd.DataFrame, names: Sequence[str]) -> Array:
    """Return the position of the one among some one-hot columns, (N,).

    Arguments:
        path: The file, for errors.
        frame: Columns of words.
        names: The one-hot columns.

    Raises:
        BenchError: If a column is missing, or a row has not exactly one 1.
    """
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise BenchError(f"{path} has no column {absent[0]}; it has {', '.join(frame.columns)}")
    bits = numeric_columns(path, frame, names)
    if not (((bits == 0) | (bits == 1)).all() and (bits.sum(axis=1) == 1).all()):
        raise BenchError(f"{path}: not exactly one of {', '.join(names)} is 1 in each row")
    return bits.argmax(axis=1)


def make_table(
    path: Path,
    frame: pd.DataFrame,
    schema: Schema,
    y: Array,
    groups: Sequence[str],
    extra: Mapping[str, Sequence[str]] | None = None,
    train: Array | None = None,
    classes: int = 2,
) -> Table:
    """Make a table from columns of words.

    Arguments:
        path: The file, for errors.
        frame: The columns.
        schema: The features to take from them.
        y: Labels, (N,).
        groups: The categories whose combinations are groups: names of features, of extra
            categories, and "label".
        extra: Categories that are no features, with their values.
        train: True for rows of the official training part, (N,).
        classes: The number of labels.

    Raises:
        BenchError: If a word is not allowed, or a category for groups is unknown.
    """
    named = {**dict(schema.categories), **(extra or {})}
    code = {
        name: category_codes(path, frame[name], name, values)
        for name, values in named.items()
        if name in dict(schema.categories) or name in groups
    }
    features = [code[name] for name, _ in schema.categories]
    parts = []
    for name in groups:
        if name != "label" and name not in named:
            raise unknown("category for groups", name, [*named, "label"])
        parts.append(y if name == "label" else code[name])
    group = None
    if parts:
        # Only combinations that occur are groups, in the order of their values.
        group = np.unique(np.stack(parts, 1), axis=0, return_inverse=True)[1].reshape(-1)
    stacked = np.stack(features, 1) if features else np.empty((len(frame), 0), np.int64)
    numbers = numeric_columns(path, frame, schema.numbers)
    return Table(numbers, stacked, y.astype(np.int64), group, train, classes)


def encode_split(
    table: Table,
    schema: Schema,
    n: int | None,
    n_test: int | None,
    signal: Signal,
    overlap: float,
    rng: np.random.Generator,
) -> Split:
    """Draw a split: numbers standardised by its training rows, categories one-hot.

    A missing number is the median of the training rows. Each split has rows of its own, since
    each has its own scale.

    Arguments:
        table: The rows.
        schema: Their features.
        n: The number of training rows, as in :func:`draw_rows`.
        n_test: The number of test rows; all, if None.
        signal: The signal of the overlap.
        overlap: The share of rows that are given the signal.
        rng: The generator of all randomness.
    """
    if table.train is None:
        first, last = halves(len(table.y), rng)
    else:
        first, last = np.flatnonzero(table.train), np.flatnonzero(~table.train)
    parts = draw_rows(first, last, n, n_test, rng)
    rows = np.concatenate(parts)
    x = np.zeros((len(rows), len(schema.columns)), np.float32)
    x[:, : len(schema.numbers)] = _standardised(table.numbers[rows], table.numbers[parts[0]])
    for (start, _), code in zip(schema.blocks.values(), table.codes[rows].T, strict=True):
        x[np.arange(len(rows)), start + code] = 1
    if overlap:
        x = add_overlap(x, signal, overlap)
    places = split_rows(np.arange(len(rows)), len(parts[0]), len(parts[1]))
    group = None if table.group is None else table.group[rows]
    return Split(x, table.y[rows], *places, classes=table.classes, group=group)


def _standardised(numbers: Array, train: Array) -> Array:
    """Return numbers (N, p) without gaps, in standard deviations from the mean of (n, p)."""
    # A column without any training value has no information: it is zero.
    known = [column[~np.isnan(column)] for column in train.T]
    middle = np.array([np.median(column) if len(column) else 0 for column in known])
    numbers, train = (np.where(np.isnan(values), middle, values) for values in (numbers, train))
    spread = train.std(axis=0)
    return np.asarray((numbers - train.mean(axis=0)) / np.where(spread > 0, spread, 1))
