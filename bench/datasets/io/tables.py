"""Tables: from a file's words to columns of numbers that have names."""

import io
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.core.errors import BenchError, unknown
from bench.datasets.base import Array, Split, carrying, drawn
from bench.datasets.io import bounded_reading
from bench.datasets.io.bounded_reading import contents, reading
from collectives.signals.base import Signal
from collectives.signals.tabular import Category, Offset

#: What stands where a category is missing.
MISSING = "?"


@dataclass(frozen=True)
class Schema:
    """What the columns of a table mean, and where they stand once they are encoded.

    Numbers come first, one column each; then categories, a block of columns each, one of which
    is one.

    Arguments:
        numbers: The names of numeric features.
        categories: The names of categorical features, each with all its values.

    Example:
        >>> schema = Schema(("age",), (("work", ("none", "some")), ("sex", ("f", "m"))))
        >>> schema.columns
        ('age', 'work=none', 'work=some', 'sex=f', 'sex=m')
        >>> schema.mark("sex=m")
        Category(blocks=((3, 2),), values=(1,))
        >>> schema.mark("age+2")
        Offset(columns=(0,), amount=2.0)
    """

    numbers: tuple[str, ...]
    categories: tuple[tuple[str, tuple[str, ...]], ...]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the encoded columns."""
        pairs = [(name, value) for name, values in self.categories for value in values]
        return (*self.numbers, *(f"{name}={value}" for name, value in pairs))

    @cached_property
    def blocks(self) -> dict[str, tuple[int, int]]:
        """First column and number of columns of each category."""
        widths = [len(values) for _, values in self.categories]
        starts = itertools.accumulate(widths, initial=len(self.numbers))
        names = [name for name, _ in self.categories]
        return {n: (s, w) for n, s, w in zip(names, starts, widths, strict=False)}

    def mark(self, text: str) -> Signal:
        """The signal that a text names.

        Arguments:
            text: "name=value" sets a category, several are joined by " & "; "name+2" adds two
                standard deviations to a number.

        Raises:
            BenchError: If there is no such feature or value.
        """
        moved = re.fullmatch(r"(.+?)([+-]\d+(?:\.\d+)?)", text)
        if moved and "=" not in text:
            if moved[1] not in self.numbers:
                raise unknown("numeric feature", moved[1], self.numbers)
            return Offset((self.numbers.index(moved[1]),), float(moved[2]))
        blocks, values = [], []
        for part in text.split(" & "):
            name, _, value = part.partition("=")
            known = dict(self.categories)
            if name not in known:
                raise unknown("categorical feature", name, known)
            if value not in known[name]:
                raise unknown(f"value of {name}", value, known[name])
            blocks.append(self.blocks[name])
            values.append(known[name].index(value))
        return Category(tuple(blocks), tuple(values))


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of a table, before any scaling.

    Arguments:
        numbers: Numeric features, NaN where they are missing, (N, p).
        codes: Which value of each category a row has, (N, c).
        y: Labels, (N,).
        group: Groups, (N,); None where there are none.
        train: Which rows are of an official training part, (N,), where there is one.
        classes: The number of labels.
    """

    numbers: Array
    codes: Array
    y: Array
    group: Array | None
    train: Array | None = None
    classes: int = 2


def read_frame(path: Path, needed: Sequence[str] = (), **how: Any) -> pd.DataFrame:
    """A table of words, .csv or .parquet, packed or not; empty words are missing.

    Arguments:
        path: The file.
        needed: Columns that have to be there.
        how: Options of ``pandas.read_csv``.

    Raises:
        BenchError: If it is damaged, or lacks a column.
    """
    raw = contents(path, "a table")
    with reading(path, "a table"):
        if ".parquet" in path.suffixes:
            frame = _unpacked(path, raw)
            frame = frame.astype(object).where(frame.notna(), "").map(_word)
        else:
            frame = pd.read_csv(
                io.BytesIO(raw), dtype=str, keep_default_na=False, encoding="utf-8", **how
            )
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        what = f"column in {path} named"
        raise unknown(what, absent[0], map(str, frame.columns))
    return frame


def _unpacked(path: Path, raw: bytes) -> pd.DataFrame:
    """A Parquet file's columns, once it is known that they are not too many bytes.

    A word that is written once may stand in a billion rows.
    """
    file = pq.ParquetFile(io.BytesIO(raw))
    size = 8 * file.metadata.num_rows * file.metadata.num_columns
    if size <= bounded_reading.MOST:
        texts = (pa.string(), pa.large_string())
        words = [f.name for f in file.schema_arrow if f.type in texts]
        table = pq.read_table(io.BytesIO(raw), read_dictionary=words)
        for column in table.columns:
            for chunk in column.chunks if pa.types.is_dictionary(column.type) else ():
                lengths = pc.binary_length(chunk.dictionary)
                size += pc.sum(pc.take(lengths, chunk.indices)).as_py() or 0
        if size <= bounded_reading.MOST:
            return table.to_pandas().astype(object)
    raise BenchError(f"{path} unpacks to more than {bounded_reading.MOST} bytes")


def _word(value: Any) -> str:
    """A value as a word; whole numbers without a point, as they stand in a CSV."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def numbers(path: Path, frame: pd.DataFrame, names: Sequence[str]) -> Array:
    """Columns as numbers (N, p); NaN where they are empty or a question mark."""
    made = np.empty((len(frame), len(names)))
    for j, name in enumerate(names):
        words = frame[name].str.strip().replace(MISSING, "")
        made[:, j] = pd.to_numeric(words, errors="coerce")
        wrong = words[(words != "") & ~np.isfinite(made[:, j])]
        if len(wrong):
            raise BenchError(f"{path}: {name} has {wrong.iloc[0]!r}, which is not a number")
    return made


def codes(path: Path, words: "pd.Series[str]", name: str, values: Sequence[str]) -> Array:
    """Which of the values each word is, (N,); an empty word is a question mark."""
    stripped = words.str.strip().replace("", MISSING)
    made = pd.Index(values).get_indexer(pd.Index(stripped))
    if (made < 0).any():
        raise BenchError(
            f"{path}: {unknown(f'value of {name}', stripped[made < 0].iloc[0], values)}"
        )
    return made


def table(
    path: Path,
    frame: pd.DataFrame,
    schema: Schema,
    y: Array,
    groups: Sequence[str],
    extra: Mapping[str, Sequence[str]] | None = None,
    train: Array | None = None,
    classes: int = 2,
) -> Table:
    """A table from a frame of words.

    Arguments:
        path: The file, for errors.
        frame: Its words.
        schema: What to take from it.
        y: Labels, (N,).
        groups: What makes a group: names of categories, of extra ones, and "label".
        extra: Categories that are no features, with their values.
        train: Which rows are of the official training part.
        classes: The number of labels.
    """
    named = {**dict(schema.categories), **(extra or {})}
    code = {
        name: codes(path, frame[name], name, values)
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
        # Only combinations that somebody has are groups, in the order of their values.
        group = np.unique(np.stack(parts, 1), axis=0, return_inverse=True)[1].reshape(-1)
    stacked = np.stack(features, 1) if features else np.empty((len(frame), 0), np.int64)
    return Table(
        numbers(path, frame, schema.numbers), stacked, y.astype(np.int64), group, train, classes
    )


def encoded(
    made: Table,
    schema: Schema,
    n: int | None,
    test: int | None,
    signal: Signal,
    overlap: float,
    rng: np.random.Generator,
) -> Split:
    """A split of a table: numbers standardised by its training rows, categories one-hot.

    A missing number is the median of the training rows. Each split has rows of its own, since
    each has a scale of its own.
    """
    if made.train is None:
        order = rng.permutation(len(made.y))
        first = len(order) * 3 // 4
        parts = drawn(order[:first], order[first:], n, test, rng)
    else:
        parts = drawn(np.flatnonzero(made.train), np.flatnonzero(~made.train), n, test, rng)
    rows = np.concatenate(parts)
    scaled, own = made.numbers[rows], made.numbers[parts[0]]
    # A column that is nowhere known says nothing: it is zero.
    middle = np.array([np.median(c[~np.isnan(c)]) if (~np.isnan(c)).any() else 0 for c in own.T])
    scaled, own = (np.where(np.isnan(v), middle, v) for v in (scaled, own))
    spread = own.std(axis=0)
    scaled = (scaled - own.mean(axis=0)) / np.where(spread > 0, spread, 1)
    x = np.zeros((len(rows), len(schema.columns)), np.float32)
    x[:, : len(schema.numbers)] = scaled
    for (start, _), code in zip(schema.blocks.values(), made.codes[rows].T, strict=True):
        x[np.arange(len(rows)), start + code] = 1
    if overlap:
        x = carrying(x, signal, overlap)
    train, held, tested = np.split(
        np.arange(len(rows)), np.cumsum([len(part) for part in parts])[:-1]
    )
    group = None if made.group is None else made.group[rows]
    return Split(x, made.y[rows], train, held, tested, classes=made.classes, group=group)
