import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from scipy.stats import norm

from algorithms.density.denoising_path import DenoisingPath, TrainedPath, normal
from algorithms.density.path_led import PathDensity, PathLED, draw, lowest

SMALL = DenoisingPath(levels=6, hidden=16, frequencies=8, batch_size=128)
MODEL = PathLED(generator=SMALL, hidden=(16,), frequencies=8, steps=20, bank=2000)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def arbitrary_path(d: int, seed: int = 0) -> TrainedPath:
    """Return a path whose network is random: its means and variances are wrong."""
    rng = np.random.default_rng(seed)
    path = TrainedPath(SMALL, d, rng)
    path.parameters[-2:] = [
        torch.tensor(0.1 * rng.standard_normal(p.shape), dtype=torch.float32)
        for p in path.parameters[-2:]
    ]
    return path


def log_weights(path: TrainedPath, scale: float, defensive: float, n: int) -> torch.Tensor:
    """Return log-weights for the unnormalised energy ``-|x|^2 / (2 scale^2)``."""
    proposals = draw(path, n, defensive, seeded())
    return -proposals.x.square().sum(1) / (2 * scale**2) - proposals.log_density


@pytest.mark.parametrize(("d", "scale"), [(1, 0.5), (1, 1.2), (2, 0.8)])
@pytest.mark.parametrize("defensive", [0.001, 0.2, 0.8])
def test_weights_are_unbiased_whatever_the_network_is(d, scale, defensive):
    weights = log_weights(arbitrary_path(d), scale, defensive, 40_000).double().exp()
    truth = (2 * math.pi * scale**2) ** (d / 2)
    error = float(weights.std()) / len(weights) ** 0.5
    assert abs(float(weights.mean()) - truth) < 4 * error
    assert error < 0.05 * truth


def test_the_ratio_of_a_path_is_that_of_products_of_normal_densities():
    path = arbitrary_path(1)
    levels = [0.0, *np.geomspace(SMALL.bottom, SMALL.top, SMALL.levels)]
    # The draws of propose are repeated here: wide noise first, then one draw a level.
    n, generator = 7, seeded(3)
    x = math.sqrt(1 + SMALL.top**2) * torch.randn(n, 1, generator=generator)
    log_q = norm.logpdf(x.numpy(), 0, math.sqrt(1 + SMALL.top**2))[:, 0]
    log_n = np.zeros(n)
    for k in range(SMALL.levels, 0, -1):
        t, below = levels[k], levels[k - 1]
        mean, log_variance = path.config.denoise(path.parameters, x, torch.full((n, 1), t))
        a = 1 - below**2 / t**2
        centre = x + a * (mean - x)
        sd = (below**2 / t**2 * (t**2 - below**2) + a**2 * log_variance.exp()).sqrt()
        new = centre + sd * torch.randn(n, 1, generator=generator)
        log_q += norm.logpdf(new.numpy(), centre.numpy(), sd.numpy())[:, 0]
        log_n += norm.logpdf(x.numpy(), new.numpy(), math.sqrt(t**2 - below**2))[:, 0]
        x = new
    points, ratio = path.propose(n, seeded(3))
    torch.testing.assert_close(points, x)
    np.testing.assert_allclose(ratio.numpy(), log_q - log_n, rtol=1e-4, atol=1e-3)


def test_an_untrained_path_makes_nearly_standard_normal_points():
    # With outputs of zero the network denoises a standard normal distribution exactly, so that
    # the ratio is its log-density, up to the discretisation of V by one step a level.
    points, ratio = TrainedPath(DenoisingPath(), 2, np.random.default_rng(0)).propose(
        4000, seeded()
    )
    weights = (normal(points, 0 * points, torch.zeros(())) - ratio).exp()
    torch.testing.assert_close(weights, torch.ones_like(weights), rtol=0.02, atol=0)


def test_a_trained_density_integrates_to_one_and_is_near_the_truth():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(-2, 0.5, 1500), rng.normal(2, 0.5, 1500)])[:, None]
    model = replace(MODEL, steps=150, learning_rate=0.02)
    density = model.fit(3 * x + 1, np.random.default_rng(1))
    grid = np.linspace(-20, 22, 4001)[:, None]
    likely = np.exp(density.log_prob(grid))
    assert abs(trapezoid(likely, grid[:, 0]) - 1) < 0.05
    truth = (norm.pdf(grid, -5, 1.5) + norm.pdf(grid, 7, 1.5))[:, 0] / 2
    assert trapezoid(np.abs(likely - truth), grid[:, 0]) / 2 < 0.15
    samples = density.sample(2000, np.random.default_rng(2))[:, 0]
    assert abs((samples > 1).mean() - 0.5) < 0.08
    assert density.log_partition().alarms() == []


def two_modes(x: torch.Tensor) -> torch.Tensor:
    """Return an energy with modes at -1 and 1."""
    return torch.logsumexp(-50 * (x - torch.tensor([-1.0, 1.0])).square(), 1)


@pytest.mark.parametrize("dropped", [False, True])
def test_a_dropped_mode_raises_an_alarm(dropped):
    rng = np.random.default_rng(0)
    modes = np.zeros(600) if dropped else rng.integers(2, size=600)
    x = torch.tensor(1 - 2 * modes + 0.1 * rng.standard_normal(600), dtype=torch.float32)
    path = TrainedPath(SMALL, 1, rng)
    path.train(x[:, None], 200, seeded())
    # Next to no proposal is defensive, so that the path's are decisive.
    model = PathLED(generator=SMALL, defensive=1e-6, bank=4000)
    density = PathDensity(model, path, two_modes, (np.zeros(1), np.ones(1)), seeded())
    assert bool(density.log_partition().alarms()) == dropped


@pytest.mark.parametrize(
    ("excess", "taken"), [(-0.2, 2.0), (0.0, 2.0), (1.9, 2.0), (2.1, 10.0), (5.0, 10.0)]
)
def test_the_lowest_frequency_within_two_standard_errors_is_taken(excess, taken):
    # The differences to the loss of the highest frequency have the mean `excess` in units of
    # their standard error.
    base, noise = np.random.default_rng(0).standard_normal((2, 400))
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    losses = {10.0: base, 2.0: base + noise + excess / 20, 5.0: base + 3.0}
    assert lowest(losses) == taken


@pytest.mark.parametrize(("modes", "high"), [(1, False), (8, True)])
def test_narrow_modes_take_the_high_frequency_and_one_mode_does_not(modes, high):
    rng = np.random.default_rng(0)
    x = rng.integers(modes, size=(2000, 1)) + 0.1 * rng.standard_normal((2000, 1))
    model = replace(MODEL, high=(1.0, 20.0), steps=80, learning_rate=0.01)
    density = model.fit(x, np.random.default_rng(1))
    assert bool(density._network.parameters[0].abs().max() > 5) == high


def test_the_seed_determines_the_density_and_points_are_left_alone():
    x = np.random.default_rng(0).standard_normal((300, 2))
    before = x.copy()
    first, again, other = (
        MODEL.fit(x, np.random.default_rng(s)).log_prob(x[:5]) for s in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(x, before)


def test_points_with_a_constant_coordinate_are_refused():
    x = np.random.default_rng(0).standard_normal((50, 3))
    x[:, 1] = 4
    with pytest.raises(ValueError, match=r"coordinates \[1\] are constant"):
        MODEL.fit(x, np.random.default_rng(0))


@pytest.mark.parametrize("wrong", [{"bottom": 3.0}, {"low": 40.0}])
def test_ranges_that_do_not_rise_are_refused(wrong):
    with pytest.raises(ValueError, match="is not below"):
        TrainedPath(DenoisingPath(**wrong), 1, np.random.default_rng(0))
