"""Small images, in the official parts of their authors."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Interval

from bench.core.errors import BenchError
from bench.datasets.base import Array, Dataset, Split, carrying, drawn
from bench.datasets.io.archives import read_jpegs, read_npz
from bench.datasets.io.array_cache import prepared
from bench.datasets.io.cifar import read_batch
from bench.datasets.io.data_root import Layout, locate
from bench.datasets.io.idx import read_idx
from bench.datasets.io.source import Source
from collectives.signals.base import Signal
from collectives.signals.image import Patch

Count = Annotated[int, Ge(1)] | None
Share = Annotated[float, Interval(ge=0, le=1)]

IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
#: Keras's names, and those of a copy whose pictures are JPEGs in one blob.
ARRAYS = ("x_train", "y_train", "x_test", "y_test")
JPEGS = ("header", "offsets", "blob", "labels", "train")


@dataclass(frozen=True)
class MNIST(Dataset):
    r"""Handwritten digits: 70,000 images (1, 28, 28), 60,000 of them for training, 10 classes.

    .. math:: \xi = P_0[x \in g(X)] = \text{overlap}

    Pixels are divided by 255; nothing is fitted. Training and validation rows are drawn by the
    seed from the official training part, test rows from the official test part. There are no
    groups. The signal is a bright square in a corner that is dark in all images.

    It is read from Keras's ``mnist.npz``, or from ``MNIST/raw/*-ubyte`` as torchvision keeps it.

    References:
        | Gradient-Based Learning Applied to Document Recognition (LeCun et al., 1998)
        | https://doi.org/10.1109/5.726791

    Arguments:
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        overlap: The share of all images that carry the default signal by nature, under the
            labels that they have.
    """

    openml: ClassVar[Source | None] = Source(
        "mnist_784",
        1,
        "mnist.npz",
        (28, 28),
        60_000,
        sha256="06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
    )

    n: Count = 5000
    n_test: Count = 2000
    overlap: Share = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of the one pool."""
        return _split(self, rng)

    def files(self) -> tuple[Path, ...]:
        """The archive, or the four files."""
        return locate("MNIST", [("mnist.npz",), _raw("MNIST")])

    @property
    def signal(self) -> Signal:
        """Two by two bright pixels, bottom right."""
        return Patch(size=2, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """Zero."""
        return 0


@dataclass(frozen=True)
class FashionMNIST(Dataset):
    r"""Pictures of clothes: 70,000 images (1, 28, 28), 60,000 of them for training, 10 classes.

    .. math:: \xi = P_0[x \in g(X)] = \text{overlap}

    The labels are 0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt,
    7 sneaker, 8 bag and 9 ankle boot. All else is as in :class:`MNIST`, but for the corner of the
    signal: a few images (579 of 12,000) are not all dark there, though none carries the signal. A
    subset of the official parts, as ``fashion_mnist_12k.npz``, will do.

    References:
        | Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms
          (Xiao et al., 2017)
        | https://arxiv.org/abs/1708.07747

    Arguments:
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        overlap: The share of all images that carry the default signal by nature, under the
            labels that they have.
    """

    openml: ClassVar[Source | None] = Source(
        "Fashion-MNIST", 1, "fashion_mnist.npz", (28, 28), 60_000
    )

    n: Count = 5000
    n_test: Count = 2000
    overlap: Share = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of the one pool."""
        return _split(self, rng)

    def files(self) -> tuple[Path, ...]:
        """The archive, or the four files."""
        whole: list[Layout] = [("fashion_mnist.npz",), ("fashion-mnist.npz",)]
        return locate("FashionMNIST", [*whole, _raw("FashionMNIST"), ("fashion_mnist_12k.npz",)])

    @property
    def signal(self) -> Signal:
        """Two by two bright pixels, bottom right."""
        return Patch(size=2, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """T-shirt."""
        return 0


@dataclass(frozen=True)
class CIFAR10(Dataset):
    r"""Tiny photographs: 60,000 images (3, 32, 32), 50,000 of them for training, 10 classes.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    The labels are 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse,
    8 ship and 9 truck. A photograph whose corner is white carries the signal by itself; each
    record has the measured share. All else is as in :class:`MNIST`.

    It is read from ``cifar-10-batches-py`` as torchvision keeps it, by a reader of its own that
    runs nothing of what the files name; from ``cifar10.npz`` with Keras's keys; or from a subset
    with lossy pictures, ``cifar10_jpeg_12k.npz``.

    References:
        | Learning Multiple Layers of Features from Tiny Images (Krizhevsky, 2009)
        | https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf

    Arguments:
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        overlap: The share of all images that are given the default signal by nature, under the
            labels that they have.
    """

    openml: ClassVar[Source | None] = Source("CIFAR_10", 1, "cifar10.npz", (3, 32, 32), 50_000)

    n: Count = 5000
    n_test: Count = 2000
    overlap: Share = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of the one pool."""
        return _split(self, rng)

    def files(self) -> tuple[Path, ...]:
        """The six batches, or the archive."""
        names = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
        batches = tuple(f"cifar-10-batches-py/{name}" for name in names)
        return locate("CIFAR10", [batches, ("cifar10.npz",), ("cifar10_jpeg_12k.npz",)])

    @property
    def signal(self) -> Signal:
        """Three by three white pixels, bottom right."""
        return Patch(size=3, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """Airplane."""
        return 0


def _raw(folder: str) -> Layout:
    return tuple(f"{folder}/raw/{name}" for name in IDX)


def pool(data: Dataset) -> dict[str, Array]:
    """All images x (N, c, h, w), float32 from 0 to 1, labels y (N,), and which are to train."""
    return prepared(data.files(), _read, name=type(data).__name__)


def _split(data: MNIST | FashionMNIST | CIFAR10, rng: np.random.Generator) -> Split:
    whole = pool(data)
    train, test = np.flatnonzero(whole["train"]), np.flatnonzero(~whole["train"])
    x = whole["x"] if not data.overlap else _carrying(data.files(), data)
    return Split(x, whole["y"], *drawn(train, test, data.n, data.n_test, rng), classes=10)


@functools.lru_cache(maxsize=2)
def _carrying(files: tuple[Path, ...], data: MNIST | FashionMNIST | CIFAR10) -> Array:
    return carrying(pool(data)["x"], data.signal, data.overlap)


def _read(files: tuple[Path, ...]) -> Mapping[str, Array]:
    """Images and labels of whichever layout the files are in."""
    if len(files) == len(IDX):
        parts = [(read_idx(i, 3), read_idx(l, 1)) for i, l in (files[:2], files[2:])]
    elif len(files) > 1:
        parts = _joined([read_batch(path) for path in files])
    elif "jpeg" in files[0].name:
        found = read_npz(files[0], JPEGS)
        x = read_jpegs(files[0], found["header"], found["offsets"], found["blob"], 32)
        first = found["train"].astype(bool)
        if not len(x) == len(found["labels"]) == len(first):
            raise BenchError(f"{files[0]}: pictures, labels and parts are not as many")
        parts = [(x[part], found["labels"][part]) for part in (first, ~first)]
    else:
        found = read_npz(files[0], ARRAYS)
        parts = [(found["x_train"], found["y_train"]), (found["x_test"], found["y_test"])]
    return _pool(files[0], parts)


def _joined(batches: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    """All batches but the last are for training."""
    *train, test = batches
    return [(np.concatenate([x for x, _ in train]), np.concatenate([y for _, y in train])), test]


def _pool(path: Path, parts: list[tuple[Array, Array]]) -> Mapping[str, Array]:
    for x, y in parts:
        labels = y.reshape(-1)
        good = x.dtype == np.uint8 and x.ndim in (3, 4) and np.issubdtype(y.dtype, np.integer)
        if not good or len(x) != len(labels) or not set(labels.tolist()) <= set(range(10)):
            raise BenchError(
                f"{path}: images {x.dtype} {x.shape} with labels {y.dtype} {y.shape} are not "
                f"images of bytes with a label from 0 to 9 each"
            )
    x = np.concatenate([images(x) for x, _ in parts])
    y = np.concatenate([y.reshape(-1).astype(np.int64) for _, y in parts])
    return {"x": x, "y": y, "train": np.arange(len(y)) < len(parts[0][0])}


def images(x: Array) -> Array:
    """Bytes (n, h, w), (n, h, w, 3) or (n, 3, h, w) as float32 (n, c, h, w) from 0 to 1."""
    if x.ndim == 3:
        x = x[:, None]
    elif x.shape[1] != 3:
        x = np.moveaxis(x, -1, 1)
    return x.astype(np.float32) / np.float32(255)
