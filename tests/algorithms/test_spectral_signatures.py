"""Spectral signatures, against oracles that share no code with them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from algorithms.erm import ERM
from algorithms.spectral_signatures import SpectralSignatures, inliers
from algorithms.trimmed_loss import TrimmedLoss
from tests.helpers.networks import NETWORKS, SHAPES, load, module
from tests.helpers.replicas import equal, equal_in_any_stack, numeric_fields, trained
from tests.helpers.samples import generators, samples


def planted(rng, n=200, foul=20, width=16, away=20.0):
    """Features far from zero; foul ones are shifted along a direction across that."""
    mean, direction = np.eye(width)[0] * away, np.eye(width)[1]
    phi = mean + rng.normal(size=(n, width))
    phi[:foul] += 6 * direction
    return phi


def test_what_was_planted_in_the_features_is_removed_whatever_their_mean():
    uncentred = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        parts, foul = [], []
        for label in range(3):
            order = rng.permutation(200)
            foul.append(label * 200 + np.flatnonzero(order < 20))
            parts.append(planted(rng)[order])
        phi, y = np.concatenate(parts), np.repeat(np.arange(3), 200)
        left = inliers(phi, y, outliers=0.1)
        assert not set(np.concatenate(foul)) & set(left)
        want = []
        for label in range(3):
            own = np.flatnonzero(y == label)
            values, vectors = np.linalg.eigh(np.cov(phi[own].T))
            scores = ((phi[own] - phi[own].mean(0)) @ vectors[:, values.argmax()]) ** 2
            want += own[scores.argsort()[: 200 - 30]].tolist()
            raw = ((phi[own]) @ vectors[:, values.argmax()]) ** 2
            uncentred += set(own[raw.argsort()[:170]]) != set(want[-170:])
        assert left.tolist() == sorted(want)
    assert uncentred > 0


def test_how_many_of_each_label_are_removed():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2, 4], [100, 31, 2, 1])
    phi = rng.normal(size=(len(y), 3))
    for outliers, removed in [(0, [0, 0, 0, 0]), (0.1, [15, 4, 0, 0]), (0.9, [99, 30, 1, 0])]:
        left = np.bincount(y[inliers(phi, y, outliers)], minlength=5)
        assert (np.bincount(y) - left)[[0, 1, 2, 4]].tolist() == removed
    assert len(inliers(np.ones((9, 2)), np.zeros(9, dtype=int), 0.2)) == 7


@pytest.mark.parametrize("network", ["linear", "mlp", "odd conv"])
def test_the_second_model_starts_afresh_on_those_who_are_left(network):
    shape = SHAPES.get(network, (5,))
    made = samples(3, shape=shape)
    learner = SpectralSignatures(network=NETWORKS[network], epochs=3, batch_size=8, outliers=0.2)
    plain = ERM(network=NETWORKS[network], epochs=3, batch_size=8)
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):
        (first,) = trained(plain, [sample], [rng])
        net = load(module(NETWORKS[network], shape), first.parameters)
        with torch.no_grad():
            phi = net[:-1](torch.from_numpy(sample.x)).numpy()
        left = inliers(phi, sample.y, 0.2)
        assert np.flatnonzero(got.weights).tolist() == left.tolist()
        assert np.array_equal(np.flatnonzero(~got.flagged), left)
        (second,) = trained(plain, [sample.take(left)], [rng])
        assert equal(got, second)


def test_replicas_may_leave_out_different_shares():
    learner, made = TrimmedLoss(epochs=2, batch_size=8), samples(3)
    mixed = learner.replicas(
        made, generators(3), numeric_fields(learner, 3, outliers=[0.1, 0.3, 0.5])
    )
    assert [int(o.weights.sum()) for o in mixed] == [21, 17, 12]


@pytest.mark.parametrize("name", ["mlp", "odd conv"])
def test_a_replica_is_the_same_to_the_bit_in_any_company(name):
    learner = SpectralSignatures(outliers=0.2)
    equal_in_any_stack(replace(learner, epochs=3, batch_size=8, network=NETWORKS[name]), name)
