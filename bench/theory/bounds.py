"""What theory promises a trial's collective, beside what it then measured."""

from collections.abc import Callable
from typing import Any

import numpy as np

from algorithms.base import TrainingSet
from bench.datasets.base import GatheringLaw
from bench.theory.finite_domain import PointIndex, finite_domain
from bench.theory.mixture import Mixture
from collectives.signals.base import Signal
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.types import Array, MemberData, NoBound

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
    own: MemberData | None = None,
) -> dict[str, float]:
    r"""Lower bounds on a trial's success, by how much is known.

    exact: On a finite domain with a known law, or one that knows what its signal gathers, against
        any firm that answers with a likeliest label of the law that it faces: the test points that
        cannot be denied success.
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
                found[name] = trial.strategy.plugin_bound(others, w[~inside], w[inside])
    if own is not None and trial.dataset.law is not None:
        found["sample"] = _sample(trial, own, len(sample), len(test))
    return {name: float(value) for name, value in found.items() if value is not None}


def _exact(sample: TrainingSet, trial: Any, test: Array) -> float | None:
    law, strategy = sample.law, trial.strategy
    if not isinstance(law, Mixture):
        return None
    moved: Callable[[Signal], Array]
    if isinstance(law.base, GatheringLaw) and strategy.evaluation_signal is not None:
        # Whoever has habits wins at signal points, so people count where the signal takes them.
        atoms = PointIndex(strategy.evaluation_signal(test))
        moved, where, joint = atoms.moved, atoms.which, law.joint(atoms.points)
    elif law.support is not None and len(law.support) <= MOST:
        known = finite_domain(law.base)
        atoms = known.reached(strategy.signals)
        moved, where, joint = known.moves(atoms), atoms.base(test), law.at(atoms)
    else:
        return None
    shares = np.bincount(where, minlength=len(atoms) + 1)[:-1, None] / len(test)
    exact_bound = strategy.exact_bound(shares, joint, moved)
    return None if exact_bound is None else float(exact_bound)


def _sample(trial: Any, own: MemberData, people: int, test: int) -> float | None:
    if not 2 <= len(own.y) < people:
        return None
    counts = Counts(own.x, own.y, own.classes, most=FEW)
    try:
        return float(trial.strategy.finite_sample_bound(counts, Terms(people, test))[0])
    except NoBound:
        return None
