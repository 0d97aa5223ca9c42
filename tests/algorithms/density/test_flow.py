"""One-way flows and partition functions: exact determinants, estimates without bias."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from algorithms.density import partition
from algorithms.density.base import Partition
from algorithms.density.one_way_flow import OneWayFlow


def rng(seed=0):
    return np.random.default_rng(seed)


# ---- the one-way flow ---------------------------------------------------------------------


def hessian_vector_product(flow, d, seed=0, replicas=1):
    """Parameters far from the identity, in double precision."""
    found = flow.parameters(d, [rng(seed + r) for r in range(replicas)])
    draws = torch.Generator().manual_seed(seed)
    return [p.double() + 0.4 * torch.randn(p.shape, generator=draws).double() for p in found]


@pytest.mark.parametrize("latent", [0, 2])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_log_determinants_are_those_of_autograd(layers, latent):
    d = 4
    flow = OneWayFlow(layers=layers, bumps=3, hidden=12, latent=latent)
    parameters = hessian_vector_product(flow, d)
    noise = torch.from_numpy(rng(1).standard_normal((1, d, 5)))
    _, log_det = flow.push(parameters, noise)
    for b in range(5):
        jacobian = torch.autograd.functional.jacobian(
            lambda z: flow.push(parameters, z[None, :, None])[0][0, :, 0], noise[0, :, b]
        )
        sign, wanted = torch.linalg.slogdet(jacobian)
        assert sign != 0
        assert log_det[0, b].item() == pytest.approx(wanted.item(), abs=1e-9)


def test_a_flow_never_maps_two_points_to_one():
    """Each bend is triangular and increases: so it has one inverse, and so has the whole flow."""
    d = 3
    flow = OneWayFlow(layers=3, bumps=3, hidden=12)
    parameters = hessian_vector_product(flow, d)
    for layer in range(flow.layers):
        own = parameters[6 * layer : 6 * (layer + 1)]
        for h in torch.from_numpy(3 * rng(layer).standard_normal((20, d))):
            jacobian = torch.autograd.functional.jacobian(
                lambda h, own=own: flow._warp(own[2:], h[None, :, None])[0][0, :, 0], h
            )
            assert not jacobian.triu(1).any()
            assert (jacobian.diagonal() > 0).all()
    # What is inverted root by root is what went in: y has no second origin.
    z = torch.from_numpy(rng(9).standard_normal((1, d, 30)))
    own = parameters[:6]
    y, _ = flow._warp(own[2:], z)
    found = torch.zeros_like(z)
    for i in range(d):
        low, high = torch.full_like(z[:, i], -60), torch.full_like(z[:, i], 60)
        for _ in range(80):
            found[:, i] = (low + high) / 2
            below = flow._warp(own[2:], found)[0][:, i] < y[:, i]
            low, high = (
                torch.where(below, found[:, i], low),
                torch.where(below, high, found[:, i]),
            )
    torch.testing.assert_close(found, z, atol=1e-9, rtol=0)


def test_the_density_of_the_flows_points_is_the_histogram_of_its_points():
    flow = OneWayFlow(layers=2, bumps=3, hidden=8)
    parameters = hessian_vector_product(flow, 1, seed=3)
    z = torch.linspace(-5, 5, 4001, dtype=torch.float64)[None, None]
    y, log_det = flow.push(parameters, z)
    q = stats.norm.logpdf(z[0, 0].numpy()) - log_det[0].numpy()
    # y rises with z, so that the density at y integrates to one over y.
    assert (np.diff(y[0, 0].numpy()) > 0).all() or (np.diff(y[0, 0].numpy()) < 0).all()
    assert abs(np.trapezoid(np.exp(q), y[0, 0].numpy())) == pytest.approx(1, abs=1e-4)


def test_a_map_that_is_not_injective_counts_its_mass_twice():
    """Why generators have to be injective: |z| has the density 2 phi, and the formula says phi."""
    z = rng().standard_normal(100_000)
    weights = stats.halfnorm.logpdf(np.abs(z)) - stats.norm.logpdf(z)
    assert math.exp(partition.importance(weights)) == pytest.approx(2, abs=1e-9)


def test_latents_of_few_dimensions_move_all_coordinates_and_noise_fills_the_rest():
    flow = OneWayFlow(layers=3, bumps=3, hidden=12, latent=1)
    parameters = hessian_vector_product(flow, 3)
    noise = torch.from_numpy(rng(1).standard_normal((1, 3, 200)))
    y, _ = flow.push(parameters, noise)
    moved = noise.clone()
    moved[:, 0] += 1
    assert ((flow.push(parameters, moved)[0] - y).abs().amax((0, 2)) > 1e-3).all()
    with pytest.raises(ValueError, match="latent=4 is more than the 3 coordinates of the points"):
        OneWayFlow(latent=4).parameters(3, [rng()])


# ---- partition functions ------------------------------------------------------------------

#: Target exp(D) = 3 N(0, 1), proposals N(0, s^2): Z = 3, and everything is in closed form.
WIDE = 1.5


def log_weights(m, repeats, seed=0):
    x = rng(seed).normal(0, WIDE, size=(repeats, m))
    energy = math.log(3) + stats.norm.logpdf(x)
    return energy - stats.norm.logpdf(x, scale=WIDE), energy


def test_the_importance_estimate_of_z_is_unbiased():
    weights, _ = log_weights(8, 40_000)
    means = np.exp(partition.importance(weights))
    assert means.mean() == pytest.approx(3, abs=4 * means.std() / 200)


@pytest.mark.parametrize("m", [16, 32])
def test_the_bias_of_log_z_is_chi_squared_over_two_m(m):
    weights, _ = log_weights(m, 100_000)
    estimates = partition.importance(weights)
    # chi^2(p || q) of two centred normal laws, in closed form.
    chi2 = WIDE**2 / math.sqrt(2 * WIDE**2 - 1) - 1
    bias = estimates.mean() - math.log(3)
    noise = 4 * estimates.std() / math.sqrt(len(estimates))
    assert bias == pytest.approx(-chi2 / (2 * m), abs=noise + 0.1 * chi2 / (2 * m))
    assert abs(bias) > 2 * noise


def test_the_one_sample_bound_misses_kl_and_the_critic_misses_the_entropy_besides():
    weights, energy = log_weights(1, 400_000)
    kl = (WIDE**2 - 1) / 2 - math.log(WIDE)
    entropy_of_q = math.log(WIDE * math.sqrt(2 * math.pi * math.e))
    assert partition.one_sample(weights[:, 0]) == pytest.approx(math.log(3) - kl, abs=0.01)
    assert partition.critic(energy[:, 0]) == pytest.approx(
        math.log(3) - kl - entropy_of_q, abs=0.01
    )


def test_the_standard_error_is_the_spread_of_repeated_estimates():
    weights, _ = log_weights(500, 2000)
    spread = partition.importance(weights).std()
    assert partition.standard_error(weights).mean() == pytest.approx(spread, rel=0.06)
    assert partition.effective(weights).mean() == pytest.approx(
        math.sqrt(2 * WIDE**2 - 1) / WIDE**2, abs=0.01
    )


def test_heavy_weights_and_a_dropped_mode_alarm():
    assert not Partition(0.0, 0.01, 0.9, 0.01, 0.01).alarms()
    (heavy,) = Partition(0.0, 0.5, 0.01).alarms()
    assert "heavy weights: 1.0% of the proposals" in heavy
    # Two equal modes at -4 and 4, Z = 1. A proposal that dropped one sees half of it, with weights
    # that look perfect; a wide one sees all.
    draw = rng()

    def target(x):
        return np.logaddexp(stats.norm.logpdf(x, -4), stats.norm.logpdf(x, 4)) - math.log(2)

    one, wide = draw.normal(4, 1, 5000), draw.normal(0, 5, 20_000)
    blind = target(one) - stats.norm.logpdf(one, 4)
    seeing = target(wide) - stats.norm.logpdf(wide, 0, 5)
    alone = partition.estimate(blind)
    assert alone.value == pytest.approx(-math.log(2), abs=0.01)
    assert alone.effective > 0.99
    assert not alone.alarms()
    (dropped,) = partition.estimate(blind, seeing).alarms()
    assert "may have dropped a mode" in dropped
    both = np.where(draw.random(5000) < 0.5, -4, 4) + draw.standard_normal(5000)
    assert not partition.estimate(target(both) - target(both), seeing).alarms()
