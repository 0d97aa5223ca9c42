"""Learners of optional libraries, against the libraries' own interfaces."""

import importlib.util

import numpy as np
import pytest

from algorithms.base import TrainingSet
from algorithms.catboost_trees import CatBoost
from algorithms.lightgbm_trees import LightGBM
from algorithms.runtime.paths import Absent
from algorithms.xgboost_trees import XGBoost
from bench.core.errors import Missing
from bench.spec import grid

LEARNERS = [XGBoost, LightGBM, CatBoost]


def problem(labels=(0, 1, 2), n=60):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2, 3)).astype(np.float32)
    y = np.array(labels)[(x[:, 0, :2] > 0).sum(1) % len(labels)]
    return TrainingSet(x, y, classes=max(labels) + 1)


def by_xgboost(x, y):
    xgboost = pytest.importorskip("xgboost")
    settings = {
        "objective": "multi:softprob",
        "num_class": 3,
        "eta": 0.2,
        "max_depth": 3,
        "min_child_weight": 0.5,
        "lambda": 2.0,
        "gamma": 0.1,
        "max_bin": 16,
        "tree_method": "hist",
        "nthread": 1,
    }
    model = xgboost.train(settings, xgboost.DMatrix(x, y), 7)
    return model.predict(xgboost.DMatrix(x))


def by_lightgbm(x, y):
    lightgbm = pytest.importorskip("lightgbm")
    settings = {
        "objective": "multiclass",
        "num_class": 3,
        "learning_rate": 0.2,
        "num_leaves": 4,
        "min_data_in_leaf": 3,
        "lambda_l2": 2.0,
        "max_bin": 16,
        "num_threads": 1,
        "force_row_wise": True,
        "verbosity": -1,
    }
    return lightgbm.train(settings, lightgbm.Dataset(x, y), 7).predict(x)


def by_catboost(x, y):
    catboost = pytest.importorskip("catboost")
    settings = {
        "loss_function": "MultiClass",
        "learning_rate": 0.2,
        "depth": 3,
        "l2_leaf_reg": 2.0,
        "boosting_type": "Plain",
        "border_count": 16,
        "random_seed": int(np.random.default_rng(5).integers(2**31)),
        "thread_count": 1,
        "allow_writing_files": False,
        "verbose": False,
    }
    pool = catboost.Pool(x, y)
    return catboost.train(pool, settings, iterations=7).predict(pool, "Probability")


ORACLES = [
    (
        XGBoost(7, 0.2, depth=3, min_child_weight=0.5, l2=2.0, min_split_gain=0.1, bins=16),
        by_xgboost,
    ),
    (LightGBM(7, 0.2, leaves=4, leaf=3, l2=2.0, bins=16), by_lightgbm),
    (CatBoost(7, 0.2, depth=3, l2=2.0, boosting="Plain", bins=16), by_catboost),
]


@pytest.mark.parametrize(("learner", "oracle"), ORACLES, ids=lambda o: type(o).__name__)
def test_probabilities_are_those_of_the_library(learner, oracle):
    sample = problem()
    want = oracle(sample.flat, sample.y)
    fitted = learner.fit(sample, np.random.default_rng(5))
    assert fitted.predict_proba(sample.x) == pytest.approx(want, abs=1e-6)
    assert np.array_equal(fitted.predict(sample.x), want.argmax(1))


@pytest.mark.parametrize("cls", LEARNERS)
@pytest.mark.parametrize("labels", [(1, 4), (0, 2, 3), (2,)])
def test_labels_may_be_missing(cls, labels):
    pytest.importorskip(cls.library)
    sample = problem(labels)
    fitted = cls(rounds=20).fit(sample, np.random.default_rng(0))
    p = fitted.predict_proba(sample.x)
    assert p.shape == (60, max(labels) + 1)
    assert p.sum(1) == pytest.approx(1)
    assert p[:, list(labels)].sum(1) == pytest.approx(1)
    assert (fitted.predict(sample.x) == sample.y).mean() > 0.9


@pytest.mark.parametrize("cls", LEARNERS)
def test_without_the_library_the_error_says_how_to_get_it(cls, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for attempt in (cls().files, lambda: cls().fit(problem(), np.random.default_rng(0))):
        with pytest.raises(Absent, match=rf"{cls.library}: pip install '.*\[boosting\]'"):
            attempt()
    with pytest.raises(Missing, match=cls.library):
        grid.Grid("one", (grid.Part(("Coins",), (cls.__name__,)),)).check_files_and_labels()


def test_without_the_libraries_all_learners_are_the_others(monkeypatch):
    def without(name):
        return None if name in ("xgboost", "lightgbm", "catboost") else object()

    monkeypatch.setattr(importlib.util, "find_spec", without)
    part = grid.Part(("Coins",), ("*",), sizes=(0.0,), seeds=1)
    classes = {type(trial.learner) for trial in part.trials()}
    assert len(classes) > 20
    assert not classes & set(LEARNERS)
