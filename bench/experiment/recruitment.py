"""Who joins a collective: anybody, or people who are alike."""

from functools import lru_cache
from typing import Literal

import numpy as np

from bench.core.random_streams import stream
from bench.datasets.base import Array, Split

Recruitment = Literal["uniform", "class", "group", "distance"]


def enlist(
    split: Split, index: Array, size: float, recruitment: Recruitment, seed: int, *purpose: str
) -> Array:
    r"""The members among the people of an index: the first of one order, whatever the size.

    So collectives of one seed are nested across sizes, and a size is a share of all people.

    uniform: In an order drawn at random.
    class: One class after the other. Which comes first is drawn at random once a seed.
    group: One group after the other, likewise; classes, where the data have no groups.
    distance: Those first who are nearest to a person drawn at random once a seed, by the
        Euclidean distance of points as they are.

    Within a class, a group or a distance the order is the one of "uniform". Classes, groups and
    the person in the middle are the same in training and in validation data.

    Arguments:
        split: Whose people they are.
        index: Rows of the split.
        size: The share of members among the people of the index.
        recruitment: How members are found.
        seed: The seed of all streams.
        purpose: What the people of the index are for, if not for training.
    """
    order = _order(len(index), seed, *purpose)
    if recruitment != "uniform":
        rank = _rank(split, index[order], recruitment, stream(seed, "recruitment"))
        order = order[np.argsort(rank, kind="stable")]
    return order[: round(size * len(index))]


@lru_cache(maxsize=4)
def _order(n: int, seed: int, *purpose: str) -> Array:
    """The order in which n people join, read-only: the same for all trials of a seed."""
    order = stream(seed, "members", *purpose).permutation(n)
    order.flags.writeable = False
    return order


def _rank(split: Split, rows: Array, recruitment: Recruitment, rng: np.random.Generator) -> Array:
    """How early the people on some rows of a split join, (m,): the lowest first."""
    if recruitment == "distance":
        middle = split.x[rng.choice(split.train)]
        apart = (split.x[rows] - middle).reshape(len(rows), -1)
        return np.asarray(np.einsum("ij,ij->i", apart, apart, dtype=np.float64))
    kind = split.group if recruitment == "group" and split.group is not None else split.y
    return np.asarray(rng.permutation(int(kind.max()) + 1)[kind[rows]])
