"""The Gaussian process against scikit-learn's."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from algorithms.base import TrainingSet
from algorithms.gaussian_process import GaussianProcess
from tests.helpers.samples import blobs


@pytest.mark.parametrize(("length", "noise"), [(1.0, 0.1), (0.3, 0.01), (2.0, 1.0)])
def test_gaussian_process_is_scikit_learns(length, noise):
    sample, asked = blobs(d=2)
    x = sample.x.astype(float)
    apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(x, 2)]
    kernel = RBF(length * float(np.median(apart)), length_scale_bounds="fixed")
    model = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None)
    labels = pd.get_dummies(sample.y).to_numpy(float)
    means = model.fit(x, labels - labels.mean(0)).predict(asked) + labels.mean(0)
    top = np.sort(means, axis=1)
    clear = top[:, -1] - top[:, -2] > 1e-9
    assert clear.mean() > 0.9
    got = (
        GaussianProcess(length, noise, scaling="none")
        .fit(sample, np.random.default_rng(0))
        .predict(asked)
    )
    np.testing.assert_array_equal(got[clear], means.argmax(1)[clear])


def test_gaussian_process_measures_distances_between_different_points():
    # Nine in ten people are at one point: the median of all distances would be zero.
    x = np.float32([[0, 0]] * 90 + [[1, 0]] * 5 + [[0, 3]] * 5)
    y = np.array([0] * 90 + [1] * 5 + [2] * 5)
    fitted = GaussianProcess(length=0.5).fit(TrainingSet(x, y), np.random.default_rng(0))
    asked = np.float32([[0, 0], [1, 0], [0, 3], [99, 99]])
    assert fitted.predict(asked).tolist() == [0, 1, 2, 0]
    alike = TrainingSet(np.zeros((4, 2)), [0, 1, 1, 1])
    assert (
        GaussianProcess().fit(alike, np.random.default_rng(0)).predict(asked).tolist() == [1] * 4
    )
