"""Core-seconds by learner, dataset and phase."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithms.base import Fitted, Learner
from bench.core.errors import BenchError
from bench.datasets.synthetic.coins import Coins
from bench.diagnostics.profile import (
    PHASES,
    Clock,
    by_class,
    phases,
    records_of,
    systematic_sample,
    trials_of,
)
from bench.experiment import evaluation
from bench.records.store import Store
from collectives.planting import FeatureLabel
from collectives.signals.tabular import SetFeature
from tests.helpers.records import records, stored_record, write_run
from tests.helpers.trials import Faulty, trial

SECONDS = {("A(1)", "D(1)"): 1.0, ("A(2)", "D(1)"): 2.0, ("B()", "D(1)"): 4.0, ("B()", "E()"): 8.0}


@pytest.fixture(scope="module")
def frame():
    rows = [stored_record(learner=l, dataset=d, seconds=s) for (l, d), s in SECONDS.items()]
    failed = stored_record(learner="C()", dataset="E()", seconds=None, status="failed")
    return pd.DataFrame([*rows, failed])


def test_seconds_are_summed_by_class(frame):
    table = by_class(frame)
    assert table.loc[["B", "A", "C"]].to_numpy().tolist() == [[4, 8], [3, 0], [0, 0]]
    assert table.index[0] == "B"
    assert table.columns.tolist() == ["D", "E"]


def test_records_are_those_of_a_folder_or_of_a_grid(tmp_path):
    folder = write_run(tmp_path / "run", [stored_record(seconds=3.0)])
    assert by_class(records_of(str(folder))).to_numpy().tolist() == [[3.0]]
    with pytest.raises(BenchError, match="learners"):
        records_of("lerners")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=8), st.integers(1, 20))
def test_draws_are_in_proportion_to_seconds(values, count):
    seconds = pd.Series(values)
    drawn = systematic_sample(seconds, count)
    assert drawn.sum() == count
    # A group of w seconds contains floor or ceil of w k / S of the points that are S / k apart.
    expected = seconds * count / seconds.sum()
    for group, times in seconds.index.to_series().map(drawn).fillna(0).items():
        assert expected[group] - 1 - 1e-9 <= times <= expected[group] + 1 + 1e-9


@pytest.fixture
def spend(monkeypatch):
    """Let the processor's clock stand still, and return the function that advances it."""
    spent = [0.0]
    monkeypatch.setattr("time.process_time", lambda: spent[0])

    def spend(seconds):
        spent[0] += seconds

    monkeypatch.setattr(Slow, "spend", staticmethod(spend))
    return spend


def test_inner_phases_do_not_count_in_outer_ones(spend):
    clock = Clock()
    with clock.phase("evaluate"):
        spend(2)
        clock.timed("bounds", spend)(4)
        spend(1)
    spend(8)
    with clock.phase("act"):
        spend(16)
    assert clock.seconds == {"evaluate": 3, "bounds": 4, "rest": 8, "act": 16}


@dataclass(frozen=True)
class Slow(Learner):
    """A learner that takes 1 second to fit a sample, and 2 to predict."""

    spend: ClassVar[Callable[[float], None]] = staticmethod(lambda seconds: None)

    def fit(self, sample, rng):
        self.spend(1)

        def predict(x):
            self.spend(2)
            return np.zeros(len(x), dtype=int)

        return Fitted(predict)


@dataclass(frozen=True)
class SlowCoins(Coins):
    """A dataset that takes 4 seconds to split."""

    def split(self, rng):
        Slow.spend(4)
        return super().split(rng)


@dataclass(frozen=True)
class SlowPlant(FeatureLabel):
    """A strategy whose members take 8 seconds to act."""

    def act(self, x, y, **known):
        Slow.spend(8)
        return super().act(x, y, **known)


def test_the_time_of_a_trial_is_that_of_its_phases(spend, monkeypatch):
    def delayed(function, seconds):
        def slow(*args, **kwargs):
            spend(seconds)
            return function(*args, **kwargs)

        return slow

    for owner, name, seconds in ((evaluation, "trial_bounds", 16), (Store, "commit", 32)):
        monkeypatch.setattr(owner, name, delayed(getattr(owner, name), seconds))
    data = SlowCoins(n=100, n_test=50)
    found = phases([trial(Slow(), strategy=SlowPlant(SetFeature(), 1), data=data)])
    assert tuple(found) == PHASES
    predictions = found.pop("evaluate") / 2
    assert predictions == round(predictions) > 0
    # Bounds of a known law let members act again.
    assert found.pop("bounds") in (16, 24, 32)
    assert found == {"split": 4, "act": 8, "train": 1, "store": 32, "rest": 0}


def test_a_learner_that_always_fails_has_no_phases():
    with pytest.raises(BenchError, match="all trials of Faulty"):
        phases([trial(Faulty(), size=0.9)])


def test_trials_are_those_of_one_seed_and_strategy():
    axes = {"strategy": ["FeatureLabel(SetFeature(), 1)", "Idle()"], "size": [0, 0.1]}
    frame = records(
        lambda key: {"seconds": 1.0},
        dataset=["Coins()"],
        learner=["KNN()", "LDA()"],
        seed=[2, 3],
        **axes,
    )
    found = trials_of(frame, "LDA()", "Coins()")
    assert [(t.seed, t.size) for t in found] == [(2, 0.0), (2, 0.1)]
    assert {type(t.strategy).__name__ for t in found} == {"FeatureLabel"}
    assert {type(t.learner).__name__ for t in found} == {"LDA"}
