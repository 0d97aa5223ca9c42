"""Three digits in an image: places, classes, and the classifier of their parts."""

import numpy as np
import pytest

from bench.core.errors import BenchError
from bench.density.images.classifier import train_classifier
from bench.density.images.data import image_set
from bench.density.images.modes import class_scores
from bench.density.images.stacked import stack, unstack


def rng(seed=0):
    return np.random.default_rng(seed)


def test_parts_are_the_images_and_classes_their_digits():
    y = np.arange(30) % 10
    x = np.broadcast_to(y[:, None, None], (30, 8, 8)).astype(np.float32)
    whole, labels = stack(x, y, 10, rng())
    assert whole.shape == (30, 16, 16)
    assert not whole[:, 8:, 8:].any()
    digits = unstack(whole)[:, 0, 0].reshape(30, 3)
    assert (digits @ [100, 10, 1]).tolist() == labels.tolist()
    # Each image is once in each quarter.
    assert (np.sort(digits, 0) == np.sort(y)[:, None]).all()


def test_large_images_are_halved():
    x = rng().random((6, 28, 28))
    whole, _ = stack(x, np.zeros(6, int), 10, rng(1))
    parts = unstack(whole).reshape(6, 3, 12, 12)
    order = rng(1).permutation(6)
    corner = x[order, 2:4, 2:4].mean((1, 2))
    np.testing.assert_allclose(parts[:, 0, 0, 0], corner)


def test_a_set_has_a_thousand_classes():
    images = image_set("stacked_digits")
    assert (images.train.shape, images.parts, images.classes) == ((1078, 16, 16), 3, 1000)
    with pytest.raises(BenchError, match="Did you mean 'stacked_mnist'"):
        image_set("stacked_mnits")


def test_the_classifier_reads_each_part():
    images = image_set("stacked_digits")
    trained = train_classifier(images, steps=60)
    single = train_classifier(image_set("digits"), steps=60)
    found = trained.predict(images.test)
    assert trained.accuracy == (found == images.test_y).mean()
    # All three digits are right about as often as three independent ones.
    assert trained.accuracy == pytest.approx(single.accuracy**3, abs=0.12)
    features = trained.features(images.test[:7])
    assert features.shape == (7, 3 * 256)
    np.testing.assert_allclose(
        features[:, :256], trained.features(images.test[:7] * _first(images))[:, :256]
    )


def _first(images):
    mask = np.zeros(images.test.shape[1:], np.float32)
    mask[:8, :8] = 1
    return mask


def test_modes_are_classes_that_occur():
    assert class_scores(np.array([3, 3, 5]), 1000)["modes"] == 2
