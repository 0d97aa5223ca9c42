"""AFR, against its formulas, autograd at its minimum, and limits."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from algorithms.afr import AFR, retrained, uncertainty_weights
from algorithms.base import TrainingSet
from algorithms.erm import ERM
from tests.helpers.replicas import equal_in_any_stack, fails_alone, trained
from tests.helpers.samples import CLASSES, generators, samples
from tests.helpers.torch_loop import SHORT


def test_weights_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    p, y = rng.random(30), rng.integers(4, size=30)
    raw = [np.exp(-2.5 * p[i]) / sum(y == y[i]) for i in range(30)]
    assert uncertainty_weights(p, y, 2.5) == pytest.approx(np.array(raw) / sum(raw), rel=1e-12)


@pytest.mark.parametrize("penalty", [1e-3, 0.3])
def test_the_layer_is_where_the_gradient_of_the_objective_is_zero(penalty):
    rng = np.random.default_rng(1)
    phi, y = rng.normal(size=(40, 5)), rng.integers(3, size=40)
    weights, first = rng.dirichlet(np.ones(40)), rng.normal(size=(3, 5))
    layer = torch.from_numpy(retrained(phi, y, weights, first, penalty)).requires_grad_()
    each = torch.nn.functional.cross_entropy(
        torch.from_numpy(phi) @ layer.T, torch.from_numpy(y), reduction="none"
    )
    objective = torch.from_numpy(weights) @ each
    objective = objective + penalty * (layer - torch.from_numpy(first)).square().sum()
    (gradient,) = torch.autograd.grad(objective, layer)
    assert gradient.abs().max() < 1e-5
    # The gradient is not zero where the search began.
    assert np.abs(layer.detach().numpy() - first).max() > 0.01


def test_a_strong_penalty_leaves_the_network_of_the_first_part():
    # The first part alone would be scaled by other means and deviations.
    fields, x = SHORT | {"scaling": "none"}, samples(1)[0].rows.pool
    sample = samples(1, easy=True)[0]
    got = AFR(penalty=1e9, **fields).fit(sample, np.random.default_rng(2))
    rng = np.random.default_rng(2)
    first = np.sort(rng.permutation(23)[round(0.2 * 23) :])
    want = ERM(**fields).fit(sample.take(first), rng)
    assert got.predict_proba(x) == pytest.approx(want.predict_proba(x), abs=1e-5)
    weak = AFR(penalty=1e-4, **fields).fit(sample, np.random.default_rng(2))
    assert np.abs(weak.predict_proba(x) - want.predict_proba(x)).max() > 0.05


def test_held_out_samples_share_their_weight_and_the_others_have_weight_one():
    for sample, rng in zip(samples(3), generators(3), strict=True):
        fitted = AFR(gamma=3.0, **SHORT).fit(sample, rng)
        held = fitted.weights != 1
        assert held.sum() == 5
        assert fitted.weights[held].sum() == pytest.approx(5)


def test_replicas_of_different_strengths_train_as_alone():
    made, learner = samples(2), AFR(**SHORT)
    learners = [replace(learner, gamma=0.0), replace(learner, gamma=8.0)]
    assert learners[0].stacking_key() == learners[1].stacking_key()
    assert replace(learner, holdout=0.5).stacking_key() != learner.stacking_key()
    together = AFR.fit_stacked(learners, [made[0]] * 2, generators(1) + generators(1))
    for one, fitted in zip(learners, together, strict=True):
        assert np.array_equal(fitted.weights, one.fit(made[0], generators(1)[0]).weights)
    assert not np.array_equal(together[0].weights, together[1].weights)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_people_suffice(n):
    sample = TrainingSet(np.zeros((n, 2)), np.zeros(n, int), classes=2)
    fitted = AFR(epochs=1).fit(sample, np.random.default_rng(0))
    assert fitted.weights.shape == (n,)
    assert np.isfinite(fitted.predict_proba(np.zeros((3, 2)))).all()


def test_a_replica_is_the_same_to_the_bit_alone_and_in_a_stack():
    equal_in_any_stack(AFR(**SHORT), "mlp")
    fails_alone(AFR(**SHORT))
    assert len(trained(AFR(**SHORT), samples(1))[0].parameters[-2][0]) == CLASSES
