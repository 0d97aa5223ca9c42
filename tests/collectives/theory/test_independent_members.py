"""Bounds for members who act on their own, against loops and enumeration."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from collectives.adaptive import Adaptive
from collectives.base import Strategy
from collectives.erasing import Erase
from collectives.idle import Idle
from collectives.size_aware import SizeAware
from collectives.theory import independent_members
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.types import Array, MemberData
from tests.helpers.three_bits import (
    BIT,
    KNOWN,
    LOOSE,
    MOVED,
    ONLY,
    PLANT,
    POINTS,
    at_most,
    bernstein,
    drawn,
    guaranteed,
    index,
    law,
    r,
)


def literal(strategy: Strategy, x: Array, y: Array, label: int, terms: Terms) -> float:
    """The bound of planting as it is written down: a loop over points, labels and people."""
    n, big = len(y), terms.people
    signals = sorted({MOVED[p] for p in x})
    small = terms.delta / (2 + 4 * len(signals) * 2)
    ways = strategy.action_distribution(POINTS[x], y, pooled=MemberData(POINTS[x], y, 3), n=big)
    won = 0.0
    for z in signals:
        sure = True
        for rival in set(range(3)) - {label}:
            votes, against = (
                (1 - n / big) * ((y == k) & (x == z))
                + n / big * sum(p * ((told == k) & (index(at) == z)) for p, at, told in ways)
                for k in (label, rival)
            )
            lead = float((votes - against).mean())
            own = bernstein(small, n, at_most(small, n, float(((votes - against) ** 2).mean())))
            firm = bernstein(small, big, at_most(small, n, float((votes + against).mean())))
            sure &= lead > own + firm + terms.lead
        won += sure * float((MOVED[x] == z).mean())
    return max(won - r(small, n) - r(small, terms.test), 0.0)


@pytest.mark.parametrize("strategy", KNOWN[:2] + KNOWN[3:9], ids=str)
def test_planting_says_what_a_loop_over_people_says(strategy: Strategy) -> None:
    told = []
    for seed in range(12):
        joint, rng = law(seed)
        n, big = int(rng.choice([400, 1500, 5000])), 6000
        x, y = drawn(joint, n, rng)
        terms = Terms(big, 10**6, delta=0.5, error=float(rng.choice([0.0, 0.02])))
        found = guaranteed(strategy, x, y, terms)
        assert found == pytest.approx(literal(strategy, x, y, 1, terms), abs=1e-12)
        told.append(found)
    assert any(told) or isinstance(strategy, Idle)


def test_many_sizes_at_once_say_what_each_says() -> None:
    joint, rng = law(2)
    x, y = drawn(joint, 3000, rng)
    sizes, terms, told = np.array([1000, 3000, 2000]), Terms(3500, 10**6, delta=0.9), []
    for strategy in [ONLY, *KNOWN[4:5], *LOOSE, SizeAware(ONLY), Adaptive(ONLY), Erase(BIT)]:
        counts = Counts(POINTS[x], y, 3)
        together = strategy.bounds.finite_sample(replace(counts, people=sizes), terms)
        assert together[1] == pytest.approx(strategy.bounds.finite_sample(counts, terms)[0])
        one = [
            strategy.bounds.finite_sample(replace(counts, people=sizes[t : t + 1]), terms)[0]
            for t in (0, 2)
        ]
        assert together[[0, 2]] == pytest.approx(one)
        told.append(together.any())
    assert sum(told) > 5


def test_the_budget_relaxation_bounds_the_best_choice() -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        mass, cost = rng.dirichlet(np.ones(5)), rng.normal(0.1, 0.2, size=5)
        budget = rng.random() / 2
        best = max(
            sum(mass[i] for i in some)
            for k in range(6)
            for some in itertools.combinations(np.flatnonzero(cost > 0), k)
            if sum(cost[i] for i in some) <= budget
        )
        found = independent_members._reversible_mass(mass[None], cost[None], np.array([budget]))[0]
        assert best - 1e-12 <= found <= best + mass.max()


def test_one_round_of_adapting_is_promised_what_acting_is() -> None:
    joint, rng = law(0)
    x, y = drawn(joint, 2000, rng)
    terms = Terms(4000, 10**6, delta=0.5)
    one, more = (guaranteed(Adaptive(PLANT, rounds=k), x, y, terms) for k in (1, 3))
    assert one == guaranteed(PLANT, x, y, terms) > more > 0
