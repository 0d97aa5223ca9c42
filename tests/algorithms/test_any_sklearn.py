"""Classifiers of scikit-learn by name: which can be fitted, and where their randomness is from."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from algorithms._estimators import fit_estimator
from algorithms.any_sklearn import Sklearn, classifiers
from algorithms.base import TrainingSet
from algorithms.knn import KNN
from algorithms.logistic_regression import LogisticRegression
from bench.core.errors import BenchError
from bench.spec.parsing import parse

#: Fewer rounds than by default, to save time.
QUICK = {
    "AdaBoostClassifier": {"n_estimators": 5},
    "CalibratedClassifierCV": {"cv": 2},
    "ExtraTreesClassifier": {"n_estimators": 5},
    "GradientBoostingClassifier": {"n_estimators": 5},
    "HistGradientBoostingClassifier": {"max_iter": 2},
    "LogisticRegressionCV": {"Cs": 2, "cv": 2},
    "MLPClassifier": {"max_iter": 5},
    "RandomForestClassifier": {"n_estimators": 5},
}


def rng(seed=0):
    return np.random.default_rng(seed)


def two_classes(n=40, spread=0.2):
    y = np.arange(n) % 2
    x = np.abs(rng().normal(size=(n, 3)) * spread + y[:, None])
    return TrainingSet(x.astype(np.float32), y)


def overlapping():
    y = np.arange(200) % 2
    return TrainingSet((rng().normal(size=(200, 3)) + y[:, None]).astype(np.float32), y)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", classifiers())
def test_every_classifier_is_fitted_or_refused_with_a_spec_that_works(name):
    sample, learner, refusal = two_classes(), None, ""
    try:
        learner = parse(repr(Sklearn(name, **QUICK.get(name, {}))), "learners")
    except BenchError as error:
        refusal = str(error)
    if "predicts several labels" in refusal:
        assert name in ("ClassifierChain", "MultiOutputClassifier")
        return
    if learner is None:
        assert f"{name} needs the parameter estimator" in refusal
        learner = parse(refusal.partition("a spec that works is ")[2], "learners")
        assert learner.name == name
    labels = learner.fit(sample, rng()).predict(sample.x)
    assert labels.shape == sample.y.shape
    assert np.isin(labels, [0, 1]).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_pipeline(StandardScaler(), RandomForestClassifier(5)),
        lambda: Sklearn(
            "BaggingClassifier", estimator=Sklearn("ExtraTreeClassifier"), n_estimators=2
        ).estimator(200),
        lambda: Sklearn(
            "OneVsRestClassifier", estimator=Sklearn("RandomForestClassifier", n_estimators=5)
        ).estimator(200),
    ],
)
def test_nested_random_states_come_from_the_generator(make):
    sample, estimator = overlapping(), make()
    one = fit_estimator(estimator, sample, rng(1)).predict_proba(sample.x)
    states = {k: v for k, v in estimator.get_params().items() if k.endswith("random_state")}
    assert None not in states.values()
    assert len(set(states.values())) == len(states)
    again = fit_estimator(make(), sample, rng(1)).predict_proba(sample.x)
    other = fit_estimator(make(), sample, rng(2)).predict_proba(sample.x)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_learners_of_the_project_are_estimators_too():
    vote = Sklearn("VotingClassifier", estimators=(KNN(1), LogisticRegression(C=0.1)))
    assert parse(repr(vote), "learners") == vote
    first, second = (estimator for _, estimator in vote.estimator(40).estimators)
    assert (first.n_neighbors, second.C) == (1, 0.1)


def test_a_nested_classifier_is_checked():
    nested = Sklearn("BaggingClassifier", estimator=Sklearn("SVC", gama=1))
    with pytest.raises(ValueError, match="no parameter of SVC named 'gama'"):
        nested.validate()
