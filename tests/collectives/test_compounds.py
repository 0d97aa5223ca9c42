"""Strategies with noise, and several at once, against those that they are made of."""

from types import SimpleNamespace

import numpy as np
import pytest

from algorithms.empirical_bayes import EmpiricalBayes
from bench.core.errors import BenchError
from bench.datasets.synthetic.coins import Coins
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.spec.parsing import parse
from collectives.base import Strategy
from collectives.coordination_noise import Noisy
from collectives.data_strikes import Strike
from collectives.multiple_collectives import Several
from collectives.planting import FeatureLabel, FeatureOnlyPlus
from collectives.signals.tabular import SetFeature
from collectives.size_aware import SizeAware
from collectives.types import Array
from tests.helpers.acting import BIT, PLANT, act, drawn


def test_noise_of_each_kind_happens_as_often_as_it_is_said() -> None:
    x, y = np.zeros((50_000, 2), dtype=np.float32), np.zeros(50_000, dtype=np.int64)
    noisy = Noisy(PLANT, dropout=0.1, wrong_label=0.2, wrong_signal=0.3, mistaken=SetFeature(0, 5))
    moved, labels = act(noisy, x, y)
    idle = ((moved == 0).all(axis=1) & (labels == 0)).mean()
    assert idle == pytest.approx(0.1, abs=0.01)
    assert (labels == 1).mean() == pytest.approx(0.9 * 0.8, abs=0.01)
    assert (labels == 2).mean() == pytest.approx(0.9 * 0.1, abs=0.01)
    assert (moved[:, 0] == 5).mean() == pytest.approx(0.9 * 0.3, abs=0.01)
    both = (moved[:, 0] == 5) & (labels == 1)
    assert both.mean() == pytest.approx(0.9 * 0.3 * 0.8, abs=0.01)


def test_without_noise_and_without_company_nothing_changes() -> None:
    x, y = drawn()
    for strategy in (Noisy(PLANT), Several((PLANT,), (1.0,)), SizeAware(PLANT, shares=(1.0,))):
        for new, old in zip(act(strategy, x, y), act(PLANT, x, y), strict=True):
            np.testing.assert_array_equal(new, old)


def test_several_is_each_on_its_own_rows() -> None:
    x, y = drawn(rows=20_000)
    far = FeatureLabel(SetFeature(0, 9.0), 2)
    moved, labels = act(Several((PLANT, far), (0.5, 0.3)), x, y)
    second = moved[:, 0] == 9
    assert second.mean() == pytest.approx(0.3, abs=0.02)
    assert (labels[second] == 2).all()
    rest = ~second & ((moved != x).any(axis=1) | (labels != y))
    assert (labels[rest] == 1).all()
    moved, labels = act(Several((PLANT, far), (0.5, 0.3), judged=1, alone=True), x, y)
    np.testing.assert_array_equal(moved[:, 0] == 9, second)
    assert ((labels == y) | second).all()


def test_several_measures_each() -> None:
    zero = FeatureLabel(BIT, 0)
    test = SimpleNamespace(x=np.float32([[0, 0], [1, 0]]), y=np.zeros(2, int))

    def predict(x: Array) -> Array:
        return np.array([1, 1])

    both = Several((PLANT, zero))
    assert both.success(predict, test).tolist() == [0.5, 0.5]
    assert both.measures(predict, test) == {"success_0": 1.0, "success_1": 0.0}
    assert Several((PLANT, zero), judged=1).success(predict, test).tolist() == [0.0, 0.0]
    assert both.target is None
    assert Several((PLANT, PLANT)).target == 1
    assert Several((PLANT, zero), judged=1).target == 0


def test_the_mean_of_several_is_that_of_each_ones_own_success() -> None:
    # Strikes are about a class: their success is 2/3, 0 and, of a class that nobody has, nothing.
    test = SimpleNamespace(x=np.zeros((5, 2), dtype=np.float32), y=np.array([0, 0, 0, 1, 1]))

    def predict(x: Array) -> Array:
        return np.array([0, 1, 1, 1, 1])[: len(x)]

    zero, one, nobody = (Strike(label) for label in (0, 1, 2))
    for both, mean in (((zero, one), 1 / 3), ((zero, FeatureLabel(BIT, 1)), (2 / 3 + 4 / 5) / 2)):
        won = Several(both).success(predict, test)
        assert won.mean() == pytest.approx(mean)
        assert won.min() >= 0
        assert won.max() <= 1
    lost = Several((zero, nobody))
    assert np.isnan(lost.success(predict, test)).all()
    assert np.isnan(lost.measures(predict, test)["success_1"])


def test_colliding_signals_hurt_both_collectives() -> None:
    data = Coins(n=2000, n_test=1000, overlap=0.02)
    one, other = FeatureLabel(BIT, 1), FeatureLabel(BIT, 0)

    def reached(strategy: Strategy) -> float:
        (record,) = run_trials([Trial(data, EmpiricalBayes(), strategy, 0.1, 0)])
        return float(record["success"])

    alone = reached(Several((one, other), judged=0, alone=True))
    assert reached(Several((one, other), judged=0)) < alone - 0.2
    assert reached(Several((one, one), judged=0)) >= alone


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Several(shares=(0.5,))", "2 strategies, but 1 shares"),
        ("Several(shares=(0.9, 0.2))", "everybody"),
        ("Several(judged=2)", r"judged=2, allowed is 0\.\.1"),
        ("Several(alone=True)", "needs the collective that acts"),
        ("Noisy(dropout=1.5)", "less than or equal to 1"),
        ("Noisy(base=Several(shares=(0.9, 0.2)))", "everybody"),
    ],
)
def test_compounds_that_make_no_sense_are_refused(text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        parse(text, "strategies")


def test_what_the_parts_leave_open_is_filled() -> None:
    made = Noisy(Several((FeatureLabel(), FeatureLabel(label=2)))).with_defaults(BIT, 1)
    assert made == Noisy(Several((PLANT, FeatureLabel(BIT, 2))))
    assert made.signals == (BIT,)
    assert made.traceable
    assert not Noisy(Strike(1)).traceable
    assert Several((PLANT, PLANT)).bounds.local(3)
    assert not Several((PLANT, FeatureOnlyPlus(BIT, 1))).bounds.local(3)
    assert parse(repr(made), "strategies") == made
