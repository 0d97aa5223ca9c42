"""How many members are enough, by what a collective can promise itself before anyone acts."""

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

#: So many sizes are looked at in all, and so many numbers at once.
STEPS, ROOM = 5_000, 2**21


def pilot(dataset: Dataset, seed: int = 0) -> Counts:
    """What the people of a first sample are like, to be counted."""
    split = dataset.split(stream(seed, "data"))
    part = split.part(split.train)
    return Counts(part.x, part.y, split.classes)


def plan(
    dataset: Dataset, strategy: Strategy, success: float, terms: Callable[[int], Terms]
) -> dict[str, Any]:
    """How many members a collective needs, as far as its bound says.

    The shares of a first sample stand for those that members will find among themselves. Being
    everybody's, they are nearer to the law than the bound allows for, by the root of N over n:
    that is room for choosing the best of all numbers n by the same sample.

    Arguments:
        dataset: Whose first sample the shares are taken from.
        strategy: What members will do.
        success: The success that they want.
        terms: From the number of people to what is agreed on.

    Returns:
        ``people``; ``members`` and their ``size`` with what is ``promised`` to them; where no
        number is enough, None and the best promise that there is.

    Raises:
        BenchError: If the strategy has no bound, or none on these data.
    """
    known = pilot(dataset)
    people = len(known.y)
    if strategy.learns:
        strategy = strategy.bind(MemberData(known.x, known.y, known.classes))

    def some(sizes: Array) -> Array:
        return strategy.finite_sample_bound(replace(known, people=sizes), terms(people))

    def at(sizes: Array) -> Array:
        try:
            found = [some(sizes[:1])]
            points = max(made.base[0].size for made, _ in known.seen.values())
            step = max(ROOM // points, 1)
            found += [some(sizes[i : i + step]) for i in range(1, len(sizes), step)]
        except NoBound as why:
            raise BenchError(f"{type(dataset).__name__}: {why}") from None
        return np.concatenate(found)

    # A collective of one asks nobody, and one of everybody leaves nobody to be unsure of.
    coarse = np.unique(np.linspace(2, people - 1, STEPS).astype(np.int64))
    found = at(coarse)
    reached = np.flatnonzero(found >= success)
    if not len(reached):
        best = int(found.argmax())
        return {"people": people, "members": None, "size": None, "promised": float(found[best])}
    last = int(coarse[reached[0]])
    fine = np.arange(int(coarse[max(reached[0] - 1, 0)]), last + 1)
    promises = at(fine)
    first = int(np.flatnonzero(promises >= success)[0])
    members = int(fine[first])
    return {
        "people": people,
        "members": members,
        "size": members / people,
        "promised": float(promises[first]),
    }
