"""Kernel densities against sums over people and against scipy."""

from math import exp, pi

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gaussian_kde

from algorithms.base import TrainingSet
from algorithms.kernel_bayes import KernelBayes
from tests.helpers.samples import CLASSES, blobs


@pytest.mark.parametrize("h", [0.05, 0.4, 3.0])
def test_kernel_densities_are_sums_over_people(h):
    sample, asked = blobs()
    fitted = KernelBayes(bandwidth=h, scaling="none").fit(sample, np.random.default_rng(0))
    p = fitted.predict_proba(asked)
    assert p.shape == (600, CLASSES)
    seen = 0
    for point, row, label in zip(asked, p, fitted.predict(asked), strict=True):
        joint = [0.0] * CLASSES
        for x, y in zip(sample.x, sample.y, strict=True):
            square = sum((float(a) - float(b)) ** 2 for a, b in zip(point, x, strict=True))
            joint[y] += exp(-square / (2 * h * h)) / (len(sample) * (2 * pi * h * h) ** 1.5)
        if sum(joint) > 1e-250:
            seen += 1
            assert row == pytest.approx([j / sum(joint) for j in joint], rel=1e-6, abs=1e-12)
            assert joint[label] == max(joint)
    assert seen > 100


def test_kernel_densities_are_scipys_times_frequencies():
    sample, asked = blobs(d=1)
    h = 0.37
    joint = []
    for k in range(CLASSES):
        own = sample.x[sample.y == k, 0].astype(float)
        density = gaussian_kde(own, bw_method=h / own.std(ddof=1))
        joint.append(len(own) / len(sample) * density(asked[:, 0].astype(float)))
    p = (
        KernelBayes(bandwidth=h, scaling="none")
        .fit(sample, np.random.default_rng(0))
        .predict_proba(asked)
    )
    near = np.sum(joint, axis=0) > 1e-200
    np.testing.assert_allclose(p[near], (joint / np.sum(joint, axis=0)).T[near], rtol=1e-5)


def test_scotts_rule_is_scipys_factor_times_the_spread_within_classes():
    sample, asked = blobs(d=2)
    frame = pd.DataFrame(sample.x.astype(float))
    within = frame - frame.groupby(sample.y).transform("mean")
    h = float(np.sqrt((within**2).to_numpy().mean())) * gaussian_kde(sample.x.T).scotts_factor()
    want = (
        KernelBayes(bandwidth=h, scaling="none")
        .fit(sample, np.random.default_rng(0))
        .predict_proba(asked)
    )
    got = KernelBayes(scaling="none").fit(sample, np.random.default_rng(0)).predict_proba(asked)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-300)


def test_kernel_densities_neither_underflow_nor_need_spread():
    sample = TrainingSet(np.float32([[0, 0], [0, 0], [1, 0]]), [0, 0, 2], classes=4)
    for learner in (KernelBayes(), KernelBayes(bandwidth=1e-3)):
        p = learner.fit(sample, np.random.default_rng(0)).predict_proba(
            np.float32([[-1e6, 0], [1e6, 0]])
        )
        assert p.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]
