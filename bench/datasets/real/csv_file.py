"""CSV: a user's table."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core.errors import BenchError, unknown
from bench.datasets.base import Count, Dataset, Share, Split, check_signal
from bench.datasets.io.columns import (
    MISSING_NUMBERS,
    as_numbers,
    category_values,
    encode_labels,
    label_number,
)
from bench.datasets.io.data_root import own_file
from bench.datasets.io.frames import read_user_frame
from bench.datasets.io.schema import Schema
from bench.datasets.io.tables import Table, encode_split, make_table
from collectives.signals.base import Signal

Names = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class UserTable:
    """A user's table.

    Arguments:
        rows: The rows.
        schema: The features.
        labels: The names of the labels.
        dropped: The columns that are no features, each with the reason.
    """

    rows: Table
    schema: Schema
    labels: Names
    dropped: dict[str, str]


@dataclass(frozen=True)
class CSV(Dataset):
    r"""A user's table: a CSV or Parquet file under the data root, compressed or not.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    The file is UTF-8 text with a header; a comma, a semicolon, a tab or a vertical bar separates
    columns. A column of plain numbers is numeric, and standardised by the training rows alone; a
    missing number (an empty word, "?", NA, nan, null, ...) is their median. Any other column is a
    category, one-hot, with "?" for an empty word. Other notations of numbers, dates, names and
    values that do not fit their column are refused, with the column, the row and a way out.
    Labels are numbered in the order of their sorted words, or of numbers. The seed shuffles the
    rows: the first three quarters are for training and validation, the others for testing.

    Arguments:
        file: The file, relative to the data root. It is part of the data set's identity; the
            root is not.
        target: The column of labels.
        aim: The target label of a collective as the file spells it; the last one, if empty.
        mark: The signal: "name=value" for a category, several joined by " & ", or "name+2" for
            two standard deviations on top of a number; or a signal on the encoded columns.
        groups: The categories whose combinations are groups; "label" is allowed among them.
        drop: Columns that are no features.
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        overlap: The share of rows that carry the signal by nature, beside those that carry it
            anyway.
        categories: Columns that are categories, whatever their words look like.
    """

    file: str = "table.csv"
    target: str = "label"
    aim: str = ""
    mark: str | Signal = "feature=value"
    groups: Names = ()
    drop: Names = ()
    n: Count = None
    n_test: Count = None
    overlap: Share = 0.0
    categories: Names = ()

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows and standardise them."""
        table, signal = self._table(), self.signal
        label_number(self.aim, table.labels)
        check_signal(signal, np.zeros((1, len(table.schema.columns)), np.float32))
        return encode_split(
            table.rows, table.schema, self.n, self.n_test, signal, self.overlap, rng
        )

    def files(self) -> tuple[Path, ...]:
        """Return the table."""
        return own_file("CSV", self.file)

    @property
    def schema(self) -> Schema:
        """The features, and the values of each category."""
        return self._table().schema

    @property
    def signal(self) -> Signal:
        """The signal ``mark``."""
        if isinstance(self.mark, Signal):
            return self.mark
        return self.schema.mark(self.mark)

    @property
    def label(self) -> int:
        """The number of the label ``aim``."""
        return label_number(self.aim, self._table().labels)

    def description(self) -> tuple[str, ...]:
        """Return lines that tell how each column was read."""
        table = self._table()
        numbers = [
            f"{name} ({missing} missing)" if missing else name
            for name, missing in zip(
                table.schema.numbers, np.isnan(table.rows.numbers).sum(axis=0), strict=True
            )
        ]
        categories = [f"{name} ({len(values)})" for name, values in table.schema.categories]
        dropped = [f"{name} ({reason})" for name, reason in table.dropped.items()]
        lines = {
            "labels": list(table.labels),
            "numbers": numbers,
            "categories, with numbers of values": categories,
            "dropped": dropped,
        }
        return tuple(f"{self.file}: {k}: {', '.join(v) or 'none'}" for k, v in lines.items())

    def _table(self) -> UserTable:
        return _read(
            self.files(), self.target, self.groups, self.drop, (*self.categories, *self.groups)
        )


@functools.lru_cache(maxsize=4)
def _read(
    files: tuple[Path, ...], target: str, groups: Names, drop: Names, as_categories: Names
) -> UserTable:
    (path,) = files
    if target in drop:
        raise BenchError(f"CSV: drop={drop} names the column of labels, {target!r}")
    frame = read_user_frame(path, [target], drop)
    words, dropped = frame.words, frame.dropped
    y, labels = encode_labels(path, words[target].tolist(), target)
    features = words.drop(columns=target)
    copies = [name for name in features if features[name].equals(words[target])]
    if copies:
        raise BenchError(
            f"{path}: column {copies[0]!r} is the same as {target!r} in all rows, and gives "
            f"the label away; drop=({copies[0]!r},) leaves it out"
        )
    for name in as_categories:
        if name not in features and name != "label":
            raise unknown(f"column in {path} for groups or categories", name, features.columns)
    numbers, categories = [], []
    for name in map(str, features.columns):
        column, declared = features[name], name in as_categories
        if not declared and column.str.casefold().isin(MISSING_NUMBERS).all():
            dropped = {**dropped, name: "it has no values"}
        elif not declared and (read := as_numbers(path, column, name)) is not None:
            features = features.assign(**{name: read})
            numbers.append(name)
        else:
            categories.append((name, category_values(path, column, name, declared)))
    schema = Schema(tuple(numbers), tuple(categories))
    if not schema.columns:
        raise BenchError(f"{path} has no column beside {target!r} that is a feature")
    rows = make_table(path, features, schema, y, groups, classes=len(labels))
    return UserTable(rows, schema, labels, dropped)
