"""Signals that are learnt: against another solver, and against shifts drawn at random."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_rel
from sklearn.linear_model import LogisticRegression as Estimator

from algorithms.empirical_bayes import EmpiricalBayes
from algorithms.erm import ERM
from algorithms.logistic_regression import LogisticRegression
from bench.core.random_streams import stream
from bench.datasets.real.digits import Digits
from bench.datasets.synthetic.coins import Coins
from bench.datasets.synthetic.gaussians import Gaussians
from bench.experiment.run import run_trials
from bench.experiment.setup import SeedContext
from bench.experiment.trial import Trial
from collectives.coordination_noise import Noisy
from collectives.planting import FeatureLabel, FeatureOnly
from collectives.signals.learned import Learned, Shift
from collectives.signals.tabular import Offset
from collectives.types import Array, MemberData
from collectives.unplanting import Unplant


def people(seed: int = 0, n: int = 150) -> MemberData:
    """Three classes in five columns, that vary unlike each other."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5)) * [2, 1, 0.5, 0.25, 0]
    y = np.argmax(x[:, :3] + rng.normal(size=(n, 3)), axis=1)
    return MemberData(np.float32(x), y, 3)


def failure(amounts: Any, known: MemberData, label: int, size: float) -> float:
    """The loss at planted points of a model that was trained with some, by scikit-learn."""
    n = len(known.y)
    x = np.float64(known.x)
    moved = x + np.array(amounts)
    w = np.repeat([1 - size, size], n)
    both = np.concatenate([x, moved]), np.concatenate([known.y, np.full(n, label)])
    firm = Estimator(tol=1e-9, max_iter=5000).fit(*both, w)
    return float(-firm.predict_log_proba(moved)[:, label].mean())


@pytest.mark.parametrize(("seed", "size"), [(0, 0.02), (1, 0.2)])
def test_no_other_shift_of_that_length_is_easier_to_teach(seed: int, size: float) -> None:
    known, rng = people(seed), np.random.default_rng(seed)
    learnt = np.array(Learned(budget=0.6, size=size).learn(known, 1).amounts)
    assert np.linalg.norm(learnt) == pytest.approx(0.6)
    best = failure(learnt, known, 1, size)
    for spread in (0.01, 0.1, 10.0):
        for _ in range(8):
            other = learnt + spread * 0.6 * rng.normal(size=5)
            other *= 0.6 / np.linalg.norm(other)
            assert best <= failure(other, known, 1, size) + 1e-4


def test_where_it_begins_makes_no_difference() -> None:
    first, second = (Learned(seed=seed).learn(people(), 0) for seed in (0, 1))
    told = [failure(s.amounts, people(), 0, 0.05) for s in (first, second)]
    assert told[0] == pytest.approx(told[1], abs=1e-3)


def test_it_respects_its_columns_and_number_of_people() -> None:
    known = people()
    learnt = Learned(columns=(1, -2, 3), rows=50).learn(known, 2)
    assert np.flatnonzero(learnt.amounts).tolist() == [1, 3]
    other = replace(known, x=known.x.copy())
    other.x[50:] = 7
    assert Learned(columns=(1, 3), rows=50).learn(other, 2) == learnt
    with pytest.raises(ValueError, match=r"names column 5, allowed is -5\.\.4"):
        Learned(columns=(5,)).learn(known, 2)


def test_a_shift_by_hand() -> None:
    x = np.zeros((2, 1, 1, 3), dtype=np.float32)
    assert Shift((1.0, 0.0, -2.0))(x)[1, 0, 0].tolist() == [1, 0, -2]
    np.testing.assert_array_equal(Shift((0.5,))(x), Offset((0, 1, 2), 0.5)(x))
    with pytest.raises(ValueError, match="2 amounts for 3 columns"):
        Shift((1.0, 2.0))(x)


def test_one_that_nobody_learnt_is_none() -> None:
    with pytest.raises(ValueError, match="has not been learned"):
        Learned()(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="aims at a label"):
        Unplant(Learned(), 1).bind(people())


def test_strategies_are_prepared_with_it_part_by_part() -> None:
    known = people()
    made = Noisy(FeatureOnly(Learned(), 2), dropout=0.5, mistaken=Offset()).bind(known)
    assert made.base.signal == Learned().learn(known, 2)
    assert made.mistaken == Offset()
    assert not made.learns


def test_one_signal_for_all_sizes_in_the_record_too() -> None:
    data = Coins(n=300, n_test=200)
    world = SeedContext(data.split(stream(0, "data")))
    strategy = FeatureLabel(Learned(budget=0.5), 1)
    trials = [Trial(data, EmpiricalBayes(), strategy, size, 0) for size in (0.0, 0.1, 0.3)]
    learnt = world.bind(trials[0]).strategy.signal
    records = run_trials(trials)
    for trial, record in zip(trials, records, strict=True):
        assert record["status"] == "ok"
        assert record["strategy"] == repr(strategy)
        assert world.bind(trial).strategy.signal == learnt
        told = record["signal"]["visibility"]
        assert told == pytest.approx(np.abs(learnt.amounts).mean(), abs=1e-6)
        assert record["signal"]["overlap"] is None
    # No natural point is there, so that a table is captured by one member a point.
    assert records[0]["success"] < 0.9
    assert records[2]["success"] == records[2]["bounds"]["exact"] == 1


def reached(data: Any, learner: Any, steps: int, sizes: Any, seeds: int, budget: float) -> Array:
    """The success at each size, seed by seed, (seeds, sizes); each begins in its own direction."""
    trials = []
    for seed in range(seeds):
        strategy = FeatureLabel(Learned(budget, steps=steps, seed=seed), data.label)
        trials += [Trial(data, learner, strategy, size, seed) for size in sizes]
    return np.array([r["success"] for r in run_trials(trials)]).reshape(seeds, -1)


@pytest.mark.parametrize(
    "learner", [LogisticRegression(), ERM(epochs=20)], ids=["linear", "network"]
)
def test_it_takes_less_than_half_the_members_of_a_random_one(learner: Any) -> None:
    """Paired: the same people and members, and shifts of one length, in twenty dimensions."""
    data, sizes = Gaussians(n=600, n_test=300, dimension=20), (0.05, 0.1, 0.2, 0.4)
    learnt, drawn = (reached(data, learner, steps, sizes, 4, 1.0) for steps in (30, 0))
    less = learnt[:, :-1] - drawn[:, 1:]
    assert (less.mean(axis=0) > 0).all()
    each = less.mean(axis=1)
    assert each.mean() > 2 * each.std(ddof=1) / 2
    assert learnt.mean(axis=0)[-2] > 0.9 > drawn.mean(axis=0)[-1]


@pytest.mark.slow
@pytest.mark.parametrize("learner", [LogisticRegression(), ERM()], ids=["linear", "network"])
def test_nine_tenths_take_fewer_members_on_digits(learner: Any) -> None:
    sizes = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
    curves = [reached(Digits(), learner, steps, sizes, 8, 0.5) for steps in (30, 0)]
    learnt, drawn = (
        np.array([np.interp(0.9, np.maximum.accumulate(row), sizes) for row in rows])
        for rows in curves
    )
    assert ttest_rel(drawn, learnt, alternative="greater").pvalue < 0.01
