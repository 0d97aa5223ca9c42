"""Handwritten digits of 8 x 8 pixels, as scikit-learn ships them."""

import functools
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Interval
from sklearn.datasets import load_digits

from bench.datasets.base import Array, Dataset, Split, carrying, cut
from collectives.signals.base import Signal
from collectives.signals.image import Pixels


@dataclass(frozen=True)
class Digits(Dataset):
    r"""Optical recognition of handwritten digits: 1797 images (1, 8, 8) in [0, 1], 10 classes.

    .. math:: \xi = P_0[x \in g(X)] = \text{overlap}

    The corners of the images are all but empty, so the signal, four bright corners, is in none
    of them by itself. Every split takes 60 % of the rows for training, 15 % for validation and
    25 % for testing.

    References:
        | Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998)
        | https://doi.org/10.24432/C50P49

    Arguments:
        overlap: The share of all images that carry the default signal by nature, under the
            labels that they have.

    Example:
        >>> split = Digits().split(np.random.default_rng(0))
        >>> split.x.shape, len(split.train), len(split.validation), len(split.test)
        ((1797, 1, 8, 8), 1078, 270, 449)
    """

    overlap: Annotated[float, Interval(ge=0, le=1)] = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Shuffle the rows of the one pool."""
        x, y = _pool(self)
        train, validation = round(0.6 * len(y)), round(0.15 * len(y))
        return Split(x, y, *cut(rng.permutation(len(y)), train, validation), classes=10)

    @property
    def signal(self) -> Signal:
        """The four corners, as bright as can be."""
        return Pixels(at=((0, 0), (0, -1), (-1, 0), (-1, -1)), value=1.0)

    @property
    def label(self) -> int:
        """Seven."""
        return 7


@functools.lru_cache(maxsize=8)
def _pool(data: Digits) -> tuple[Array, Array]:
    digits = load_digits()
    x = (digits.images[:, None] / 16).astype(np.float32)
    y = digits.target.astype(np.int64)
    y.flags.writeable = False
    return carrying(x, data.signal, data.overlap), y
