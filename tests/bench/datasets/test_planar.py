"""Laws in the plane: samplers against densities, floors against quadrature."""

import math

import numpy as np
import pytest
from scipy.special import logsumexp

from bench.datasets.synthetic.planar_laws import LAWS, entropy
from bench.density.known_laws import covered, law_of


def rng(seed=0):
    return np.random.default_rng(seed)


#: Entropies in nats, by long runs of Monte Carlo, and in closed form where modes do not overlap.
FLOORS = {
    "8gaussians": (2.834, 0.008),
    "8gaussians-narrow": (-3.600, 0.01),
    "25gaussians": (-2.014, 0.01),
    "ringmixture": (2.180, 0.01),
    "checkerboard": (math.log(32), 0.01),
    "moons": (2.387, 0.012),
    "circles": (3.262, 0.01),
    "rings": (2.617, 0.01),
    "2spirals": (2.647, 0.01),
    "swissroll": (2.668, 0.01),
    "pinwheel": (2.31, 0.02),
}


@pytest.mark.parametrize("name", sorted(LAWS))
def test_samples_follow_the_density_and_its_floor_is_known(name):
    law = LAWS[name]
    x, y = law.sample(20_000, rng())
    surprise = -law.log_prob(x)
    known, margin = FLOORS[name]
    doubt_of_mean = 4 * surprise.std() / math.sqrt(len(x))
    assert surprise.mean() == pytest.approx(known, abs=margin + doubt_of_mean)
    # Where a point lies says no more of its part than the densities do.
    joint = law.joint(x[:4000])
    chances = np.exp(
        np.log(np.maximum(joint, 1e-300))
        - logsumexp(np.log(np.maximum(joint, 1e-300)), axis=1, keepdims=True)
    )
    expected = chances.sum(0)
    counts = np.bincount(y[:4000], minlength=law.parts)
    assert np.abs(counts - expected).max() < 5 * math.sqrt(4000 / law.parts)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(LAWS) - {"8gaussians-narrow"}))
def test_densities_integrate_to_one_with_the_right_floor(name):
    nodes = 1200 if name == "25gaussians" else 400
    found, total = entropy(LAWS[name], nodes)
    known, margin = FLOORS[name]
    assert total == pytest.approx(1, abs=0.01)
    assert found == pytest.approx(known, abs=margin + 0.01)


def test_modes_are_covered_by_true_samples_and_not_without_some():
    law = law_of("25gaussians")
    x, y = law.sample(4000, rng())
    assert covered(x, law, rng(1)) == 1
    assert covered(x[y > 4], law, rng(1)) == pytest.approx(20 / 25)
