"""Losses for noisy labels, against their definitions differentiated by torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from algorithms.erm import ERM
from algorithms.generalized_cross_entropy import GeneralizedCrossEntropy
from algorithms.networks import MLP
from algorithms.symmetric_cross_entropy import SymmetricCrossEntropy
from tests.helpers.networks import NETWORKS, agree, started
from tests.helpers.replicas import equal, equal_at_any_place, equal_in_any_stack, trained
from tests.helpers.samples import CLASSES, digit_sized, generators, samples
from tests.helpers.torch_loop import SHORT, plain


def generalised(logits, y):
    right = logits.softmax(1)[torch.arange(len(y)), y]
    return ((1 - right**0.6) / 0.6).mean()


def half_absolute_error(logits, y):
    return (logits.softmax(1) - F.one_hot(y, CLASSES)).abs().sum(1).mean() / 2


def symmetric(logits, y):
    p, labels = logits.softmax(1), F.one_hot(y, CLASSES).double()
    reverse = -(p * labels.log().clamp_min(-4)).sum(1)
    return 0.2 * F.cross_entropy(logits, y) + 0.3 * reverse.mean()


ORACLES = {
    "generalised": (GeneralizedCrossEntropy(q=0.6, **SHORT), generalised),
    "absolute": (GeneralizedCrossEntropy(q=1.0, **SHORT), half_absolute_error),
    "symmetric": (SymmetricCrossEntropy(alpha=0.2, beta=0.3, **SHORT), symmetric),
}


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("network", ["linear", "mlp"])
def test_training_descends_on_the_loss(name, network):
    learner, loss = ORACLES[name]
    learner = replace(learner, network=NETWORKS[network])

    def step(net, x, y, index, epoch, drawn):
        loss(net(x), y).backward()

    made = samples(3)
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):
        agree(got.parameters, plain(learner, sample, rng, step))


@pytest.mark.parametrize(
    "learner", [GeneralizedCrossEntropy(q=0.0), SymmetricCrossEntropy(alpha=1.0, beta=0.0)]
)
def test_the_limit_is_the_cross_entropy_to_the_bit(learner):
    made = samples(4)
    for a, b in zip(trained(learner, made), trained(ERM(), made), strict=True):
        assert equal(a, b)


@pytest.mark.parametrize("name", ["generalised", "symmetric"])
def test_reported_weights_are_those_of_the_formula(name):
    # One step with all samples: the probabilities are those of the initial parameters.
    (sample,) = samples(1)
    learner = replace(ORACLES[name][0], epochs=1, batch_size=len(sample), scaling="none")
    net = started(learner.network, (5,), np.random.default_rng(3))
    p = net(torch.from_numpy(sample.x).double()).softmax(1).detach().numpy()
    right = p[np.arange(len(sample)), sample.y]
    want = right**0.6 if name == "generalised" else 0.2 + 0.3 * 4 * right
    assert learner.fit(sample, np.random.default_rng(3)).weights == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("name", ORACLES)
def test_a_replica_is_the_same_to_the_bit_alone_and_in_a_stack(name):
    learner = ORACLES[name][0]
    equal_in_any_stack(learner, "mlp")
    equal_at_any_place(replace(learner, network=MLP(), batch_size=64), digit_sized(8))
