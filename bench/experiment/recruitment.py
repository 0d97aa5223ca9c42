"""Recruitment: the choice of members, at random or by what they have in common."""

from functools import lru_cache
from typing import Literal

import numpy as np

from bench.core.random_streams import stream
from bench.datasets.base import Array, Split

Recruitment = Literal["uniform", "class", "group", "distance"]


def enlist(
    split: Split, index: Array, size: float, recruitment: Recruitment, seed: int, *purpose: str
) -> Array:
    r"""Choose members among some rows of a split.

    Members are the first rows of one order, which does not depend on the size. So collectives of
    one seed are nested across sizes, and a size is a share of all rows.

    - "uniform": The order is drawn at random.
    - "class": Classes come one after the other, in an order that is drawn at random once a seed.
    - "group": Groups come one after the other, likewise; classes, where the data have no groups.
    - "distance": Rows come by their Euclidean distance, in the data's own units, from a row that
      is drawn at random once a seed.

    Within a class, a group or a distance the order is that of "uniform". The order of classes and
    groups and the row in the middle are the same in training and in validation data.

    Arguments:
        split: The split.
        index: The rows of the split to choose from, (n,).
        size: The share of members among them.
        recruitment: The rule of the order.
        seed: The seed of all random streams.
        purpose: The use of these rows, if it is not training: it names the random streams.

    Returns:
        Positions in the index, (m,).
    """
    order = _order(len(index), seed, *purpose)
    if recruitment != "uniform":
        rank = _rank(split, index[order], recruitment, stream(seed, "recruitment"))
        order = order[np.argsort(rank, kind="stable")]
    return order[: round(size * len(index))]


@lru_cache(maxsize=4)
def _order(n: int, seed: int, *purpose: str) -> Array:
    """Return the order in which n rows join, read-only: all trials of a seed share it."""
    order = stream(seed, "members", *purpose).permutation(n)
    order.flags.writeable = False
    return order


def _rank(split: Split, rows: Array, recruitment: Recruitment, rng: np.random.Generator) -> Array:
    """Return the rank at which rows of a split join, (m,): the lowest first."""
    if recruitment == "distance":
        middle = split.x[rng.choice(split.train)]
        offset = (split.x[rows] - middle).reshape(len(rows), -1)
        return np.asarray(np.einsum("ij,ij->i", offset, offset, dtype=np.float64))
    kind = split.group if recruitment == "group" and split.group is not None else split.y
    return np.asarray(rng.permutation(int(kind.max()) + 1)[kind[rows]])
