"""Shared parts of data sets of small images."""

import functools
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.core.errors import BenchError
from bench.datasets.base import (
    Array,
    Count,
    Dataset,
    Share,
    Split,
    add_overlap,
    draw_rows,
    split_rows,
)
from bench.datasets.io.archives import read_jpegs, read_npz
from bench.datasets.io.array_cache import cached_arrays
from bench.datasets.io.cifar import read_batch
from bench.datasets.io.data_root import Layout
from bench.datasets.io.idx import read_idx

IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
#: The names of arrays in archives of Keras, and in archives of JPEG pictures in one array.
ARRAYS = ("x_train", "y_train", "x_test", "y_test")
JPEGS = ("header", "offsets", "blob", "labels", "train")


@dataclass(frozen=True)
class BundledImages(Dataset):
    r"""Images of 10 classes that an installed package ships.

    Every split takes 60 % of the rows for training, 15 % for validation and 25 % for testing.

    Arguments:
        overlap: The share of all images that carry the default signal by nature, under their
            own labels.
    """

    family: ClassVar[str] = "images"

    overlap: Share = 0.0

    @staticmethod
    @abstractmethod
    def images() -> tuple[Array, Array]:
        """Return all images (N, c, h, w), float32 from 0 to 1, and labels (N,), read-only."""

    def split(self, rng: np.random.Generator) -> Split:
        """Shuffle the rows of the pool."""
        y = self.images()[1]
        train, validation = round(0.6 * len(y)), round(0.15 * len(y))
        parts = split_rows(rng.permutation(len(y)), train, validation)
        return Split(_bundled_pool(self), y, *parts, classes=10)


@functools.lru_cache(maxsize=8)
def _bundled_pool(data: BundledImages) -> Array:
    return add_overlap(data.images()[0], data.signal, data.overlap)


@dataclass(frozen=True)
class OfficialImages(Dataset):
    r"""Images of 10 classes from files with an official training part and an official test part.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    Pixels are divided by 255, and no scale is fitted. The seed draws training and validation rows
    from the official training part, test rows from the official test part. There are no groups.

    Arguments:
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        overlap: The share of all images that carry the default signal by nature, under their
            own labels, beside those that carry it anyway.
    """

    family: ClassVar[str] = "images"

    n: Count = 5000
    n_test: Count = 2000
    overlap: Share = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of the pool."""
        arrays = pool(self)
        train, test = np.flatnonzero(arrays["train"]), np.flatnonzero(~arrays["train"])
        x = _official_pool(self.files(), self) if self.overlap else arrays["x"]
        parts = draw_rows(train, test, self.n, self.n_test, rng)
        return Split(x, arrays["y"], *parts, classes=10)


@functools.lru_cache(maxsize=2)
def _official_pool(files: tuple[Path, ...], data: OfficialImages) -> Array:
    return add_overlap(pool(data)["x"], data.signal, data.overlap)


def idx_layout(folder: str) -> Layout:
    """Return the four files of a folder as torchvision keeps it."""
    return tuple(f"{folder}/raw/{name}" for name in IDX)


def pool(data: OfficialImages) -> dict[str, Array]:
    """Return all images, float32 from 0 to 1, their labels, and the rows of the training part.

    Returns:
        x (N, c, h, w), y (N,), and train (N,), which is true for rows of the training part.
    """
    return cached_arrays(data.files(), _read, name=type(data).__name__)


def _read(files: tuple[Path, ...]) -> Mapping[str, Array]:
    """Read images and labels from files of any of the layouts."""
    if len(files) == len(IDX):
        parts = [(read_idx(i, 3), read_idx(l, 1)) for i, l in (files[:2], files[2:])]
    elif len(files) > 1:
        *train, test = [read_batch(path) for path in files]
        images, labels = (np.concatenate(arrays) for arrays in zip(*train, strict=True))
        parts = [(images, labels), test]
    elif "jpeg" in files[0].name:
        arrays = read_npz(files[0], JPEGS)
        x = read_jpegs(files[0], arrays["header"], arrays["offsets"], arrays["blob"], 32)
        first = arrays["train"].astype(bool)
        if not len(x) == len(arrays["labels"]) == len(first):
            raise BenchError(f"{files[0]}: pictures, labels and parts are not as many")
        parts = [(x[part], arrays["labels"][part]) for part in (first, ~first)]
    else:
        arrays = read_npz(files[0], ARRAYS)
        parts = [(arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])]
    return _joined(files[0], parts)


def _joined(path: Path, parts: list[tuple[Array, Array]]) -> Mapping[str, Array]:
    """Check the training part and the test part, and join them."""
    for x, y in parts:
        labels = y.reshape(-1)
        good = x.dtype == np.uint8 and x.ndim in (3, 4) and np.issubdtype(y.dtype, np.integer)
        if not good or len(x) != len(labels) or not set(labels.tolist()) <= set(range(10)):
            raise BenchError(
                f"{path}: images {x.dtype} {x.shape} with labels {y.dtype} {y.shape} are not "
                f"images of bytes with a label from 0 to 9 each"
            )
    x = np.concatenate([scaled_images(x) for x, _ in parts])
    y = np.concatenate([y.reshape(-1).astype(np.int64) for _, y in parts])
    return {"x": x, "y": y, "train": np.arange(len(y)) < len(parts[0][0])}


def scaled_images(x: Array) -> Array:
    """Return bytes (n, h, w), (n, h, w, 3) or (n, 3, h, w) as float32 (n, c, h, w) from 0 to 1."""
    if x.ndim == 3:
        x = x[:, None]
    elif x.shape[1] != 3:
        x = np.moveaxis(x, -1, 1)
    return x.astype(np.float32) / np.float32(255)
