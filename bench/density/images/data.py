"""Images as points with a density."""

from dataclasses import dataclass

import numpy as np

from bench.core.errors import unknown
from bench.core.random_streams import stream
from bench.datasets.base import Array, Dataset
from bench.datasets.real.digits import Digits
from bench.datasets.real.fashion_mnist import FashionMNIST
from bench.datasets.real.mnist import MNIST

#: Name -> the dataset, and its number of levels of grey.
IMAGES: dict[str, tuple[Dataset, int]] = {
    "digits": (Digits(), 17),
    "fashion_mnist": (FashionMNIST(n=None, n_test=None), 256),
    "mnist": (MNIST(n=None, n_test=None), 256),
}


@dataclass(frozen=True, eq=False)
class ImageSet:
    r"""Images whose pixels have a density: a level p of L becomes :math:`(p + u) / L`.

    The noise u is uniform, so that the mean log-density of :math:`(p + u) / L` less
    :math:`d \log L` is a lower bound of the mean log-probability of the levels p.

    Arguments:
        train: Training images, (n, h, w), from 0 to 1.
        train_y: Their labels, (n,).
        test: Test images, (m, h, w).
        test_y: Their labels, (m,).
        levels: The number of levels L.

    References:
        | A Note on the Evaluation of Generative Models (Theis et al., 2016)
        | https://arxiv.org/abs/1511.01844
    """

    train: Array
    train_y: Array
    test: Array
    test_y: Array
    levels: int

    def bits(self, nats: float) -> float:
        """Return bits for each pixel of a mean log-density in nats for each image.

        Example:
            >>> x = np.zeros((1, 2, 2))
            >>> ImageSet(x, x[:, 0, 0], x, x[:, 0, 0], levels=16).bits(0.0)
            4.0
        """
        return float(np.log2(self.levels) - nats / self.train[0].size / np.log(2))


def image_set(name: str) -> ImageSet:
    """Return a set of images by name: all training and test rows of its dataset's first split.

    Arguments:
        name: ``digits``, ``fashion_mnist`` or ``mnist``.

    Raises:
        BenchError: If there is no such set of images.
        Missing: If its files are missing.
    """
    if name not in IMAGES:
        raise unknown("set of images", name, IMAGES)
    dataset, levels = IMAGES[name]
    split = dataset.split(stream(0, "data"))
    noise = stream(0, "data", "noise")

    def continuous(rows: Array) -> Array:
        grey = np.rint(split.x[rows, 0] * (levels - 1))
        return ((grey + noise.random(grey.shape)) / levels).astype(np.float32)

    train, test = continuous(split.train), continuous(split.test)
    return ImageSet(train, split.y[split.train], test, split.y[split.test], levels)
