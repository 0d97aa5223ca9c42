"""Standardised points: against scikit-learn, alone and in a stack, and at any scale of data."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.preprocessing import StandardScaler

from algorithms._estimators import EstimatorLearner
from algorithms._features.sparse import SparseRows
from algorithms.base import Rows, TrainingSet
from algorithms.dfr import DFR
from algorithms.encoding import standardise
from algorithms.engine.data import Points
from algorithms.engine.learner import GradientLearner
from algorithms.erm import ERM
from algorithms.gaussian_process import GaussianProcess
from algorithms.jtt import JTT
from algorithms.kernel_bayes import KernelBayes
from algorithms.networks import MLP, ConvNet
from algorithms.runtime.paths import Absent
from algorithms.scaling import Scaler
from algorithms.swag import SWAG
from bench.spec.registry import REGISTRY
from tests.helpers.samples import generators, samples

SHAPES = {"vectors": (5,), "channels": (3, 4, 4), "grey images": (4, 4)}


def by_hand(train, x):
    """Points scaled by scikit-learn: a channel's values are the rows of one column."""
    if train.ndim == 2:
        return StandardScaler().fit(train.astype(float)).transform(x)
    count = int(np.prod(train.shape[1:-2]))
    parts = [
        StandardScaler().fit(t.reshape(-1, 1).astype(float)).transform(p.reshape(-1, 1))
        for t, p in (
            (train.reshape(len(train), count, -1)[:, c], x.reshape(len(x), count, -1)[:, c])
            for c in range(count)
        )
    ]
    columns = [p.reshape(len(x), 1, -1) for p in parts]
    return np.concatenate(columns, 1).reshape(x.shape)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_columns_and_channels_have_mean_zero_and_deviation_one(shape):
    rng = np.random.default_rng(0)
    train, x = (rng.normal(3, 7, size=(n, *shape)).astype(np.float32) for n in (50, 20))
    got = Scaler.fit(train)(x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, by_hand(train, x), atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e4, -12345.678, 1e20])
@pytest.mark.parametrize("n", [1, 2, 3, 1000])
def test_a_constant_column_is_zero_and_is_not_blown_up(value, n):
    x = np.full((n, 2), value, np.float32)
    scaler = Scaler.fit(x)
    assert not scaler(x).any()
    assert scaler.factor.tolist() == [1, 1]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("shared", [True, False])
def test_batches_are_the_scaled_samples_to_the_bit(shape, shared):
    made = standardise(samples(6, shape=shape, shared=shared))
    points = Points([s.rows for s in made], torch.device("cpu"), torch.float32)
    order = torch.arange(23).expand(6, -1)
    labels = torch.zeros(6, 23, dtype=torch.int64)
    alive = torch.tensor([True, False, True, True, False, True])
    for kept in (torch.ones(6, dtype=torch.bool), alive):
        points.keep(kept)
        made = [s for s, ok in zip(made, kept.tolist(), strict=True) if ok]
        parts = list(points.batches(order[: len(made)], 23, labels[: len(made)]))
        for r, sample in enumerate(made):
            assert np.array_equal(parts[0].x[r].numpy(), sample.flat)


def test_members_rows_count_and_validation_data_share_the_map():
    rng = np.random.default_rng(0)
    pool = rng.normal(size=(30, 2)).astype(np.float32)
    rows = Rows(pool, np.arange(20)).replace(np.array([3]), np.float32([[100, 0]]))
    sample = TrainingSet(rows, np.arange(20) % 2)
    sample.validation = TrainingSet(Rows(pool, np.arange(20, 30)), np.arange(10) % 2)
    (scaled,) = standardise([sample])
    np.testing.assert_allclose(scaled.x, by_hand(sample.x, sample.x), atol=1e-5)
    np.testing.assert_allclose(
        scaled.validation.x, by_hand(sample.x, sample.validation.x), atol=1e-5
    )
    part = scaled.take(np.array([3, 5]))
    assert np.array_equal(part.x, scaled.x[[3, 5]])
    assert sample.rows.scaler is None


def test_a_sparse_matrix_stays_as_it_is():
    rows = SparseRows(csr_array(np.float32([[0, 1], [2, 0], [0, 3]])))
    (scaled,) = standardise([TrainingSet(rows, np.array([0, 1, 0]))])
    assert scaled.rows.scaler is None
    assert scaled.x is rows.matrix


ESTIMATORS = [
    cls
    for _, cls in sorted(REGISTRY.kinds["learners"].items())
    if issubclass(cls, EstimatorLearner) and getattr(cls(), "scaling", "none") == "standard"
]


@pytest.mark.parametrize(
    "learner", [*(cls() for cls in ESTIMATORS), KernelBayes(), GaussianProcess()], ids=repr
)
def test_a_learner_is_the_unscaled_one_on_scaled_points(learner):
    sample = samples(1, easy=True)[0]
    x = sample.x * np.float32([1, 10, 100, 1, 1]) + np.float32(7)
    asked = np.random.default_rng(1).normal(7, 30, size=(40, 5)).astype(np.float32)
    scaler = Scaler.fit(x)
    plain = replace(learner, scaling="none").fit(
        TrainingSet(scaler(x), sample.y, classes=3), np.random.default_rng(0)
    )
    scaled = learner.fit(TrainingSet(x, sample.y, classes=3), np.random.default_rng(0))
    assert np.array_equal(scaled.predict(asked), plain.predict(scaler(asked)))
    if plain.predict_proba is not None:
        assert np.array_equal(scaled.predict_proba(asked), plain.predict_proba(scaler(asked)))


@pytest.mark.parametrize(
    "learner",
    [
        ERM(MLP((7,)), epochs=3, trace=True),
        ERM(ConvNet((3,)), epochs=2),
        SWAG(MLP((7,)), epochs=3, last=2, draws=3),
        JTT(MLP((7,)), epochs=2, first=1),
        DFR(MLP((7,)), epochs=2, draws=1),
    ],
    ids=lambda learner: type(learner).__name__,
)
def test_a_network_is_the_unscaled_one_on_scaled_points_alone_and_in_a_stack(learner):
    shape = (2, 4, 4) if isinstance(learner.network, ConvNet) else (5,)
    made = samples(6, shape=shape)
    x = np.random.default_rng(1).normal(size=(40, *shape)).astype(np.float32)
    plain = replace(learner, scaling="none")
    together = learner.fit_many(made, generators(6))
    for sample, rng, again, got in zip(made, generators(6), generators(6), together, strict=True):
        scaler = Scaler.fit(sample.x)
        validation = TrainingSet(scaler(sample.validation.x), sample.validation.y, classes=3)
        scaled = TrainingSet(scaler(sample.x), sample.y, sample.group, 3, validation)
        scaled.groups = sample.groups
        want = plain.fit(scaled, rng)
        assert np.array_equal(got.predict_proba(x), want.predict_proba(scaler(x)))
        assert np.array_equal(learner.fit(sample, again).predict_proba(x), got.predict_proba(x))
        for ours, theirs in zip(got.path, want.path, strict=True):
            assert np.array_equal(ours.predict_proba(x), theirs.predict_proba(scaler(x)))
            assert ours.metrics == theirs.metrics


#: Learners that are not about vectors, that know the law of the points, or that fit densities.
OTHERS = {"HashedBag", "Finetune", "BayesOptimal", "Generative", "LEDClassifier"}


def two_classes(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    return rng.normal(size=(n, 2)) + 2 * y[:, None], y


def short(learner):
    """A learner whose networks are trained for a few epochs."""
    if isinstance(learner, GradientLearner):
        return replace(learner, epochs=8)
    if isinstance(getattr(learner, "base", None), GradientLearner):
        return replace(learner, base=short(learner.base))
    return learner


def accuracies(learner, *changes):
    """The accuracy for each change of the points, of classifiers that are fitted together."""
    (x, y), (v, z), (asked, want) = (
        two_classes(n, seed) for seed, n in enumerate((300, 100, 900))
    )
    made = [TrainingSet(c(x), y, validation=TrainingSet(c(v), z)) for c in changes]
    fitted = learner.fit_many(made, [np.random.default_rng(0) for _ in made])
    assert [f for f in fitted if isinstance(f, Exception)] == []
    return [
        (f.predict(np.float32(c(asked))) == want).mean()
        for f, c in zip(fitted, changes, strict=True)
    ]


@pytest.mark.parametrize("name", sorted(set(REGISTRY.kinds["learners"]) - OTHERS))
def test_it_learns_at_any_scale(name):
    learner = short(REGISTRY.kinds["learners"][name]())
    try:
        learner.files()
    except Absent as absent:
        pytest.skip(str(absent))
    as_they_are, times, plus = accuracies(
        learner, lambda x: x, lambda x: x * 1e4, lambda x: x + 1e4
    )
    assert min(times, plus) >= as_they_are - 0.03


def test_without_scaling_a_network_fails_at_a_large_scale():
    """The test above can fail: by the same measure a network of unscaled points is at chance."""
    (scaled,) = accuracies(ERM(epochs=8), lambda x: x + 1e4)
    (unscaled,) = accuracies(ERM(epochs=8, scaling="none"), lambda x: x + 1e4)
    assert scaled > 0.85
    assert unscaled < 0.6
