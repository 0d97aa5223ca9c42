"""Somebody's own data: arrays, or a table."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.core.errors import BenchError
from bench.datasets.base import Array, Dataset, Split, carrying, drawn
from bench.datasets.io.archives import read_npz
from bench.datasets.io.array_cache import prepared
from bench.datasets.io.data_root import inside, locate
from bench.datasets.io.tables import MISSING, Schema, Table, encoded, read_frame, table
from bench.datasets.real.text import aimed, numbered
from bench.datasets.real.vision import Count, Share
from collectives.signals.base import Signal
from collectives.signals.tabular import SetFeature

#: A column of words with more values than this is taken for text or names, and refused.
VALUES = 1000


@dataclass(frozen=True)
class Npz(Dataset):
    r"""Somebody's own arrays: an npz archive under the data root.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    Points are taken as they are, as float32; bytes are divided by 255. Labels are whole numbers
    from 0. Of the rows, in an order drawn by the seed, the first three quarters are for training
    and validation, the others for testing; an array of bits that says which rows are of a
    training part keeps the parts apart.

    Arguments:
        file: The file, relative to the data root: it is part of what the dataset is, and the
            root is not.
        points: The array of points, (N, ...).
        target: The array of labels, (N,).
        groups: The array of groups, whole numbers from 0, (N,); there are none, if this is empty.
        train: The array that says which rows are of the training part, (N,); none, if empty.
        mark: The signal.
        aim: The label that a collective aims at.
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        overlap: The share of rows that are given the signal by nature, beside those that have it.
    """

    file: str = "arrays.npz"
    points: str = "x"
    target: str = "y"
    groups: str = ""
    train: str = ""
    mark: Signal = SetFeature()  # noqa: RUF009 (frozen)
    aim: int = 0
    n: Count = None
    n_test: Count = None
    overlap: Share = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of the one pool."""
        found = self._arrays()
        x, y = found["x"], found["y"]
        if "train" in found:
            first, last = np.flatnonzero(found["train"]), np.flatnonzero(~found["train"])
        else:
            first, last = np.split(rng.permutation(len(y)), [len(y) * 3 // 4])
        parts = drawn(first, last, self.n, self.n_test, rng)
        if self.overlap:
            x = _carrying(self.files(), self)
        return Split(x, y, *parts, classes=int(y.max()) + 1, group=found.get("group"))

    def files(self) -> tuple[Path, ...]:
        """The archive."""
        return locate("Npz", [(inside(self.file),)], "It is your own file")

    @property
    def signal(self) -> Signal:
        """What ``mark`` says."""
        return self.mark

    @property
    def label(self) -> int:
        """What ``aim`` says."""
        return self.aim

    def _arrays(self) -> dict[str, Array]:
        names = (self.points, self.target, self.groups, self.train)
        return prepared(self.files(), functools.partial(_read, names), name=f"npz-{_safe(names)}")


def _safe(names: tuple[str, ...]) -> str:
    return "-".join(name.encode().hex() for name in names)


@functools.lru_cache(maxsize=2)
def _carrying(files: tuple[Path, ...], data: Npz) -> Array:
    return carrying(data._arrays()["x"], data.mark, data.overlap)


def _read(names: tuple[str, ...], files: tuple[Path, ...]) -> Mapping[str, Array]:
    (path,) = files
    found = read_npz(path, [name for name in names if name])
    points, target, groups, train = names
    x = found[points]
    if not (np.issubdtype(x.dtype, np.number) or x.dtype == bool) or x.ndim < 2:
        raise BenchError(f"{path}: {points} is {x.dtype} {x.shape}, not numbers (N, ...)")
    scale = 255 if x.dtype == np.uint8 else 1
    made = {
        "x": x.astype(np.float32) / np.float32(scale),
        "y": _whole(path, found, target, len(x)),
    }
    if not np.isfinite(made["x"]).all():
        raise BenchError(f"{path}: some of {points} are not finite numbers")
    if groups:
        made["group"] = _whole(path, found, groups, len(x))
    if train:
        made["train"] = _whole(path, found, train, len(x)).astype(bool)
    return made


def _whole(path: Path, found: dict[str, Array], name: str, rows: int) -> Array:
    values = found[name]
    plain = np.issubdtype(values.dtype, np.integer) or values.dtype == bool
    if not plain or values.shape != (rows,) or not rows or values.min() < 0:
        raise BenchError(
            f"{path}: {name} is {values.dtype} {values.shape}, not a whole number from 0 on for "
            f"each of {rows} points"
        )
    return values.astype(np.int64)


@dataclass(frozen=True)
class CSV(Dataset):
    r"""Somebody's own table: a CSV or Parquet file under the data root, packed or not.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    A column whose words are all numbers is a number, standardised by the training rows alone;
    where it is empty, it is their median. Any other is a category, one-hot, an empty word being
    the value "?". Labels are numbered in their sorted order. Of the rows, in an order drawn by
    the seed, the first three quarters are for training and validation, the others for testing.

    Arguments:
        file: The file, relative to the data root: it is part of what the dataset is, and the
            root is not.
        target: The column of labels.
        aim: The label, as it stands in the file, that a collective aims at; the last one, if
            this is empty.
        mark: The signal: "name=value" for a category, several joined by " & ", or "name+2" for
            two standard deviations on top of a number.
        groups: The categories whose combinations are groups; "label" may be among them.
        drop: Columns that are no features.
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        overlap: The share of rows that are given the signal by nature, beside those that have it.
    """

    file: str = "table.csv"
    target: str = "label"
    aim: str = ""
    mark: str = "feature=value"
    groups: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    n: Count = None
    n_test: Count = None
    overlap: Share = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows and scale them."""
        made, schema, _ = self._table()
        return encoded(made, schema, self.n, self.n_test, self.signal, self.overlap, rng)

    def files(self) -> tuple[Path, ...]:
        """The table."""
        return locate("CSV", [(inside(self.file),)], "It is your own file")

    @property
    def schema(self) -> Schema:
        """What its columns mean."""
        return self._table()[1]

    @property
    def signal(self) -> Signal:
        """What ``mark`` says."""
        return self.schema.mark(self.mark)

    @property
    def label(self) -> int:
        """The number of the label aimed at."""
        return aimed(self.aim, self._table()[2])

    def _table(self) -> tuple[Table, Schema, tuple[str, ...]]:
        return _table(self.files(), self.target, self.groups, self.drop)


@functools.lru_cache(maxsize=4)
def _table(
    files: tuple[Path, ...], target: str, groups: tuple[str, ...], drop: tuple[str, ...]
) -> tuple[Table, Schema, tuple[str, ...]]:
    (path,) = files
    frame = read_frame(path, [target, *drop])
    y, labels = numbered(path, frame[target].str.strip().tolist(), target)
    numbers, categories = [], []
    for name in frame.columns.drop([target, *drop]):
        words = frame[name].str.strip()
        known = words[~words.isin(["", MISSING])]
        if name not in groups and len(known) and np.isfinite(_numbers(known)).all():
            numbers.append(name)
            continue
        values = tuple(sorted(set(words.replace("", MISSING))))
        if len(values) > VALUES:
            raise BenchError(
                f"{path}: {name} has {len(values)} different words, too many for a category; "
                f"drop=({name!r},) leaves it out"
            )
        categories.append((name, values))
    schema = Schema(tuple(numbers), tuple(categories))
    return table(path, frame, schema, y, groups, classes=len(labels)), schema, labels


def _numbers(words: "pd.Series[str]") -> Array:
    return np.asarray(pd.to_numeric(words, errors="coerce"), dtype=float)
