"""Npz: a user's arrays."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core.errors import BenchError
from bench.datasets.base import (
    Array,
    Count,
    Dataset,
    Share,
    Split,
    add_overlap,
    check_signal,
    draw_rows,
    halves,
)
from bench.datasets.io.archives import read_npz
from bench.datasets.io.array_cache import cached_arrays
from bench.datasets.io.columns import LARGEST, VALUES, unknown_aim
from bench.datasets.io.data_root import own_file
from collectives.signals.base import Signal
from collectives.signals.tabular import SetFeature

#: Numbers of channels that pictures have.
CHANNELS = (1, 3, 4)


@dataclass(frozen=True)
class Npz(Dataset):
    r"""A user's arrays: an npz archive under the data root.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    Points are finite real numbers, and become float32; bytes are divided by 255. Pictures have
    their channels first, (N, c, h, w). Labels are all whole numbers from 0 to K - 1. The seed
    shuffles the rows: the first three quarters are for training and validation, the others for
    testing; an array of bits, true for rows of a training part, keeps official parts apart.

    Arguments:
        file: The file, relative to the data root. It is part of the data set's identity; the
            root is not.
        points: The name of the array of points, (N, ...).
        target: The name of the array of labels, (N,).
        groups: The name of the array of groups, all whole numbers from 0 to G - 1, (N,); no
            groups, if empty.
        train: The name of the array of bits for the training part, (N,); none, if empty.
        mark: The signal.
        aim: The target label of a collective.
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        overlap: The share of rows that carry the signal by nature, beside those that carry it
            anyway.
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
        """Draw rows of the pool."""
        arrays = self._arrays()
        x, y, classes = arrays["x"], arrays["y"], int(arrays["y"].max()) + 1
        if not 0 <= self.aim < classes:
            raise unknown_aim(self.aim, list(map(str, range(classes))))
        check_signal(self.mark, x[:1])
        if "train" in arrays:
            halved = np.flatnonzero(arrays["train"]), np.flatnonzero(~arrays["train"])
        else:
            halved = halves(len(y), rng)
        parts = draw_rows(*halved, self.n, self.n_test, rng)
        if self.overlap:
            x = _pool(self.files(), self)
        return Split(x, y, *parts, classes=classes, group=arrays.get("group"))

    def files(self) -> tuple[Path, ...]:
        """Return the archive."""
        return own_file("Npz", self.file)

    @property
    def signal(self) -> Signal:
        """The signal ``mark``."""
        return self.mark

    @property
    def label(self) -> int:
        """The label ``aim``."""
        return self.aim

    def description(self) -> tuple[str, ...]:
        """Return a line with the shape of the points and the numbers of labels."""
        arrays = self._arrays()
        counts = ", ".join(f"{k} ({c})" for k, c in enumerate(np.bincount(arrays["y"]).tolist()))
        return (f"{self.file}: points {arrays['x'].shape}; labels {counts}",)

    def _arrays(self) -> dict[str, Array]:
        names = (self.points, self.target, self.groups, self.train)
        safe = "-".join(name.encode().hex() for name in names)
        return cached_arrays(self.files(), functools.partial(_read, names), name=f"npz-{safe}")


@functools.lru_cache(maxsize=2)
def _pool(files: tuple[Path, ...], data: Npz) -> Array:
    return add_overlap(data._arrays()["x"], data.mark, data.overlap)


def _read(names: tuple[str, ...], files: tuple[Path, ...]) -> Mapping[str, Array]:
    (path,) = files
    arrays = read_npz(path, dict.fromkeys(name for name in names if name))
    points, target, groups, train = names
    x = _points(path, points, arrays[points])
    read = {"x": x, "y": _codes(path, target, arrays[target], len(x), "labels", least=2)}
    if len(x) // 2 < read["y"].max() + 1 > 2:
        raise BenchError(
            f"{path}: {target} has {read['y'].max() + 1} different labels in {len(x)} rows: "
            f"labels are classes, and not names or measurements"
        )
    if groups:
        read["group"] = _codes(path, groups, arrays[groups], len(x), "groups", least=1)
    if train:
        read["train"] = _bits(path, train, arrays[train], len(x))
    return read


def _points(path: Path, name: str, x: Array) -> Array:
    """Return points as float32, (N, ...)."""
    if x.dtype.kind not in "biuf" or x.ndim < 2 or not x.size:
        raise BenchError(f"{path}: {name} is {x.dtype} {x.shape}, not real numbers (N, ...)")
    if x.ndim == 4 and x.shape[-1] in CHANNELS and x.shape[1] not in CHANNELS:
        raise BenchError(
            f"{path}: {name} is {x.shape}, like pictures with their channels last; save "
            f"np.moveaxis({name}, -1, 1)"
        )
    finite = np.isfinite(x)
    if x.dtype.itemsize > 4:
        finite &= np.abs(x) <= LARGEST
    if not finite.all():
        row = int(np.flatnonzero(~finite.reshape(len(x), -1).all(axis=1))[0])
        value = x[row][~finite[row]][0]
        raise BenchError(
            f"{path}: {name} has {value} in row {row}, not a finite number in single precision; "
            f"replace such values, or leave their rows out"
        )
    return x.astype(np.float32) / np.float32(255 if x.dtype == np.uint8 else 1)


def _per_row(path: Path, name: str, values: Array, rows: int, what: str) -> None:
    """Refuse anything but whole numbers from 0, one for each row."""
    if values.shape != (rows,):
        hint = f"; save {name}.reshape(-1)" if values.shape == (rows, 1) else ""
        raise BenchError(
            f"{path}: {name} is {values.dtype} {values.shape}, not one of {what} for each of "
            f"{rows} points, ({rows},){hint}"
        )
    if values.dtype.kind not in "biu":
        raise BenchError(
            f"{path}: {name} is {values.dtype}, like {values[0]!s}, not whole numbers from 0; "
            f"save np.unique({name}, return_inverse=True)[1]"
        )


def _codes(path: Path, name: str, values: Array, rows: int, what: str, least: int) -> Array:
    """Return labels or groups, all whole numbers from 0 to some K - 1, int64, (N,)."""
    _per_row(path, name, values, rows, what)
    distinct = np.unique(values)
    if not least <= len(distinct) <= VALUES:
        raise BenchError(
            f"{path}: {name} has {len(distinct)} different {what}; allowed are {least} to {VALUES}"
        )
    if distinct[0] != 0 or distinct[-1] != len(distinct) - 1:
        gap = next(k for k, value in enumerate(distinct.tolist()) if k != value)
        raise BenchError(
            f"{path}: {name} has {len(distinct)} different {what} from {distinct[0]} to "
            f"{distinct[-1]}, and no row has {gap}; save "
            f"np.unique({name}, return_inverse=True)[1], which numbers them from 0"
        )
    return values.astype(np.int64)


def _bits(path: Path, name: str, values: Array, rows: int) -> Array:
    """Return the rows of the training part, bool, (N,)."""
    _per_row(path, name, values, rows, "0 and 1")
    if set(np.unique(values).tolist()) != {0, 1}:
        raise BenchError(
            f"{path}: {name} has {', '.join(map(str, np.unique(values)[:5]))}; it takes 1 for "
            f"rows of the training part and 0 for others, and some of both"
        )
    return values.astype(bool)
