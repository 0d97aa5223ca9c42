"""How many members are enough, by what a collective can promise itself before anyone acts."""

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.datasets.base import Dataset
from bench.errors import BenchError
from bench.streams import stream
from collectives.base import Array, Strategy
from collectives.sample_bounds import Terms
from collectives.tallies import Tally, tally

#: Signal sets of more points promise nothing that is worth its computation.
MOST = 5_000
#: So many sizes are looked at at once.
STEPS = 5_000


def pilot(dataset: Dataset, strategy: Strategy, seed: int = 0) -> tuple[Array, Array, int]:
    """What the people of a first sample are like: shares at the signal points, and how many."""
    split = dataset.split(stream(seed, "data"))
    signal = strategy.signals[0] if strategy.signals else None
    if signal is None:
        raise BenchError(f"{type(strategy).__name__} has no signal to plan with")
    part, many = split.part(split.train), len(split.train)
    counted = tally(signal, part.x, part.y, split.classes, [many])
    if counted.base.shape[1] > min(MOST, many // 2):
        raise BenchError(
            f"the bound needs a finite signal set, but {signal} moves {many} people of "
            f"{type(dataset).__name__} onto {counted.base.shape[1]} points"
        )
    return counted.base[0] / many, counted.arriving[0] / many, many


def plan(
    dataset: Dataset, strategy: Strategy, success: float, terms: Callable[[int], Terms]
) -> dict[str, Any]:
    """How many members a collective needs, as far as its bound says.

    Arguments:
        dataset: Whose first sample the shares are taken from.
        strategy: What members will do.
        success: The success that they want.
        terms: From the number of people to what is agreed on.

    Returns:
        ``people``; ``members`` and their ``size`` with what is ``promised`` to them; where no
        number is enough, None and the best promise that there is.
    """
    base, arriving, people = pilot(dataset, strategy)

    def at(sizes: Array) -> Array:
        n = sizes[:, None, None]
        found = strategy.guarantee(Tally(sizes, base * n, arriving * n), terms(people))
        if found is None:
            raise BenchError(f"{strategy} can promise itself nothing from its members' own data")
        return found

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
