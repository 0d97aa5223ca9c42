"""Images as points with a density."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from bench.core.errors import unknown
from bench.core.random_streams import stream
from bench.datasets.base import Array, Dataset
from bench.datasets.real.digits import Digits
from bench.datasets.real.fashion_mnist import FashionMNIST
from bench.datasets.real.mnist import MNIST
from bench.density.images.stacked import PARTS, stack

#: Name -> the dataset, and its number of levels of grey.
IMAGES: dict[str, tuple[Dataset, int]] = {
    "digits": (Digits(), 17),
    "fashion_mnist": (FashionMNIST(n=None, n_test=None), 256),
    "mnist": (MNIST(n=None, n_test=None), 256),
}
#: The first part of a name of a set in which each image has three images of another set.
STACKED = "stacked_"


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
        labels: The number of labels of the dataset.
        parts: The number of images of the dataset in an image: one, or three in its quarters.

    References:
        | A Note on the Evaluation of Generative Models (Theis et al., 2016)
        | https://arxiv.org/abs/1511.01844
    """

    train: Array
    train_y: Array
    test: Array
    test_y: Array
    levels: int
    labels: int = 10
    parts: int = 1

    @property
    def classes(self) -> int:
        """The number of classes of an image: of combinations of labels, for three in one."""
        return self.labels**self.parts

    def bits(self, nats: float) -> float:
        """Return bits for each pixel of a mean log-density in nats for each image.

        Example:
            >>> x = np.zeros((1, 2, 2))
            >>> ImageSet(x, x[:, 0, 0], x, x[:, 0, 0], levels=16).bits(0.0)
            4.0
        """
        return float(np.log2(self.levels) - nats / self.train[0].size / np.log(2))


@cache
def image_set(name: str, held_out: bool = False) -> ImageSet:
    """Return a set of images by name: all training and test rows of its dataset's first split.

    Arguments:
        name: ``digits``, ``fashion_mnist`` or ``mnist``; or one of these after ``stacked_``, for
            three images at half their size in one, see
            :func:`~bench.density.images.stacked.stack`.
        held_out: Whether the last sixth of the training rows takes the place of the test rows, so
            that hyper-parameters are chosen without these.

    Raises:
        BenchError: If there is no such set of images.
        Missing: If its files are missing.
    """
    single = name.removeprefix(STACKED)
    if single not in IMAGES:
        raise unknown("set of images", name, [*IMAGES, *(STACKED + n for n in IMAGES)])
    dataset, levels = IMAGES[single]
    split = dataset.split(stream(0, "data"))
    stacked = name != single
    train, test = split.train, split.test
    if held_out:
        train, test = np.split(train, [len(train) * 5 // 6])
    noise = stream(0, "data", "noise")

    def part(rows: Array) -> tuple[Array, Array]:
        x, y = split.x[rows, 0], split.y[rows]
        if stacked:
            x, y = stack(x, y, split.classes, noise)
        grey = np.rint(x * (levels - 1))
        return ((grey + noise.random(grey.shape)) / levels).astype(np.float32), y

    return ImageSet(
        *part(train),
        *part(test),
        levels,
        split.classes,
        PARTS if stacked else 1,
    )
