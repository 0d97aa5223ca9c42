"""Clothes in front of photographs of land or water."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

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
from bench.datasets.real.fashion_mnist import FashionMNIST
from collectives.signals.base import Signal
from collectives.signals.image import Patch

Four = tuple[Size, Size, Size, Size]
Classes = tuple[int, ...]


@dataclass(frozen=True)
class Backgrounds(Dataset):
    r"""Clothes on land or on water: the task of Waterbirds, made of public images.

    .. math:: x = a \odot a + (1 - a) \odot b, \qquad P(\text{place of } b = y) = \text{aligned}

    with a the grey item, its intensity as its opacity, and b a photograph of a place: CIFAR's
    deer for land (0), ships for water (1). The classes ``one`` of Fashion-MNIST have label 0, the
    classes ``other`` label 1. In validation and test rows each label has both places equally
    often. No item and no photograph is in two parts. Where a part has fewer images than rows,
    images are used again in other pairs. Groups are 2 * label + place, in Waterbirds' order (land
    on land, land on water, water on land, water on water), and their default counts are
    Waterbirds'.

    References:
        | Distributionally Robust Neural Networks for Group Shifts (Sagawa et al., 2020)
        | https://arxiv.org/abs/1911.08731

    Arguments:
        counts: The number of training rows in each group.
        aligned: The share of training rows with a place that goes with the label; if None, the
            share in the counts, about 95 % by default.
        n: The number of training rows, to which the counts are scaled; the sum of the counts, if
            None. A quarter as many are for validation.
        n_test: The number of test rows.
        one: The classes of items under label 0.
        other: The classes of items under label 1.
    """

    family: ClassVar[str] = "groups"

    counts: Four = (3498, 184, 56, 1057)
    aligned: Share | None = None
    n: Size | None = None
    n_test: Size = 2000
    one: Classes = (2, 3, 4)
    other: Classes = (0, 6)

    def split(self, rng: np.random.Generator) -> Split:
        """Draw items and places, then blend them."""
        counts = np.array(self.counts)
        if self.n is not None:
            counts = _scaled_counts(counts, self.n)
        classes = counts[:2].sum(), counts[2:].sum()
        if self.aligned is not None:
            counts = np.array(group_counts(classes, self.aligned))
        rest = [_class_sizes(classes, size) for size in (counts.sum() // 4, self.n_test)]
        plans = [counts, *(np.array(group_counts(both, 0.5)) for both in rest)]
        fashion, photographs = pool(FashionMNIST()), pool(CIFAR10())
        kinds = np.full(10, -1)
        kinds[list(self.one)], kinds[list(self.other)] = 0, 1
        items = divide_images(fashion["x"], kinds[fashion["y"]], fashion["train"], rng)
        places = two_classes(photographs["y"], (4, 8))
        backgrounds = divide_images(photographs["x"], places, photographs["train"], rng)
        parts = []
        for plan, clothes, land_or_water in zip(plans, items, backgrounds, strict=True):
            y, place = np.repeat([0, 0, 1, 1], plan), np.repeat([0, 1, 0, 1], plan)
            a = np.zeros((len(y), 1, 32, 32), np.float32)
            a[:, :, 2:30, 2:30] = deal_images(clothes, y, rng)
            b = deal_images(land_or_water, place, rng)
            parts.append((a * a + (1 - a) * b, y, 2 * y + place))
        return join_parts(parts, rng)

    def validate(self) -> None:
        """Raise a ValueError for too few rows, and for classes that are unknown or named twice."""
        if self.n is not None and self.n < 4:
            raise ValueError(f"n={self.n}, but each of the four groups needs a row")
        chosen = [*self.one, *self.other]
        if not (self.one and self.other and set(chosen) <= set(range(10))):
            raise ValueError(f"one={self.one}, other={self.other}: allowed are classes 0 to 9")
        if len(set(chosen)) < len(chosen):
            raise ValueError(f"one={self.one}, other={self.other} name a class twice")

    def files(self) -> tuple[Path, ...]:
        """Return the files of Fashion-MNIST and of CIFAR-10."""
        return *FashionMNIST().files(), *CIFAR10().files()

    @property
    def signal(self) -> Signal:
        """Three by three white pixels at the bottom right."""
        return Patch(size=3, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """The classes ``other``."""
        return 1


def _scaled_counts(counts: Array, total: int) -> Array:
    """Return counts in the same proportion with another total, each of them at least one.

    Counts are rounded; the rest goes to the counts that rounding changed most.

    Arguments:
        counts: The counts, (G,).
        total: The sum of the result.

    Example:
        >>> _scaled_counts(np.array([3498, 184, 56, 1057]), 300)
        array([219,  12,   3,  66])
    """
    share = counts * (total / counts.sum())
    scaled = np.maximum(np.round(share), 1).astype(np.int64)
    while missing := int(total - scaled.sum()):
        step = 1 if missing > 0 else -1
        scaled[np.argmax(np.where(scaled + step > 0, step * (share - scaled), -np.inf))] += step
    return scaled


def _class_sizes(classes: Sequence[int], total: int) -> tuple[int, int]:
    """Divide a total in the proportion of two classes."""
    first = round(total * int(classes[0]) / int(sum(classes)))
    return first, int(total) - first
