"""Networks that answer together against each of them by itself."""

import numpy as np
import pytest

from algorithms.base import Rows, TrainingSet
from algorithms.encoding import compose
from algorithms.engine.inference import BatchedPredictor, probabilities
from algorithms.engine.loop import initial
from algorithms.erm import ERM
from algorithms.networks import MLP, ConvNet, Linear, Network

NETWORKS = {"linear": Linear(), "mlp": MLP((7, 5)), "conv": ConvNet((3,))}
POINTS = (1, 6, 4)


def voices(network: Network, count: int = 5):
    rngs = [np.random.default_rng(v) for v in range(count)]
    drawn = [p.float() for p in initial(network, POINTS, 3, rngs)]
    return [[p[v : v + 1] for p in drawn] for v in range(count)]


def labels_of(network, voice, x):
    return probabilities(network, voice, x).argmax(1)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rows", [1, 100, 1500])
def test_each_answers_as_if_it_were_alone(name, rows):
    network, x = NETWORKS[name], np.random.default_rng(0).normal(size=(rows, *POINTS))
    alone = voices(network)
    shared = BatchedPredictor(network, alone, [None] * len(alone))
    for v in (3, 0, 1, 4, 2, 3):
        assert np.array_equal(shared.predict(v, x), labels_of(network, alone[v], x))


@pytest.fixture
def asked(monkeypatch):
    """Who was asked, each time that some were."""
    asked, told = [], BatchedPredictor._evaluate
    monkeypatch.setattr(
        BatchedPredictor,
        "_evaluate",
        lambda self, own, x: asked.append(list(own)) or told(self, own, x),
    )
    return asked


def test_who_is_asked_what_another_was_answers_with_all_others(asked):
    network = MLP((7,))
    shared = BatchedPredictor(network, voices(network), [None] * 5)
    x, other = np.random.default_rng(0).normal(size=(2, 9, *POINTS))
    for v in (2, 0, 1, 3, 4, 2):
        shared.predict(v, x)
        shared.probabilities(v, other.copy())
    assert asked == [[2], [2], [0, 1, 3, 4], [0, 1, 3, 4]]


def test_who_is_asked_about_points_of_its_own_answers_alone(asked):
    """What all are asked about is remembered meanwhile."""
    network, rng = MLP((7,)), np.random.default_rng(0)
    shared = BatchedPredictor(network, voices(network), [None] * 5)
    x, other = rng.normal(size=(2, 9, *POINTS))
    for v in range(5):
        shared.predict(v, x)
        shared.predict(v, rng.normal(size=(9, *POINTS)))
        shared.predict(v, other)
    assert asked == [[0], [0], [0], [1, 2, 3, 4], [1], [1, 2, 3, 4], [2], [3], [4]]


def test_replicas_of_a_seed_answer_together_and_others_do_not(asked):
    rng = np.random.default_rng(0)
    pools = [rng.normal(size=(60, 4)).astype(np.float32) for _ in range(2)]
    rows = [Rows(pool, np.arange(60)) for pool in pools]
    moved = [r.replace(np.arange(k), r.pool[:k] + 1) for r in rows for k in (0, 5, 9)]
    samples = [TrainingSet(m, m.pool[:, 0] > 0, classes=2) for m in moved]
    learner, x = ERM(epochs=1), rng.normal(size=(30, 4))
    made = learner.fit_many(samples, [np.random.default_rng(i) for i in range(6)])
    told = [fitted.predict_proba(x) for fitted in made]
    assert asked == [[0], [1, 2], [0], [1, 2]]
    for i, sample in enumerate(samples):
        alone = learner.fit(sample, np.random.default_rng(i))
        assert np.array_equal(alone.predict_proba(x), told[i])


def test_points_that_were_changed_in_place_are_other_points():
    network, x = MLP((7,)), np.random.default_rng(0).normal(size=(50, *POINTS))
    alone = voices(network)
    shared = BatchedPredictor(network, alone, [None] * len(alone))
    shared.predict(0, x)[:] = -1
    x *= -1
    assert np.array_equal(shared.predict(0, x), labels_of(network, alone[0], x))
    x *= -1
    assert np.array_equal(shared.predict(0, x), labels_of(network, alone[0], x))


def test_what_is_too_much_to_remember_is_answered_all_the_same(monkeypatch):
    network, x = MLP((7,)), np.random.default_rng(0).normal(size=(50, *POINTS))
    alone = voices(network)
    shared = BatchedPredictor(network, alone, [None] * len(alone))
    monkeypatch.setattr(BatchedPredictor, "most", 10)
    assert np.array_equal(shared.predict(2, x), labels_of(network, alone[2], x))
    assert not shared._cache


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
    fitted = compose(ERM(epochs=30, trace=True).fit(TrainingSet(x, x[:, 0] > 0), rng), np.negative)
    for stage in (*fitted.path, fitted):
        assert np.array_equal(stage.predict_proba(-x).argmax(1), stage.predict(-x))
    assert (fitted.path[-1].predict(-x) == (x[:, 0] > 0)).mean() > 0.9


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("replicas", [1, 3])
def test_points_that_are_not_finite_are_refused(value, replicas):
    made = [TrainingSet(np.eye(4, dtype=np.float32), np.arange(4) % 2) for _ in range(replicas)]
    rngs = [np.random.default_rng(r) for r in range(replicas)]
    x = np.ones((2000, 4))
    x[[3, 1500], [0, 2]] = value
    for fitted in ERM(epochs=1).fit_many(made, rngs):
        assert fitted.predict(x[4:1500]).shape == (1496,)
        for function in (fitted.predict, fitted.predict_proba):
            with (
                np.errstate(over="ignore"),
                pytest.raises(ValueError, match=r"2 of 2000 points .* first one at position 3"),
            ):
                function(x)
