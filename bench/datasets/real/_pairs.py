"""Pairs of images: a feature that goes with the label beside a feature that is the label."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from annotated_types import Ge

from bench.core.errors import BenchError
from bench.datasets.base import Array, Split, split_rows

Size = Annotated[int, Ge(1)]
#: Images, and the rows of each of two kinds.
Stock = tuple[Array, tuple[Array, Array]]


def two_classes(y: Array, pair: Sequence[int]) -> Array:
    """Return which of two classes each label is; -1 for any other."""
    return np.select([y == pair[0], y == pair[1]], [0, 1], -1)


def group_counts(classes: Sequence[int], aligned: float) -> list[int]:
    """Return the numbers of rows in groups 2 * label + feature.

    Arguments:
        classes: The numbers of rows with labels 0 and 1.
        aligned: The share of them with the feature that goes with the label.
    """
    same = [round(aligned * size) for size in classes]
    return [same[0], int(classes[0]) - same[0], int(classes[1]) - same[1], same[1]]


def divide_images(
    x: Array, kind: Array, train: Array | None, rng: np.random.Generator
) -> list[Stock]:
    """Divide images into stocks for training, validation and testing.

    The test stock is the official test part, or a quarter where there is none; a fifth of the
    other images is for validation.

    Arguments:
        x: Images, (N, ...).
        kind: The kind of each image, 0 or 1, or -1 for images that are left out, (N,).
        train: True for images of the official training part, (N,), if there is one.
        rng: The generator of the division.

    Raises:
        BenchError: If a stock has no image of one kind.
    """
    stocks: list[list[Array]] = [[], [], []]
    for k in (0, 1):
        rows = rng.permutation(np.flatnonzero(kind == k))
        if train is None:
            first, last = np.split(rows, [len(rows) * 3 // 4])
        else:
            first, last = rows[train[rows]], rows[~train[rows]]
        fifth = len(first) // 5
        for stock, part in zip(stocks, (first[fifth:], first[:fifth], last), strict=True):
            if not len(part):
                raise BenchError("a part has no image of one kind: the files have too few images")
            stock.append(part)
    return [(x, (zero, one)) for zero, one in stocks]


def deal_images(stock: Stock, kind: Array, rng: np.random.Generator) -> Array:
    """Return an image of a kind for each row, (n, ...); none is reused before all are used.

    Arguments:
        stock: The images, and the rows of each kind.
        kind: The kind of each image, 0 or 1, (n,).
        rng: The generator.
    """
    x, rows = stock
    chosen = np.empty(len(kind), np.int64)
    for k in (0, 1):
        where = np.flatnonzero(kind == k)
        chosen[where] = rng.permutation(np.resize(rng.permutation(rows[k]), len(where)))
    return x[chosen]


def join_parts(parts: Sequence[tuple[Array, Array, Array]], rng: np.random.Generator) -> Split:
    """Return the split of three parts (points, labels, groups), each shuffled."""
    orders = [rng.permutation(len(y)) for _, y, _ in parts]
    x, y, group = (
        np.concatenate([part[k][order] for part, order in zip(parts, orders, strict=True)])
        for k in range(3)
    )
    rows = split_rows(np.arange(len(y)), len(orders[0]), len(orders[1]))
    x, y = x.astype(np.float32, copy=False), y.astype(np.int64)
    return Split(x, y, *rows, classes=2, group=group)
