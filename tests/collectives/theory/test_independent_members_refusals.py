"""Strategies, signals and counts without a bound for members who act on their own."""

import numpy as np
import pytest

from collectives.adaptive import Adaptive
from collectives.base import Strategy
from collectives.coordination_noise import Noisy
from collectives.data_strikes import Contribute, Strike
from collectives.erasing import Erase
from collectives.multiple_collectives import Several
from collectives.planting import FeatureLabel, FeatureOnly
from collectives.relabelling import MinorityRelabel
from collectives.signals.tabular import Offset
from collectives.size_aware import SizeAware
from collectives.theory import independent_members
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.types import NoBound
from collectives.unplanting import Unplant
from tests.helpers.three_bits import (
    BIT,
    LOW,
    ONLY,
    PLANT,
    PLUS,
    POINTS,
    drawn,
    firm,
    guaranteed,
    law,
    left,
)


@pytest.mark.parametrize(
    ("strategy", "why"),
    [
        (Strike(1), "copy rows of each other"),
        (Contribute(1), "copy rows of each other"),
        (MinorityRelabel(BIT, 1), "gap between the rates"),
        (Noisy(Erase(BIT)), "members of Erase do not"),
        (Noisy(Noisy(Unplant(BIT, 1))), "members of Unplant do not"),
        (Several((Erase(BIT), PLANT), judged=0), "members of Erase do not"),
        (Several((PLANT, FeatureLabel(LOW, 1))), "judge one of them"),
        (Noisy(Several((PLANT, FeatureLabel(BIT, 0)))), "judge one of its parts"),
        (SizeAware(PLANT, strengths=(0.5, 1.0)), "strengths below 1"),
        (SizeAware(Erase(BIT)), "Erase"),
        (Adaptive(Noisy(PLANT, dropout=0.1)), "members act at random"),
        (Adaptive(Unplant(BIT, 1)), "Unplant"),
    ],
    ids=str,
)
def test_a_strategy_without_a_bound_says_why(strategy: Strategy, why: str) -> None:
    joint, rng = law(0)
    x, y = drawn(joint, 100, rng)
    with pytest.raises(NoBound, match=why):
        guaranteed(strategy, x, y, Terms(200, 100))


@pytest.mark.parametrize(
    "strategy",
    [
        PLUS,
        Noisy(PLUS, dropout=0.1),
        Several((PLUS, FeatureLabel(BIT, 2)), (0.9, 0.1), judged=0),
        Several((PLUS, Erase(BIT)), (0.99, 0.01), judged=0),
        SizeAware(PLUS, shares=(1.0,)),
        Adaptive(PLUS),
    ],
    ids=str,
)
def test_who_can_only_move_to_others_points_needs_one_of_them(strategy: Strategy) -> None:
    # Six in ten speak against it; they go only if somebody is off the signal set.
    rng = np.random.default_rng(0)
    people, n = 100_000, 90_000
    x, y = np.full(people, 7), (rng.random(people) < 0.4).astype(int)
    terms = Terms(people, 10**6)
    assert left(strategy, firm(x, y, n, PLUS, rng), x) == 0
    with pytest.raises(NoBound, match="all members carry the signal"):
        guaranteed(strategy, x[:n], y[:n], terms)
    with pytest.raises(NoBound, match="all members carry the signal"):
        strategy.bounds.finite_sample(Counts(POINTS[x], y, 3, people=np.array([2, 777, n])), terms)
    x[:9] = 6
    assert left(strategy, firm(x, y, n, PLUS, rng), x) == 1
    assert guaranteed(strategy, x[:n], y[:n], terms) > 0.5
    # Where it is one in 10,000, fewer are expected to know of nobody.
    some = Counts(POINTS[x[:n]], y[:n], 3, people=np.array([9_990, 10_010]))
    few, many = strategy.bounds.finite_sample(some, Terms(11_000, 10**6))
    assert few == 0 < many


def test_signals_that_move_their_own_points_are_refused() -> None:
    joint, rng = law(0)
    x, y = drawn(joint, 100, rng)
    away = Offset()
    for strategy in (FeatureLabel(away, 1), FeatureOnly(away, 1), Erase(away), Unplant(away, 1)):
        with pytest.raises(NoBound, match="idempotent"):
            guaranteed(strategy, x, y, Terms(200, 100))


def test_too_many_points_or_people_are_refused() -> None:
    x = np.arange(100, dtype=np.float32)[:, None] + np.zeros((1, 2), np.float32)
    counts = Counts(x, np.zeros(100, int), 2)
    with pytest.raises(NoBound, match="finite signal set"):
        counts.at(BIT)
    with pytest.raises(NoBound, match="looks at all points"):
        counts.everywhere(BIT)
    joint, rng = law(0)
    rows = drawn(joint, 100, rng)
    with pytest.raises(ValueError, match=r"needs 1\.\.99"):
        guaranteed(ONLY, *rows, Terms(100, 100))
    data, _ = Counts(POINTS[rows[0]], rows[1], 3).everywhere(BIT)
    back = np.arange(data.base.shape[1])[::-1]
    with pytest.raises(ValueError, match="idempotent"):
        independent_members.erasing(data, back, Terms(200, 100))
