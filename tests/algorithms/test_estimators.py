"""Classifiers of scikit-learn: the estimators that they name, and what is refused."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from algorithms.any_sklearn import Sklearn
from algorithms.base import TrainingSet
from algorithms.boosted_trees import BoostedTrees
from algorithms.knn import KNN
from algorithms.linear_svm import LinearSVM
from algorithms.logistic_regression import LogisticRegression
from algorithms.qda import QDA
from tests.helpers.samples import blobs


@pytest.mark.parametrize(
    ("learner", "estimator"),
    [
        (Sklearn("GaussianNB", var_smoothing=0.1), GaussianNB(var_smoothing=0.1)),
        (
            Sklearn("DecisionTreeClassifier", splitter="random", max_depth=3),
            DecisionTreeClassifier(splitter="random", max_depth=3),
        ),
        (LinearSVM(C=0.2, scaling="none"), LinearSVC(C=0.2, dual=False)),
    ],
    ids=lambda part: type(part).__name__,
)
def test_an_estimator_by_name_is_the_estimator(learner, estimator):
    sample, asked = blobs()
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=int(np.random.default_rng(5).integers(2**31)))
    want = estimator.fit(sample.x, sample.y)
    got = learner.fit(sample, np.random.default_rng(5))
    np.testing.assert_array_equal(got.predict(asked), want.predict(asked))
    if hasattr(want, "predict_proba"):
        np.testing.assert_array_equal(got.predict_proba(asked), want.predict_proba(asked))
    else:
        assert got.predict_proba is None


@pytest.mark.parametrize("labels", [2, 3])
def test_logistic_regression_is_where_its_objective_is_least(labels):
    sample, asked = blobs()
    y, C = sample.y % labels, 0.3 / (2 if labels == 2 else 1)
    x = torch.from_numpy(sample.x).double()
    w, b = (torch.zeros(labels, k, dtype=torch.float64, requires_grad=True) for k in (3, 1))
    steps = torch.optim.LBFGS([w, b], max_iter=500, line_search_fn="strong_wolfe")

    def objective():
        steps.zero_grad()
        loss = torch.nn.functional.cross_entropy(
            x @ w.T + b.T, torch.from_numpy(y), reduction="sum"
        )
        value = loss + w.square().sum() / (2 * C)
        value.backward()
        return value

    steps.step(objective)
    want = torch.softmax(torch.from_numpy(asked).double() @ w.T + b.T, 1).detach().numpy()
    fitted = LogisticRegression(C=0.3, scaling="none").fit(
        TrainingSet(sample.x, y), np.random.default_rng(0)
    )
    np.testing.assert_allclose(fitted.predict_proba(asked), want, atol=1e-3)


@pytest.mark.parametrize(
    "learner", [LogisticRegression(), LinearSVM(), BoostedTrees(), KNN(), Sklearn("SVC")], ids=repr
)
def test_of_one_label_all_estimators_say_that_label(learner):
    sample, asked = blobs()
    fitted = learner.fit(
        TrainingSet(sample.x, np.full(len(sample), 2), classes=4), np.random.default_rng(0)
    )
    assert fitted.predict(asked).tolist() == [2] * len(asked)
    assert fitted.predict_proba(asked).tolist() == [[0, 0, 1, 0]] * len(asked)


def test_a_label_that_nobody_has_gets_no_probability():
    sample, asked = blobs()
    wider = TrainingSet(sample.x, sample.y * 2, classes=6)
    p = Sklearn("GaussianNB").fit(wider, np.random.default_rng(0)).predict_proba(asked)
    assert p.shape == (600, 6)
    assert (p[:, 1::2] == 0).all()
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (Sklearn("GausianNB"), "no classifier named 'GausianNB'; the nearest is 'GaussianNB'"),
        (Sklearn("LinearRegression"), "no classifier named 'LinearRegression'"),
        (Sklearn("SVC", gama=1), "no parameter of SVC named 'gama'; the nearest is 'gamma'"),
        (Sklearn("SVC", random_state=3), "random_state=3 cannot be given"),
    ],
    ids=repr,
)
def test_what_may_not_be_named_is_refused(learner, message):
    with pytest.raises(ValueError, match=message):
        learner.validate()
    with pytest.raises(ValueError, match=message):
        learner.fit(blobs()[0], np.random.default_rng(0))


def test_values_that_make_no_sense_are_refused_by_the_estimator():
    with pytest.raises(ValueError, match="C"):
        Sklearn("SVC", C=-1.0).fit(blobs()[0], np.random.default_rng(0))


@pytest.mark.parametrize("shrinkage", [0.0, 0.05, 0.7, 1.0])
def test_qda_is_that_of_scikit_learn_where_classes_are_large(shrinkage):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] ** 2 > 1).astype(int) + (x[:, 2] > 0.5)
    got = QDA(shrinkage).fit(TrainingSet(x, y), rng)
    want = QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage)
    want.fit(x.astype(float), y)
    np.testing.assert_allclose(got.predict_proba(x), want.predict_proba(x), atol=1e-6)


@pytest.mark.parametrize("rows", [2, 3, 20])
def test_qda_needs_no_more_samples_of_a_label_than_features(rows):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [rows, 60])
    x = (rng.normal(size=(rows + 60, 30)) + 3 * y[:, None]).astype(np.float32)
    got = QDA(0.1).fit(TrainingSet(x, y), rng).predict_proba(x)
    scores = []
    for label in (0, 1):
        points = x[y == label].astype(float)
        cov = np.cov(points.T, bias=True)
        cov = 0.9 * cov + 0.1 * np.diag(cov).mean() * np.eye(30)
        law = multivariate_normal(points.mean(0), cov)
        scores.append(np.log((y == label).mean()) + law.logpdf(x))
    want = softmax(np.transpose(scores), axis=1)
    np.testing.assert_allclose(got, want, atol=1e-6)
