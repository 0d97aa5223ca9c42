"""Bounds of a trial: lower bounds on the success of its collective."""

from typing import Any

import numpy as np

from algorithms.base import TrainingSet
from bench.datasets.base import GatheringLaw
from bench.theory.finite_domain import PointIndex, finite_domain
from bench.theory.mixture import Mixture
from collectives.theory.bounds import ImageOf
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.types import Array, MemberData, NoBound

#: The largest number of points of a finite domain for exact bounds.
MOST_POINTS = 2**13
#: The largest number of signal points for finite-sample bounds; more make them nearly empty.
MOST_SIGNAL_POINTS = 100


def trial_bounds(
    trial: Any,
    sample: TrainingSet,
    members: Array,
    weights: Array | None,
    test: Array,
    member_data: MemberData | None = None,
) -> dict[str, float]:
    r"""Return lower bounds on a trial's success, by the knowledge that they need.

    - exact: On a finite domain with a known law, or one that gathers mass by signal: against every
      firm that predicts a most likely label of its law. It holds for these very test points.
    - sample: On data with a known law and a small signal set: the bound from members' own rows, at
      a confidence of 95 %, against every firm that is optimal for its training set.
    - plugin: The strategy's estimate from the training set; no guarantee.
    - weighted: The same estimate with the weights that the learner gave to the rows.

    Arguments:
        trial: The trial.
        sample: The firm's training set, n rows.
        members: The indices of the members' rows, (m,).
        weights: The learner's weight of each row, (n,), if it re-weights.
        test: The test points, (n_test, ...).
        member_data: The members' rows before they acted.
    """
    bounds = trial.strategy.bounds
    values: dict[str, float | None] = {"exact": _exact(sample, trial, test)}
    if len(members):
        inside = np.zeros(len(sample), dtype=bool)
        inside[members] = True
        others = sample.x[~inside]
        for name, w in (("plugin", np.ones(len(sample))), ("weighted", weights)):
            if w is not None:
                values[name] = bounds.plugin(others, w[~inside], w[inside], sample.classes)
    if member_data is not None and trial.dataset.law is not None:
        values["sample"] = _sample(trial, member_data, len(sample), len(test))
    return {name: float(value) for name, value in values.items() if value is not None}


def _exact(sample: TrainingSet, trial: Any, test: Array) -> float | None:
    law, strategy = sample.law, trial.strategy
    if not isinstance(law, Mixture):
        return None
    bounds = strategy.bounds
    image_of: ImageOf
    if isinstance(law.base, GatheringLaw) and bounds.signal is not None:
        # With a label policy only signal points decide, so each person counts at its image.
        atoms = PointIndex(bounds.signal(test))
        image_of, test_atoms, joint = atoms.images, atoms.inverse, law.joint(atoms.points)
    elif law.support is not None and len(law.support) <= MOST_POINTS:
        domain = finite_domain(law.base)
        atoms = domain.with_images(strategy.signals)
        image_of, test_atoms, joint = (
            domain.image_map(atoms),
            atoms.find(test),
            law.joint_at(atoms),
        )
    else:
        return None
    shares = np.bincount(test_atoms, minlength=len(atoms) + 1)[:-1, None] / len(test)
    bound = bounds.exact(shares, joint, image_of)
    return None if bound is None else float(bound)


def _sample(trial: Any, member_data: MemberData, people: int, test: int) -> float | None:
    if not 2 <= len(member_data.y) < people:
        return None
    counts = Counts(member_data.x, member_data.y, member_data.classes, most=MOST_SIGNAL_POINTS)
    try:
        return float(trial.strategy.bounds.finite_sample(counts, Terms(people, test))[0])
    except NoBound:
        return None
