"""The firm's model as members estimate it: derivatives, training and recovered parameters."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression as Estimator

from algorithms.base import Classifier, TrainingSet
from algorithms.erm import ERM
from algorithms.knn import KNN
from algorithms.lda import LDA
from algorithms.logistic_regression import LogisticRegression
from algorithms.networks import Linear
from algorithms.qda import QDA
from algorithms.random_forest import RandomForest
from bench.core.random_streams import stream
from collectives.surrogate_model import (
    centred,
    design_matrix,
    fit,
    gradient,
    hessian_vector_product,
    penalty_gradient,
    recover_parameters,
)
from collectives.types import Array
from tests.helpers.logistic_loss import logistic_loss

FIRM = LogisticRegression(scaling="none")


def drawn(seed: int, classes: int, n: int = 60, d: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)).astype(np.float32) * [1, 3, 0.2][:d] + 1
    noisy = x @ rng.normal(size=(d, classes)) + rng.normal(size=(n, classes))
    return np.float32(x), noisy.argmax(1)


@pytest.mark.parametrize("classes", [2, 4])
def test_slopes_and_curvature_are_those_of_the_objective(classes: int) -> None:
    x, y = drawn(0, classes)
    rng = np.random.default_rng(1)
    w, way = rng.random(len(y)), rng.normal(size=(classes, 4))
    theta = torch.tensor(rng.normal(size=(classes, 4)), requires_grad=True)
    (slope,) = torch.autograd.grad(logistic_loss(theta, x, y, w, 0.3), theta, create_graph=True)
    (turn,) = torch.autograd.grad((slope * torch.tensor(way)).sum(), theta)
    at = theta.detach().numpy()
    mine = gradient(at, design_matrix(x), y, w) + penalty_gradient(at, 0.3)
    np.testing.assert_allclose(mine, slope.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(
        hessian_vector_product(at, way, design_matrix(x), w, 0.3), turn.numpy(), atol=1e-12
    )


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_what_a_firm_learns_is_what_scikit_learn_does(classes: int, C: float) -> None:
    x, y = drawn(1, classes, n=300)
    assert set(y) == set(range(classes))
    w = np.random.default_rng(0).random(len(y))
    w *= len(y) / w.sum()
    firm = Estimator(C=C, tol=1e-10, max_iter=10_000).fit(np.float64(x), y, w)
    theta = np.column_stack([firm.coef_, firm.intercept_])
    # With two labels it keeps the difference of the rows.
    theta = np.concatenate([-theta, theta]) / 2 if classes == 2 else centred(theta)
    mine = fit(design_matrix(x), y, classes, 1 / (C * len(y)), w)
    np.testing.assert_allclose(mine, theta, atol=2e-5 * np.abs(theta).max())
    np.testing.assert_allclose(mine.sum(axis=0), 0, atol=1e-12)


def test_a_tilt_moves_the_minimum_to_where_it_is_cancelled() -> None:
    x, y = drawn(2, 3)
    tilt = centred(np.random.default_rng(0).normal(size=(3, 4))) / 100
    theta = fit(design_matrix(x), y, 3, 0.1, tilt=tilt)
    slope = gradient(theta, design_matrix(x), y) + penalty_gradient(theta, 0.1) + tilt
    np.testing.assert_allclose(slope, 0, atol=1e-7)


@pytest.mark.parametrize("learner", [FIRM, LDA(), ERM(network=Linear(), epochs=30)], ids=repr)
@pytest.mark.parametrize("classes", [2, 3])
def test_parameters_are_read_off_a_firm_that_has_some(learner: Any, classes: int) -> None:
    x, y = drawn(3, classes, 200)
    fitted = learner.fit(TrainingSet(x, y), stream(0, "fit"))
    theta = recover_parameters(fitted, x)
    assert theta is not None
    logits = design_matrix(x) @ theta.T
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(p, fitted.predict_proba(x), atol=1e-4)
    if learner == FIRM:
        firm = Estimator(max_iter=2000).fit(x, y)
        coef = np.column_stack([firm.coef_, firm.intercept_])
        coef = np.concatenate([-coef, coef]) / 2 if classes == 2 else centred(coef)
        np.testing.assert_allclose(theta, coef, atol=1e-3 * np.abs(coef).max())


@pytest.mark.parametrize("learner", [KNN(), QDA(), RandomForest(trees=3), ERM(epochs=1)], ids=repr)
def test_none_are_read_off_a_firm_of_another_kind(learner: Any) -> None:
    x, y = drawn(3, 3, 200)
    fitted = learner.fit(TrainingSet(x, y), stream(0, "fit"))
    assert recover_parameters(fitted, x) is None
    assert recover_parameters(fitted.predict, x) is None


def test_none_are_read_off_a_firm_that_is_sure_of_everything() -> None:
    certain = np.eye(2)[np.zeros(9, dtype=int)]
    assert (
        recover_parameters(
            Classifier(len, lambda x: certain[: len(x)]), np.zeros((5, 3), np.float32)
        )
        is None
    )
