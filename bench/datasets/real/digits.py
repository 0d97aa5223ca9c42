"""Handwritten digits of 8 x 8 pixels, as scikit-learn ships them."""

import functools
from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits

from bench.datasets.base import Array
from bench.datasets.real._images import BundledImages
from collectives.signals.base import Signal
from collectives.signals.image import Pixels


@dataclass(frozen=True)
class Digits(BundledImages):
    r"""Optical recognition of handwritten digits: 1797 images (1, 8, 8) in [0, 1], 10 classes.

    .. math:: \xi = P_0[x \in g(X)] = \text{overlap}

    The corners of the images are almost always empty, so that no image carries the signal, four
    bright corners, by nature. Every split takes 60 % of the rows for training, 15 % for
    validation and 25 % for testing.

    References:
        | Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998)
        | https://doi.org/10.24432/C50P49

    Example:
        >>> split = Digits().split(np.random.default_rng(0))
        >>> split.x.shape, len(split.train), len(split.validation), len(split.test)
        ((1797, 1, 8, 8), 1078, 270, 449)
    """

    @staticmethod
    @functools.cache
    def images() -> tuple[Array, Array]:
        """Return all images (1797, 1, 8, 8), float32 from 0 to 1, and labels, read-only."""
        digits = load_digits()
        x, y = (digits.images[:, None] / 16).astype(np.float32), digits.target.astype(np.int64)
        x.flags.writeable = y.flags.writeable = False
        return x, y

    @property
    def signal(self) -> Signal:
        """The four corners at full brightness."""
        return Pixels(at=((0, 0), (0, -1), (-1, 0), (-1, -1)), value=1.0)

    @property
    def label(self) -> int:
        """The digit seven."""
        return 7
