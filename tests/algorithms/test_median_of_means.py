"""Medians of gradients, against oracles that share no code with them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from algorithms.erm import ERM
from algorithms.median_of_means import MedianOfMeans
from algorithms.networks import MLP
from tests.helpers.networks import NETWORKS, agree, started
from tests.helpers.replicas import equal, equal_in_any_stack, trained
from tests.helpers.samples import generators, samples


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 7, 50])
def test_it_descends_on_the_median_of_the_gradients_of_blocks(blocks):
    network, made = MLP((7,)), samples(2)
    learner = MedianOfMeans(network=network, epochs=2, batch_size=9, blocks=blocks, momentum=0.0)
    for sample, rng, got in zip(made, generators(2), trained(learner, made), strict=True):
        net = started(network, (5,), rng)
        x, y = torch.from_numpy(sample.x).double(), torch.from_numpy(sample.y)
        losses = []
        for _ in range(2):
            order = rng.permutation(23)
            for start in range(0, 23, 9):
                people = order[start : start + 9]
                found, means = [], []
                for block in np.array_split(people, min(blocks, len(people))):
                    loss = nn.functional.cross_entropy(net(x[block]), y[block])
                    found.append(torch.autograd.grad(loss, list(net.parameters())))
                    means.append(loss.item())
                losses.append(np.mean(means))
                with torch.no_grad():
                    for p, *own in zip(net.parameters(), *found, strict=True):
                        p -= 0.01 * torch.from_numpy(np.median(own, axis=0))
        agree(got.parameters, net.parameters(), 1e-9)
        assert got.losses == pytest.approx(losses)


def test_of_one_block_it_is_empirical_risk_minimisation_to_the_bit():
    made = samples(3)
    median, plain = MedianOfMeans(epochs=2, batch_size=8, blocks=1), ERM(epochs=2, batch_size=8)
    assert all(map(equal, trained(median, made), trained(plain, made)))


@pytest.mark.parametrize("blocks", [4, 5, 6])
def test_the_reported_loss_of_a_median_does_not_depend_on_the_stack(blocks):
    learner, made = MedianOfMeans(blocks=blocks, epochs=2, batch_size=23), samples(12)
    together = learner.fit_many(made, generators(12))
    for sample, rng, whole in zip(made, generators(12), together, strict=True):
        assert learner.fit(sample, rng).report == whole.report


@pytest.mark.parametrize("name", ["mlp", "odd conv"])
def test_a_replica_is_the_same_to_the_bit_in_any_company(name):
    learner = MedianOfMeans(blocks=3)
    equal_in_any_stack(replace(learner, epochs=3, batch_size=8, network=NETWORKS[name]), name)
