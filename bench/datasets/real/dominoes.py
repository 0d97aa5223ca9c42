"""Dominoes: two images one above the other, one of them easy and spurious."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from bench.datasets.base import Array, Dataset, Share, Split
from bench.datasets.real._images import pool
from bench.datasets.real._pairs import (
    Size,
    deal_images,
    divide_images,
    group_counts,
    join_parts,
    two_classes,
)
from bench.datasets.real.cifar10 import CIFAR10
from bench.datasets.real.digits import Digits
from bench.datasets.real.mnist import MNIST
from collectives.signals.base import Signal
from collectives.signals.image import Block, Patch


@dataclass(frozen=True)
class Dominoes(Dataset):
    r"""Two images one above the other: an easy one that goes with the label, and a hard one.

    .. math:: P(\text{top} = y) = \text{aligned in training}, \tfrac12 \text{ in validation and
        test}; \qquad \text{bottom} = y

    The label is the class of the lower image. "mnist-cifar" has MNIST's zeros and ones, with a
    border that makes them 32 pixels high and wide, above CIFAR's automobiles and trucks,
    (3, 64, 32); "digits" has scikit-learn's zeros and ones above its threes and eights,
    (1, 16, 8), and needs no files. No image is in two parts. Where a part has fewer images than
    rows, images are used again in other pairs. Groups are 2 * label + top. The signal is on the
    lower image.

    References:
        | The Pitfalls of Simplicity Bias in Neural Networks (Shah et al., 2020)
        | https://arxiv.org/abs/2006.07710

    Arguments:
        kind: The data sets that the images are from.
        aligned: The share of training rows with an upper image that goes with the label.
        n: The number of training rows; a quarter as many are for validation.
        n_test: The number of test rows.

    Example:
        >>> split = Dominoes(n=40, n_test=20).split(np.random.default_rng(0))
        >>> split.x.shape, np.bincount(split.part(split.train).group)
        ((70, 1, 16, 8), array([19,  1,  1, 19]))
    """

    family: ClassVar[str] = "groups"

    kind: Literal["digits", "mnist-cifar"] = "digits"
    aligned: Share = 0.95
    n: Size = 1000
    n_test: Size = 1000

    def split(self, rng: np.random.Generator) -> Split:
        """Draw upper and lower images, then join them."""
        parts, sizes = [], (self.n, self.n // 4, self.n_test)
        tops, bottoms = (divide_images(*images, rng) for images in self._halves())
        for k, (size, aligned) in enumerate(zip(sizes, (self.aligned, 0.5, 0.5), strict=True)):
            counts = group_counts((size - size // 2, size // 2), aligned)
            y, top = np.repeat([0, 0, 1, 1], counts), np.repeat([0, 1, 0, 1], counts)
            upper, lower = deal_images(tops[k], top, rng), deal_images(bottoms[k], y, rng)
            parts.append((np.concatenate([upper, lower], axis=2), y, 2 * y + top))
        return join_parts(parts, rng)

    def files(self) -> tuple[Path, ...]:
        """Return the files of MNIST and of CIFAR-10, if they are needed."""
        return () if self.kind == "digits" else (*MNIST().files(), *CIFAR10().files())

    def _halves(self) -> tuple[tuple[Array, Array, Array | None], ...]:
        """Return images, kinds (-1: neither) and the official training part of each half."""
        if self.kind == "digits":
            x, y = Digits.images()
            return tuple((x, two_classes(y, pair), None) for pair in ((0, 1), (3, 8)))
        digits, photographs = pool(MNIST()), pool(CIFAR10())
        high = _bordered(files=MNIST().files())
        return (
            (high, two_classes(digits["y"], (0, 1)), digits["train"]),
            (photographs["x"], two_classes(photographs["y"], (1, 9)), photographs["train"]),
        )

    @property
    def signal(self) -> Signal:
        """Two by two bright pixels in a corner of the lower image."""
        return Block(Patch(size=2, value=1.0, corner="bottom-right"), half="bottom")

    @property
    def label(self) -> int:
        """The second class."""
        return 1


@functools.lru_cache(maxsize=1)
def _bordered(files: tuple[Path, ...]) -> Array:
    """Return MNIST's zeros and ones as (N, 3, 32, 32); other digits are black."""
    arrays = pool(MNIST())
    x = np.zeros((len(arrays["y"]), 1, 32, 32), np.float32)
    rows = arrays["y"] < 2
    x[rows, :, 2:30, 2:30] = arrays["x"][rows]
    return np.broadcast_to(x, (len(x), 3, 32, 32))
