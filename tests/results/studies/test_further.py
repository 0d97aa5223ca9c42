"""Further numbers of studies: measured once a trial, and joined to the right records."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from algorithms.erm import ERM
from algorithms.knn import KNN
from algorithms.networks import MLP
from bench.core.errors import BenchError
from bench.datasets.synthetic.gaussians import Gaussians
from collectives.idle import Idle
from results.studies import action_at_test_time, detection
from results.studies.base import load
from results.studies.further import FILE, completed, measured
from tests.helpers.trials import trial

STUDY = dataclasses.replace(load("detection"), measure=lambda t: {"double": 2.0 * t.seed})


def failing(t):
    """One of the trials fails."""
    if t.seed == 1:
        raise BenchError("on purpose")
    return {"double": 2.0 * t.seed}


def records(trials):
    frame = pd.DataFrame([{**t.key._asdict(), "success": 0.1 * t.seed} for t in trials])
    frame.attrs["averaged"] = ["accuracy"]
    return frame


def test_numbers_find_their_records(tmp_path):
    trials = [trial(size=size, seed=seed) for size in (0.05, 0.1) for seed in range(3)]
    seen = []
    table = measured(STUDY, trials, 0, lambda: seen.append(1))
    assert len(seen) == 6
    table.sample(frac=1, random_state=0).to_csv(tmp_path / FILE, index=False)
    whole = completed(STUDY, records(trials), tmp_path)
    assert whole["measure_double"].tolist() == [0.0, 2.0, 4.0] * 2
    assert whole["success"].tolist() == pytest.approx([0.0, 0.1, 0.2] * 2)
    assert whole.attrs == {"averaged": ["accuracy"]}


def test_a_trial_that_fails_has_no_numbers(tmp_path):
    trials = [trial(seed=seed) for seed in range(3)]
    study = dataclasses.replace(STUDY, measure=failing)
    measured(study, trials, 0).to_csv(tmp_path / FILE, index=False)
    found = completed(study, records(trials), tmp_path)["measure_double"]
    assert found.isna().tolist() == [False, True, False]


def test_a_missing_file_is_named_and_other_studies_need_none(tmp_path):
    frame = records([trial()])
    with pytest.raises(BenchError, match=r"measures\.csv is missing: run the study again"):
        completed(STUDY, frame, tmp_path)
    assert completed(load("private-learning"), frame, tmp_path) is frame


def test_the_study_of_detection_measures_its_columns():
    found = detection.measure(trial(ERM(network=MLP((4,)), epochs=1, trace=True)))
    assert {f"measure_{name}" for name in found} == set(detection.COLUMNS)
    assert all(0 <= value <= 1 for value in found.values())
    # After one epoch of one the model is the trained one.
    assert found["auc_early_loss"] == pytest.approx(found["auc_loss"])
    assert np.isnan([*detection.measure(trial(KNN(), size=0.0)).values()]).all()


def test_the_study_of_test_time_measures_its_columns():
    data = Gaussians(n=100, n_test=500, dimension=2)
    idle = Idle(data.signal, data.label)
    found = action_at_test_time.measure(trial(KNN(), data=data, strategy=idle))
    assert {f"measure_{name}" for name in found} == set(action_at_test_time.COLUMNS)
    assert found["universal_200"] > found["random"]
