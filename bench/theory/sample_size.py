"""Sample size: the number of members that a finite-sample bound asks for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.base import Dataset
from collectives.base import Strategy
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.types import Array, MemberData, NoBound

#: The number of sizes in the coarse search.
COARSE_SIZES = 5_000
#: The largest number of counts that are computed at once.
MOST_COUNTS = 2**21


def pilot(dataset: Dataset, seed: int = 0) -> Counts:
    """Return the rows of the training set of a first sample, to be counted."""
    split = dataset.split(stream(seed, "data"))
    part = split.part(split.train)
    return Counts(part.x, part.y, split.classes)


def plan(
    dataset: Dataset, strategy: Strategy, success: float, terms: Callable[[int], Terms]
) -> dict[str, Any]:
    """Return the number of members from which the finite-sample bound promises a success.

    The shares of a first sample stand for those that members will find among themselves. That
    sample has N rows, so its shares are more precise than the bound allows for, by the root of
    N / n. This leaves room for choosing the best number n by the same sample.

    Arguments:
        dataset: The dataset of whose first sample the shares are.
        strategy: The members' strategy.
        success: The success that they want.
        terms: A function from the number of people to the terms of the bound.

    Returns:
        ``people``; ``members``, their ``size`` and the success ``promised`` to them. If no number
        is enough, ``members`` and ``size`` are None, and ``promised`` is the best bound of all.

    Raises:
        BenchError: If the strategy has no bound, or none on these data.
    """
    counts = pilot(dataset)
    people = len(counts.y)
    if strategy.learns:
        strategy = strategy.bind(MemberData(counts.x, counts.y, counts.classes))
    bounds = strategy.bounds

    def chunk(sizes: Array) -> Array:
        return bounds.finite_sample(replace(counts, people=sizes), terms(people))

    def bounds_at(sizes: Array) -> Array:
        try:
            parts = [chunk(sizes[:1])]
            points = max(made.base[0].size for made, _ in counts.cache.values())
            step = max(MOST_COUNTS // points, 1)
            parts += [chunk(sizes[i : i + step]) for i in range(1, len(sizes), step)]
        except NoBound as why:
            raise BenchError(f"{type(dataset).__name__}: {why}") from None
        return np.concatenate(parts)

    # Two members at least, so that unplanting has a survey and a rest, and one other person.
    coarse = np.unique(np.linspace(2, people - 1, COARSE_SIZES).astype(np.int64))
    promised = bounds_at(coarse)
    # A bound of zero promises nothing, not even to members who want nothing.
    enough = np.flatnonzero((promised >= success) & (promised > 0))
    if not len(enough):
        best = float(promised[int(promised.argmax())])
        return {"people": people, "members": None, "size": None, "promised": best}
    last = int(coarse[enough[0]])
    fine = np.arange(int(coarse[max(enough[0] - 1, 0)]), last + 1)
    promised = bounds_at(fine)
    first = int(np.flatnonzero((promised >= success) & (promised > 0))[0])
    members = int(fine[first])
    return {
        "people": people,
        "members": members,
        "size": members / people,
        "promised": float(promised[first]),
    }
