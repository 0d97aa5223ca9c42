"""Trimmed losses, against oracles that share no code with them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from algorithms.erm import ERM
from algorithms.networks import MLP
from algorithms.trimmed_loss import TrimmedLoss, best_fitted
from tests.helpers.networks import NETWORKS, load, module
from tests.helpers.replicas import equal, equal_in_any_stack, trained
from tests.helpers.samples import generators, samples


def test_each_round_trains_on_those_whose_losses_were_smallest():
    learner = TrimmedLoss(network=MLP((7,)), epochs=3, batch_size=8, outliers=0.25, rounds=3)
    made = samples(3)
    plain = ERM(network=MLP((7,)), epochs=3, batch_size=8)
    turned = False
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):
        people, before = np.arange(23), None
        for _ in range(4):
            before, part = people, sample.take(people)
            (model,) = trained(plain, [part], [rng])
            net = load(module(MLP((7,)), (5,)), model.parameters)
            with torch.no_grad():
                z = net(torch.from_numpy(sample.x))
            losses = nn.functional.cross_entropy(z, torch.from_numpy(sample.y), reduction="none")
            # 5.75 of 23 are too many by a quarter: 17.25 are kept, that is 18.
            people = np.sort(losses.numpy().argsort()[:18])
            turned |= set(people) != set(before)
        assert equal(got, model)
        assert np.flatnonzero(got.weights).tolist() == before.tolist()
        assert set(got.weights.tolist()) == {0.0, 1.0}
        assert got.flagged.sum() == 5
    assert turned


def test_how_many_are_kept():
    p = np.random.default_rng(0).random(1000)
    for outliers, kept in [(0, 1000), (0.05, 950), (0.1, 900), (0.0001, 1000), (0.9999, 1)]:
        assert len(best_fitted(p, outliers)) == kept
    assert p[best_fitted(p, 0.3)].min() > np.sort(p)[299]


@pytest.mark.parametrize("name", ["mlp", "odd conv"])
def test_a_replica_is_the_same_to_the_bit_in_any_company(name):
    learner = TrimmedLoss(outliers=0.2)
    equal_in_any_stack(replace(learner, epochs=3, batch_size=8, network=NETWORKS[name]), name)
