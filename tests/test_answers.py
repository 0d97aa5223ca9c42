"""Networks that answer together against each of them by itself."""

import numpy as np
import pytest

from algorithms._answers import Chorus, probabilities
from algorithms._represented import on_points
from algorithms._training import initial
from algorithms.base import TrainingSet
from algorithms.erm import ERM
from algorithms.networks import MLP, ConvNet, Linear, Network

NETWORKS = {"linear": Linear(), "mlp": MLP((7, 5)), "conv": ConvNet((3,))}
POINTS = (1, 6, 4)


def voices(network: Network, count: int = 5):
    rngs = [np.random.default_rng(v) for v in range(count)]
    drawn = [p.float() for p in initial(network, POINTS, 3, rngs)]
    return [[p[v : v + 1] for p in drawn] for v in range(count)]


def own_labels(network, voice, x):
    return probabilities(network, voice, x).argmax(1)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rows", [1, 100, 1500])
def test_each_answers_as_if_it_were_alone(name, rows):
    network, x = NETWORKS[name], np.random.default_rng(0).normal(size=(rows, *POINTS))
    alone = voices(network)
    chorus = Chorus(network, alone)
    for v in (3, 0, 1, 4, 2, 3):
        assert np.array_equal(chorus.predict(v, x), own_labels(network, alone[v], x))


def test_they_are_asked_once_about_the_same_points(monkeypatch):
    network, asked = MLP((7,)), []
    chorus = Chorus(network, voices(network))
    monkeypatch.setattr(chorus, "_all", lambda x: asked.append(x) or np.zeros((5, len(x)), int))
    rng = np.random.default_rng(0)
    x, other = rng.normal(size=(2, 9, *POINTS))
    for v in range(5):
        chorus.predict(v, x)
        chorus.predict(v, other.copy())
    assert len(asked) == 2


def test_points_that_were_changed_in_place_are_other_points():
    network, x = MLP((7,)), np.random.default_rng(0).normal(size=(50, *POINTS))
    alone = voices(network)
    chorus = Chorus(network, alone)
    chorus.predict(0, x)[:] = -1
    x *= -1
    assert np.array_equal(chorus.predict(0, x), own_labels(network, alone[0], x))
    x *= -1
    assert np.array_equal(chorus.predict(0, x), own_labels(network, alone[0], x))


def test_what_is_too_much_to_remember_is_answered_all_the_same(monkeypatch):
    network, x = MLP((7,)), np.random.default_rng(0).normal(size=(50, *POINTS))
    alone = voices(network)
    chorus = Chorus(network, alone)
    monkeypatch.setattr(Chorus, "most", 10)
    assert np.array_equal(chorus.predict(2, x), own_labels(network, alone[2], x))
    assert not chorus._heard


def test_the_last_stage_of_a_training_is_what_was_trained():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 4)).astype(np.float32)
    fitted = ERM(epochs=4, trace=True).fit(TrainingSet(x, x[:, 0] > 0), rng)
    told = [epoch.predict(x) for epoch in fitted.path]
    assert len(told) == 4
    assert np.array_equal(told[-1], fitted.predict(x))
    assert not np.array_equal(told[0], told[-1])
    chances = [epoch.predict_proba(x) for epoch in fitted.path]
    assert np.array_equal(chances[-1], fitted.predict_proba(x))
    assert all(np.array_equal(p.argmax(1), y) for p, y in zip(chances, told, strict=True))


def test_stages_on_representations_tell_chances_of_points():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 4)).astype(np.float32)
    fitted = on_points(
        ERM(epochs=9, trace=True).fit(TrainingSet(x, x[:, 0] > 0), rng), np.negative
    )
    for stage in (*fitted.path, fitted):
        assert np.array_equal(stage.predict_proba(-x).argmax(1), stage.predict(-x))
    assert (fitted.path[-1].predict(-x) == (x[:, 0] > 0)).mean() > 0.9
