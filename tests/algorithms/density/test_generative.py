"""Generative learners against exact discriminants, and how far they are from the law."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from algorithms.base import TrainingSet
from algorithms.density.base import Density, DensityModel, Partition
from algorithms.density.bayes_rule import DoubtfulPartition, doubtful_share, joint_distance
from algorithms.density.energies import SmoothMLP
from algorithms.density.gaussian_mixture import GaussianMixture
from algorithms.density.generative import Generative
from algorithms.density.led import LED
from algorithms.density.led_classifier import LEDClassifier
from algorithms.density.one_way_flow import OneWayFlow
from algorithms.hashed_bag import HashedBag
from algorithms.qda import QDA

SMALL = {"steps": 40, "batch_size": 32, "proposals": 64, "rounds": 2, "final": 512}
QUICK = LED(generator=OneWayFlow(layers=2, bumps=3, hidden=8), energy=SmoothMLP((16,)), **SMALL)


def rng(seed=0):
    return np.random.default_rng(seed)


def sample(seed=0, n=600, law=None):
    draw = rng(seed)
    y = draw.integers(3, size=n)
    scale = np.array([[1, 0.3], [0.5, 1], [2, 1]])[y]
    x = draw.standard_normal((n, 2)) * scale + np.array([[0, 0], [2, 0], [0, 2]])[y]
    return TrainingSet(x.astype(np.float32), y, law=law)


def test_one_normal_law_a_class_is_quadratic_discriminant_analysis():
    one = Generative(GaussianMixture(components=(1,), shrinkage=0.0)).fit(sample(), rng())
    other = QDA(shrinkage=0.0).fit(sample(), rng())
    x = sample(1).x
    np.testing.assert_allclose(one.predict_proba(x), other.predict_proba(x), atol=2e-3)


class Hazy(Density):
    """A density whose constant is known to some nats."""

    def __init__(self, of: Density, error: float) -> None:
        self.base, self.error = of, error

    def log_prob(self, x):
        """That of the other."""
        return self.base.log_prob(x)

    def sample(self, n, rng):
        """That of the other."""
        return self.base.sample(n, rng)

    def log_partition(self):
        """What is not known well."""
        return Partition(0.0, self.error, 0.9)


@dataclass(frozen=True)
class Wobbly(DensityModel):
    """Normal laws, with constants that are said to be known badly."""

    error: float = 0.5

    def fit(self, x, rng):
        """One normal law."""
        return Hazy(GaussianMixture(components=(1,)).fit(x, rng), self.error)


def test_decisions_that_hang_on_log_z_are_counted_and_warned_of():
    scores = np.array([[0.0, -0.1], [0.0, -3.0], [-1.0, 0.0], [0.0, -0.3]])
    assert doubtful_share(scores, np.zeros(2)) == 0
    assert doubtful_share(scores, np.array([0.1, 0.0])) == 0.25
    assert doubtful_share(scores, np.array([0.1, 0.2])) == 0.5
    sure, unsure = (Generative(Wobbly(error)) for error in (1e-6, 0.5))
    assert sure.fit(sample(), rng()).report["doubtful"] == 0
    with pytest.warns(DoubtfulPartition, match="within 2 standard errors it could change"):
        told = unsure.fit(sample(), rng()).report
    assert told["log_z_error"] == 0.5
    # By hand: the share of points whose lead is below two standard errors of the difference.
    known = Generative(GaussianMixture(components=(1,))).fit(sample(), rng())
    chances = np.log(known.predict_proba(sample().x))
    ordered = np.sort(chances, axis=1)
    assert told["doubtful"] == np.mean(ordered[:, -1] - ordered[:, -2] < 2 * math.sqrt(0.5))


def test_the_distance_to_a_known_law_is_exact_on_normal_laws():
    mean = 0.8

    def log_joint(shift):
        return lambda x: (stats.norm.logpdf(x, loc=shift) + math.log(0.5)).repeat(2, axis=1)

    draws = rng().normal(mean, 1, size=(400_000, 1))
    found = joint_distance(log_joint(0.0), log_joint(mean), draws)
    tv = 2 * stats.norm.cdf(mean / 2) - 1
    assert found["epsilon"] == pytest.approx(tv, abs=0.004)
    assert found["kl"] == pytest.approx(mean**2 / 2, abs=0.02)
    assert found["pinsker"] >= found["epsilon"]


@pytest.mark.parametrize("joint", [True, False])
def test_led_classifies_as_a_density_should(joint):
    learner = LEDClassifier(joint=joint)
    fitted = learner.fit(sample(), rng())
    test = sample(1, 2000)
    best = QDA().fit(sample(2, 5000), rng())
    wanted = np.mean(best.predict(test.x) == test.y)
    assert np.mean(fitted.predict(test.x) == test.y) > wanted - 0.05
    chances = fitted.predict_proba(test.x)
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-9)
    assert fitted.report["effective"] > 0.2


def test_a_density_of_bags_is_none_of_texts():
    x = np.random.default_rng(0).integers(1, 5, size=(60, 3)).astype(np.float32)
    sample = TrainingSet(x, np.arange(60) % 2, None, 2)
    law = Generative(GaussianMixture(components=(1,), shrinkage=0.5))
    alone = law.fit(sample, np.random.default_rng(0))
    assert alone.log_density is not None
    fitted = HashedBag(base=law, buckets=2, grams=1).fit(sample, np.random.default_rng(0))
    assert fitted.log_density is None
    assert fitted.predict_proba(x).shape == (60, 2)
