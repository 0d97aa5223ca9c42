"""What theory promises a trial's collective, beside what it then measured."""

from typing import Any

import numpy as np

from algorithms.base import TrainingSet
from bench.mixture import Mixture
from bench.places import ground
from collectives.base import Array, Pooled
from collectives.sample_bounds import Terms
from collectives.tallies import Tally, tally

#: More points than this are not looked at one by one.
MOST = 2**13
#: Signal sets of more points promise next to nothing to members who count them.
FEW = 100


def promises(
    trial: Any,
    sample: TrainingSet,
    members: Array,
    weights: Array | None,
    test: Array,
    own: Pooled | None = None,
) -> dict[str, float]:
    r"""Lower bounds on a trial's success, by how much is known.

    exact: On a finite domain with a known law, against any firm that answers with a likeliest
        label of the law that it faces: the test points that cannot be denied success.
    sample: On data whose law is known, and whose signal set is small: what members could promise
        themselves from their own rows, at a confidence of 95 %, against an optimal firm.
    plugin: What the strategy estimates from the rows that firm and members have; no guarantee.
    weighted: The same estimate with the weights that the learner gave to these rows.

    Arguments:
        trial: The trial.
        sample: What the firm trains on.
        members: Who is in the collective.
        weights: What the learner made of each row, if it re-weights.
        test: The test points.
        own: The members' rows before they acted.
    """
    found = {"exact": _exact(sample, trial, test)}
    if len(members):
        inside = np.zeros(len(sample), dtype=bool)
        inside[members] = True
        others = sample.x[~inside]
        for name, w in (("plugin", np.ones(len(sample))), ("weighted", weights)):
            if w is not None:
                found[name] = trial.strategy.estimate(others, w[~inside], w[inside])
    if own is not None and trial.dataset.law is not None:
        found["sample"] = _sample(trial, own, len(sample), len(test))
    return {name: float(value) for name, value in found.items() if value is not None}


def _exact(sample: TrainingSet, trial: Any, test: Array) -> float | None:
    law = sample.law
    if not isinstance(law, Mixture) or law.support is None or len(law.support) > MOST:
        return None
    known = ground(law.base)
    atoms = known.reached(trial.strategy.signals)
    shares = np.bincount(atoms.of(test), minlength=len(atoms) + 1)[:-1, None] / len(test)
    promise = trial.strategy.promise(shares, law.at(atoms), known.moves(atoms))
    return None if promise is None else float(promise)


def _sample(trial: Any, own: Pooled, people: int, test: int) -> float | None:
    signals, members = trial.strategy.signals, len(own.y)
    if not signals or not 2 <= members < people:
        return None
    asked = min(getattr(trial.strategy, "asked", members), (members + 1) // 2)
    counted = tally(signals[0], own.x, own.y, own.classes, [asked, members])
    if counted.base.shape[1] > min(FEW, members // 2):
        return None
    survey, data = (
        Tally(counted.people[t], counted.base[t], counted.arriving[t])
        for t in (slice(0, 1), slice(1, 2))
    )
    bound = trial.strategy.guarantee(data, Terms(people, test), survey)
    return None if bound is None else float(bound[0])
