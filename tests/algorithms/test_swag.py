"""Averaged networks: moments, draws and probabilities against numpy."""

import numpy as np
import pytest
import torch

from algorithms.base import TrainingSet
from algorithms.engine.inference import probabilities
from algorithms.erm import ERM
from algorithms.networks import MLP, ConvNet, Linear
from algorithms.swag import SWAG, moments
from tests.helpers.samples import CLASSES, blobs


def trace(learner, sample, seed=0):
    """What the loop leaves of a training: the end of each epoch."""
    plain = ERM(**{name: getattr(learner, name) for name in vars(ERM())})
    setting = {name: [value] for name, value in plain.hyperparams().items()}
    draws = np.random.default_rng(seed)
    (trained,) = plain.descend([sample], [draws], setting, trace=True)
    return [s.parameters for s in trained.path], draws


def as_rows(path):
    return np.stack([np.concatenate([p.numpy().ravel() for p in ps]) for ps in path])


def test_moments_are_numpys():
    rows = np.random.default_rng(0).normal(size=(7, 11))
    mean, variance, deviations = moments(torch.from_numpy(rows), rank=4)
    np.testing.assert_allclose(mean, rows.mean(0), atol=1e-12)
    np.testing.assert_allclose(variance, rows.var(0), atol=1e-12)
    want = [rows[t] - rows[: t + 1].mean(0) for t in (3, 4, 5, 6)]
    np.testing.assert_allclose(deviations, want, atol=1e-12)


@pytest.mark.parametrize("network", [Linear(), MLP((5,)), ConvNet((2,))], ids=repr)
def test_without_scale_it_is_the_mean_network(network):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(50, 1, 4, 4)).astype(np.float32)
    sample = TrainingSet(x, draw.integers(CLASSES, size=50), classes=CLASSES)
    learner = SWAG(network=network, scaling="none", epochs=8, batch_size=16, last=5, scale=0.0)
    path, _ = trace(learner, sample)
    mean = [torch.stack([ps[i] for ps in path[-5:]]).mean(0) for i in range(len(path[0]))]
    want = probabilities(network, mean, x)
    np.testing.assert_allclose(
        learner.fit(sample, np.random.default_rng(0)).predict_proba(x), want, atol=1e-6
    )


def test_it_averages_the_probabilities_of_networks_it_draws():
    sample, asked = blobs()
    learner = SWAG(
        network=MLP((4,)),
        scaling="none",
        epochs=9,
        batch_size=16,
        last=6,
        rank=3,
        draws=5,
        scale=0.7,
    )
    path, draws = trace(learner, sample)
    rows = as_rows(path)[-6:].astype(float)
    deviations = np.stack([rows[t] - rows[: t + 1].mean(0) for t in (3, 4, 5)])
    own, common = draws.standard_normal((5, rows.shape[1])), draws.standard_normal((5, 3))
    total = 0
    for e1, e2 in zip(own, common, strict=True):
        theta = rows.mean(0) + np.sqrt(0.7) * (rows.std(0) * e1 + e2 @ deviations / np.sqrt(2))
        w1, b1, w2, b2 = np.split(theta, np.cumsum([12, 4, 12]))
        hidden = np.maximum(asked @ w1.reshape(4, 3).T + b1, 0)
        z = hidden @ w2.reshape(3, 4).T + b2
        z = np.exp(z - z.max(1, keepdims=True))
        total = total + z / z.sum(1, keepdims=True) / 5
    got = learner.fit(sample, np.random.default_rng(0))
    np.testing.assert_allclose(got.predict_proba(asked), total, atol=1e-5)
    assert got.path == []


def test_its_draws_have_the_covariance_it_says():
    learner = SWAG(draws=40_000, rank=4)
    rows = np.random.default_rng(0).normal(size=(6, 3))
    drawn = learner.draw(
        [[torch.from_numpy(r)[None]] for r in rows], 0.5, np.random.default_rng(1)
    )[0].numpy()
    d = np.stack([rows[t] - rows[: t + 1].mean(0) for t in (2, 3, 4, 5)])
    want = 0.5 * (np.diag(rows.var(0)) + d.T @ d / 3)
    np.testing.assert_allclose(np.cov(drawn.T), want, atol=0.03)
    np.testing.assert_allclose(drawn.mean(0), rows.mean(0), atol=0.03)


def test_it_takes_fewer_epochs_than_it_would_like_and_records_them_if_asked():
    sample, asked = blobs()
    short = SWAG(epochs=1, trace=True).fit(sample, np.random.default_rng(0))
    assert len(short.path) == 1
    once = ERM(epochs=1).fit(sample, np.random.default_rng(0))
    np.testing.assert_array_equal(short.path[0].predict(asked), once.predict(asked))
    np.testing.assert_allclose(short.predict_proba(asked), once.predict_proba(asked), atol=1e-6)
