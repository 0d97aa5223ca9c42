"""The Laplace approximation of the last layer, against autograd and matrix inverses."""

import numpy as np
import pytest
import torch

from algorithms import last_layer_laplace
from algorithms.erm import ERM
from algorithms.last_layer_laplace import (
    LastLayerLaplace,
    curvatures,
    draw_by_factors,
    draw_exactly,
    hessian,
)
from tests.helpers.replicas import equal_in_any_stack, fails_alone, trained
from tests.helpers.samples import samples
from tests.helpers.torch_loop import SHORT


class Basis:
    """A generator whose draws are the unit vectors, so that deviations are a linear map."""

    def __init__(self, size):
        self.size = size

    def standard_normal(self, shape):
        return np.eye(self.size).reshape(shape)


def problem(n=12, classes=3, width=4):
    rng = np.random.default_rng(0)
    return (
        rng.normal(size=(n, width)),
        rng.integers(classes, size=n),
        rng.normal(size=(classes, 4)),
    )


def test_the_hessian_is_that_of_the_cross_entropy():
    phi, y, layer = problem()

    def loss(flat):
        logits = torch.from_numpy(phi) @ flat.view(3, 4).T
        return torch.nn.functional.cross_entropy(logits, torch.from_numpy(y), reduction="sum")

    want = torch.autograd.functional.hessian(loss, torch.from_numpy(layer).flatten())
    assert hessian(phi, curvatures(phi @ layer.T)) == pytest.approx(want.numpy(), abs=1e-10)


@pytest.mark.parametrize("precision", [0.1, 3.0])
def test_draws_have_the_inverse_hessian_as_covariance(precision):
    phi, _, layer = problem()
    curvature = curvatures(phi @ layer.T)
    drawn = draw_exactly(phi, curvature, precision, 12, Basis(12)).reshape(12, 12)
    want = np.linalg.inv(hessian(phi, curvature) + precision * np.eye(12))
    assert drawn.T @ drawn == pytest.approx(want, abs=1e-10)


@pytest.mark.parametrize("n", [1, 12])
def test_draws_by_factors_have_the_inverse_of_their_product_as_covariance(n):
    phi, _, layer = problem(n)
    curvature = curvatures(phi @ layer.T)
    drawn = draw_by_factors(phi, curvature, 0.5, 12, Basis(12)).reshape(12, 12)
    product = np.kron(curvature.mean(0), phi.T @ phi)
    assert drawn.T @ drawn == pytest.approx(np.linalg.inv(product + 0.5 * np.eye(12)), abs=1e-10)
    if n == 1:
        assert product == pytest.approx(hessian(phi, curvature), abs=1e-12)


def test_draws_do_not_depend_on_the_signs_of_eigenvectors(monkeypatch):
    phi, _, layer = problem(20)
    curvature = curvatures(phi @ layer.T)

    def drawn():
        return draw_by_factors(phi, curvature, 0.5, 3, np.random.default_rng(0))

    before = drawn()
    usual = last_layer_laplace.eigh

    def flipped(matrix):
        values, vectors = usual(matrix)
        return values, vectors * np.resize([-1, 1], len(values))

    monkeypatch.setattr(last_layer_laplace, "eigh", flipped)
    assert drawn() == pytest.approx(before, abs=1e-12)


@pytest.mark.parametrize("curvature", ["factors", "whole"])
def test_a_precise_prior_leaves_the_trained_network(curvature):
    (sample,) = samples(1)
    x, rng = sample.rows.pool, np.random.default_rng
    want = ERM(**SHORT).fit(sample, rng(0)).predict_proba(x)
    sure = LastLayerLaplace(precision=1e12, curvature=curvature, **SHORT).fit(sample, rng(0))
    vague = LastLayerLaplace(precision=0.1, curvature=curvature, **SHORT).fit(sample, rng(0))
    assert sure.predict_proba(x) == pytest.approx(want, abs=1e-5)
    assert np.abs(vague.predict_proba(x) - want).max() > 0.05


def test_probabilities_are_the_mean_over_networks():
    (sample,) = samples(1)
    learner = LastLayerLaplace(draws=3, scaling="none", **SHORT)
    (got,) = trained(learner, [sample], [np.random.default_rng(0)])
    w, v, last, bias = got.parameters
    hidden = np.maximum(sample.x @ w[0].numpy().T + v[0].numpy().T, 0)
    logits = [hidden @ a.numpy().T + b.numpy().T for a, b in zip(last, bias, strict=True)]
    assert np.ptp([z[0, 0] for z in logits]) > 0.01
    want = np.mean([np.exp(z) / np.exp(z).sum(1, keepdims=True) for z in logits], 0)
    fitted = learner.fit(sample, np.random.default_rng(0))
    assert fitted.predict_proba(sample.x) == pytest.approx(want, abs=1e-5)


@pytest.mark.parametrize("curvature", ["factors", "whole"])
def test_a_replica_is_the_same_to_the_bit_alone_and_in_a_stack(curvature):
    equal_in_any_stack(LastLayerLaplace(curvature=curvature, **SHORT), "mlp")
    fails_alone(LastLayerLaplace(curvature=curvature, **SHORT))
