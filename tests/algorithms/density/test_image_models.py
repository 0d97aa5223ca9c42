"""Paths to images, tilts, critics and penalties, against quadrature and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import quad

from algorithms.density.images import conv_led
from algorithms.density.images.base import ImageDensity, Networks
from algorithms.density.images.conv_led import ConvLED, choose_factor
from algorithms.density.images.conv_meg import ConvMEG
from algorithms.density.images.conv_wgan import ConvWGAN
from algorithms.density.images.path import ImagePath
from algorithms.density.images.penalties import between, slopes
from algorithms.engine.loop import Diverged

SMALL = {"latent": 2, "channels": 4, "steps": 6, "batch_size": 8}
MODELS = [ConvLED(**SMALL), ConvMEG(**SMALL), ConvWGAN(**SMALL)]
#: A pixel at SLOPE z + SHIFT with logistic noise of scale SCALE; r(z | x) = N(GAIN x, WIDTH^2).
SLOPE, SHIFT, SCALE, GAIN, WIDTH = 0.8, 0.3, 0.4, 0.6, 0.9


def rng(seed=0):
    return np.random.default_rng(seed)


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(n=60, size=8):
    return rng(3).random((n, size, size)).astype(np.float32)


def decoder(z):
    location = (SLOPE * z[:, :1] + SHIFT)[:, :, None]
    return location, torch.full_like(location, math.log(SCALE))


def encoder(x):
    mean = GAIN * x[:, 0]
    return torch.cat([mean, torch.full_like(mean, 2 * math.log(WIDTH))], 1)


ONE_PIXEL = ImagePath(decoder, encoder, 1)


def joint(z, x):
    """The density q(z, x) of the path to one pixel."""
    return stats.norm.pdf(z) * stats.logistic.pdf(x, SLOPE * z + SHIFT, SCALE)


def marginal(x):
    return quad(joint, -12, 12, args=(x,))[0]


# ---- paths --------------------------------------------------------------------------------


def test_a_path_has_the_density_of_its_formula():
    z, x, log_density = ONE_PIXEL.draw(4000, draws())
    wanted = np.log(joint(z[:, 0].numpy(), x[:, 0, 0].numpy()))
    np.testing.assert_allclose(log_density, wanted, atol=1e-4)
    np.testing.assert_allclose(ONE_PIXEL.log_joint(z, x), wanted, atol=1e-4)
    noise = (x[:, 0, 0] - SLOPE * z[:, 0] - SHIFT) / SCALE
    assert stats.kstest(noise.numpy(), "logistic").pvalue > 0.01
    posterior = stats.norm.logpdf(z[:, 0], GAIN * x[:, 0, 0], WIDTH)
    np.testing.assert_allclose(ONE_PIXEL.log_posterior(z, x), posterior, atol=1e-4)


def test_bounds_are_below_the_likelihood_and_rise_with_the_number_of_draws():
    value = 1.1
    exact = math.log(marginal(value))
    x = torch.full((20_000, 1, 1), value)
    elbo = ONE_PIXEL.elbo(x, draws())
    few, many = (ONE_PIXEL.bound(x[:m], k, draws(k)) for m, k in ((2000, 2), (100, 400)))

    def expected(z):
        r = stats.norm.pdf(z, GAIN * value, WIDTH)
        return r * (np.log(joint(z, value)) - stats.norm.logpdf(z, GAIN * value, WIDTH))

    wanted = quad(expected, -12, 12)[0]
    assert float(elbo.mean()) == pytest.approx(wanted, abs=5 * float(elbo.std()) / 20_000**0.5)
    assert wanted < float(few.mean()) - 0.01
    assert float(few.mean()) < exact - 0.01
    assert float(many.mean()) == pytest.approx(exact, abs=0.01)


def test_the_entropy_is_bounded_from_below_by_the_divergence_of_the_encoder():
    z, x, log_density = ONE_PIXEL.draw(40_000, draws())
    bound = (ONE_PIXEL.log_posterior(z, x) - log_density).numpy()
    zs, xs = np.linspace(-8, 8, 401)[:, None], np.linspace(-15, 15, 1501)
    dz, dx = zs[1, 0] - zs[0, 0], xs[1] - xs[0]
    both = joint(zs, xs)
    one = both.sum(0) * dz
    assert one.sum() * dx == pytest.approx(1, abs=1e-6)
    entropy = -(one * np.log(one)).sum() * dx
    log_ratio = np.log(both / one) - stats.norm.logpdf(zs, GAIN * xs, WIDTH)
    gap = (both * log_ratio).sum() * dz * dx
    assert gap > 0.05
    error = float(bound.std()) / 200
    assert bound.mean() == pytest.approx(entropy - gap, abs=5 * error)


# ---- weights ------------------------------------------------------------------------------


def parabola(x):
    """An energy of one pixel, shape (n, 1)."""
    return -((x[:, 0] - 0.5) ** 2)


@pytest.mark.parametrize("tilted", [True, False])
def test_weights_are_unbiased_for_the_partition_function(tilted):
    density = ImageDensity(ONE_PIXEL, parabola, 2.0, tilted=tilted)
    grid = np.linspace(-6, 6, 1001)
    mass = np.exp(-2 * (grid - 0.5) ** 2)
    if tilted:
        mass *= joint(np.linspace(-8, 8, 401)[:, None], grid).sum(0) * 16 / 400
    wanted = mass.sum() * 12 / 1000
    x, weights = density.propose(40_000, rng())
    z = np.exp(weights)
    assert z.mean() == pytest.approx(wanted, abs=5 * z.std() / 200)
    found = density.log_partition(40_000, rng(1))
    assert found.value == pytest.approx(math.log(wanted), abs=5 * found.error)
    if tilted:
        drawn = density.sample(4000, rng(2))
        mean = (grid * mass).sum() / mass.sum()
        # Five standard errors, of 4,000 draws and of the weights of 16,000 proposals.
        assert float(drawn.mean()) == pytest.approx(mean, abs=0.12 * float(drawn.std()))
        assert abs(x.mean() - mean) > 0.12


def test_the_factor_of_a_normal_tilt_is_that_of_its_moments():
    # For f ~ N(0, s^2): log Z = b^2 s^2 / 2, and the effective share is exp(-b^2 s^2).
    s = 2.0
    f = s * stats.norm.ppf((np.arange(10_000) + 0.5) / 10_000)
    assert choose_factor(f, 0.8, 0.1) == pytest.approx(0.8 / s**2, abs=1e-2)
    # Beyond the gate the share decides.
    assert choose_factor(f, 30.0, 0.5) == pytest.approx(math.sqrt(math.log(2)) / s, abs=1e-2)
    assert choose_factor(0.1 * f, 30.0, 0.5) == 1.0
    assert choose_factor(f, -0.5, 0.1) == 0.0


# ---- penalties ----------------------------------------------------------------------------


def test_a_penalty_has_the_gradient_of_finite_differences():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3), torch.nn.Tanh())
    network.append(torch.nn.Linear(3, 1)).double()
    weight = network[1].weight
    torch.nn.init.normal_(weight, generator=draws(1))
    x = torch.rand(5, 2, 2, generator=draws(2)).double()

    def penalty():
        return (slopes(network, x) - 1).square().mean()

    step, total = 1e-6, torch.zeros(5, dtype=torch.float64)
    for i in range(4):
        along = torch.zeros(5, 4, dtype=torch.float64)
        along[:, i] = step
        moved = [network(x + sign * along.view(5, 2, 2))[:, 0] for sign in (1, -1)]
        part = (moved[0] - moved[1]) / (2 * step)
        total += part.detach() ** 2
    torch.testing.assert_close(slopes(network, x), total.sqrt(), rtol=1e-5, atol=1e-7)
    (found,) = torch.autograd.grad(penalty(), weight)
    weight.data[1, 2] += step
    high = penalty()
    weight.data[1, 2] -= 2 * step
    low = penalty()
    assert float(found[1, 2]) == pytest.approx(float((high - low).detach() / (2 * step)), rel=1e-4)


def test_points_between_batches_are_on_the_lines():
    x, y = torch.zeros(50, 2, 2), torch.ones(50, 2, 2)
    mixed = between(x, y, draws())
    assert (mixed == mixed[:, :1, :1]).all()
    assert len(mixed[:, 0, 0].unique()) == 50
    assert 0 <= mixed.min() <= mixed.max() <= 1


# ---- training -----------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_training_repeats_itself_to_the_bit_with_any_number_of_snapshots(model, monkeypatch):
    monkeypatch.setattr(conv_led, "BANK", 200)
    x = pictures()
    kept = x.copy()
    one = model.fit(x, rng(1))
    *early, other = model.train(x, rng(1), snapshots=3)
    assert len(early) == 2
    np.testing.assert_array_equal(x, kept)
    for of in (
        lambda d: d.propose(20, rng(2))[1],
        lambda d: d.sample(20, rng(2)),
        lambda d: d.log_bound(x[:5], 4, rng(3)),
        lambda d: d.decode(np.ones((2, 2))),
    ):
        np.testing.assert_array_equal(of(one), of(other))
    assert one.sample(20, rng(2)).shape == (20, 8, 8)


def test_a_step_of_one_part_leaves_the_other_alone():
    networks = Networks(ConvLED(**SMALL), 8, rng())
    path, energy = networks.path, networks.energy
    parts = {"path": path.decoder, "energy": energy}
    for part in ("energy", "path"):
        before = {name: [p.clone() for p in net.parameters()] for name, net in parts.items()}
        networks.descend(part, energy(path.draw(4, draws()).x).mean(), 0)
        for name, network in parts.items():
            same = all(map(torch.equal, before[name], network.parameters()))
            assert same == (name != part)


def test_the_bound_learns_what_images_are():
    x = np.full((100, 8, 8), 0.2, np.float32)
    x[:, 2:6, 2:6] = 0.9
    small = {"latent": 2, "channels": 4, "batch_size": 16, "learning_rate": 1e-2, "first": 1.0}
    early, late = (ConvLED(steps=n, **small).fit(x, rng()) for n in (1, 60))
    gain = late.log_bound(x[:20], 4, rng(2)) - early.log_bound(x[:20], 4, rng(2))
    assert gain.min() > 30


def test_what_is_no_set_of_images_is_refused():
    for shape in ((10, 8, 9), (10, 10, 10), (10, 64), (1, 8, 8)):
        with pytest.raises(ValueError, match="multiple of four"):
            ConvLED(**SMALL).fit(np.zeros(shape), rng())


def test_a_loss_that_is_not_finite_is_an_error():
    with pytest.raises(Diverged):
        ConvWGAN(**SMALL).fit(np.full((20, 8, 8), np.inf, np.float32), rng())
