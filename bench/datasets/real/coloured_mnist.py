"""ColouredMNIST: digits in a colour that is spurious."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from bench.core.errors import BenchError
from bench.datasets.base import Array, Dataset, Share, Split, split_rows
from bench.datasets.real._images import pool
from bench.datasets.real._pairs import Size
from bench.datasets.real.mnist import MNIST
from bench.datasets.real.mnist5k import MNIST5k
from collectives.signals.base import Signal
from collectives.signals.image import Patch


@dataclass(frozen=True)
class ColouredMNIST(Dataset):
    r"""Digits in two colours that predict the label in training, and its opposite in testing.

    .. math:: \tilde y = 1[\text{digit} \ge 5], \quad P(y \ne \tilde y) = \text{noise}, \quad
        P(\text{colour} \ne y) = e

    with e of the environment. Training and validation rows are from two environments, half of
    them from each; test rows are from a third one. A colour is one of two channels, and the digit
    is in this channel: (2, 28, 28). Groups are environments: 0 and 1, and 2 for test rows.

    References:
        | Invariant Risk Minimization (Arjovsky et al., 2019)
        | https://arxiv.org/abs/1907.02893

    Arguments:
        digits: The source of the digits: the 5,000 that need no file, or all.
        environments: The shares e of the two environments of training.
        tested: The share e of the test rows.
        noise: The share of flipped labels.
        n: The number of training rows; a quarter as many are for validation.
        n_test: The number of test rows.

    Example:
        >>> split = ColouredMNIST(n=200, n_test=100).split(np.random.default_rng(0))
        >>> split.x.shape, split.classes, np.bincount(split.group)
        ((350, 2, 28, 28), 2, array([125, 125, 100]))
    """

    family: ClassVar[str] = "groups"

    digits: Literal["mnist5k", "mnist"] = "mnist5k"
    environments: tuple[Share, Share] = (0.1, 0.2)
    tested: Share = 0.9
    noise: Share = 0.25
    n: Size = 2000
    n_test: Size = 1000

    def split(self, rng: np.random.Generator) -> Split:
        """Draw digits, labels, then colours."""
        sizes = self.n, self.n // 4, self.n_test
        if self.digits == "mnist5k":
            x, digits = MNIST5k.images()
            order = rng.permutation(len(digits))
            parts = split_rows(order, *sizes[:2])
        else:
            arrays = pool(MNIST())
            x, digits = arrays["x"], arrays["y"]
            first, last = (rng.permutation(np.flatnonzero(arrays["train"] == k)) for k in (1, 0))
            parts = *split_rows(first, *sizes[:2])[:2], last
        _check_sizes(sizes, parts)
        rows = np.concatenate([part[:size] for part, size in zip(parts, sizes, strict=True)])
        first_two = np.arange(len(rows)) < sizes[0] + sizes[1]
        group = np.where(first_two, np.arange(len(rows)) % 2, 2)
        share = np.array([*self.environments, self.tested])[group]
        y = (digits[rows] >= 5) ^ (rng.random(len(rows)) < self.noise)
        colour = (y ^ (rng.random(len(rows)) < share)).astype(np.int64)
        points = np.zeros((len(rows), 2, *x.shape[2:]), np.float32)
        points[np.arange(len(rows)), colour] = x[rows, 0]
        return Split(
            points,
            y.astype(np.int64),
            *split_rows(np.arange(len(rows)), *sizes[:2]),
            classes=2,
            group=group,
        )

    def files(self) -> tuple[Path, ...]:
        """Return the files of the digits' dataset."""
        return (MNIST5k() if self.digits == "mnist5k" else MNIST()).files()

    @property
    def signal(self) -> Signal:
        """Two by two bright pixels at the bottom right, in both channels."""
        return Patch(size=2, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """The digits from five."""
        return 1


def _check_sizes(sizes: Sequence[int], parts: Sequence[Array]) -> None:
    for name, size, part in zip(("training", "validation", "test"), sizes, parts, strict=True):
        if size > len(part):
            raise BenchError(f"{size} {name} rows were requested, but there are only {len(part)}")
