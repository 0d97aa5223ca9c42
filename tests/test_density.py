"""Density models: exact determinants, unbiased partition functions, and what alarms."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import logsumexp

from algorithms._generative import DoubtfulPartition, distance, doubt
from algorithms.base import TrainingSet
from algorithms.density import partition
from algorithms.density._adversary import Contest, Rules, contest, weigh
from algorithms.density._reference import reference
from algorithms.density.base import Density, DensityModel, Partition
from algorithms.density.energies import SmoothMLP
from algorithms.density.fixed_proposal import FixedProposal
from algorithms.density.flow import Flow
from algorithms.density.gaussian_mixture import GaussianMixture
from algorithms.density.kde import KDE
from algorithms.density.led import LED
from algorithms.density.led_flow import LEDFlow
from algorithms.density.meg import MEG
from algorithms.density.one_way_flow import OneWayFlow
from algorithms.density.wgan_critic import WGANCritic
from algorithms.generative import Generative
from algorithms.led_classifier import LEDClassifier
from algorithms.networks import Network, Parameter
from algorithms.qda import QDA
from bench.datasets._planar_laws import LAWS, entropy
from bench.densities import covered, law_of, mass

SMALL = {"steps": 40, "batch": 32, "proposals": 64, "rounds": 2, "final": 512}
QUICK = LED(generator=OneWayFlow(layers=2, bumps=3, hidden=8), energy=SmoothMLP((16,)), **SMALL)


def rng(seed=0):
    return np.random.default_rng(seed)


def points(seed=0, n=300, d=2):
    return rng(seed).standard_normal((n, d)) @ np.diag(np.arange(1, d + 1)) + 3


# ---- the one-way flow ---------------------------------------------------------------------


def bent(flow, d, seed=0, replicas=1):
    """Parameters far from the identity, in double precision."""
    found = flow.parameters(d, [rng(seed + r) for r in range(replicas)])
    draws = torch.Generator().manual_seed(seed)
    return [p.double() + 0.4 * torch.randn(p.shape, generator=draws).double() for p in found]


@pytest.mark.parametrize("latent", [0, 2])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_log_determinants_are_those_of_autograd(layers, latent):
    d = 4
    flow = OneWayFlow(layers=layers, bumps=3, hidden=12, latent=latent)
    parameters = bent(flow, d)
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
    parameters = bent(flow, d)
    for layer in range(flow.layers):
        own = parameters[6 * layer : 6 * (layer + 1)]
        for h in torch.from_numpy(3 * rng(layer).standard_normal((20, d))):
            jacobian = torch.autograd.functional.jacobian(
                lambda h, own=own: flow._bend(own[2:], h[None, :, None])[0][0, :, 0], h
            )
            assert not jacobian.triu(1).any()
            assert (jacobian.diagonal() > 0).all()
    # What is inverted root by root is what went in: y has no second origin.
    z = torch.from_numpy(rng(9).standard_normal((1, d, 30)))
    own = parameters[:6]
    y, _ = flow._bend(own[2:], z)
    found = torch.zeros_like(z)
    for i in range(d):
        low, high = torch.full_like(z[:, i], -60), torch.full_like(z[:, i], 60)
        for _ in range(80):
            found[:, i] = (low + high) / 2
            below = flow._bend(own[2:], found)[0][:, i] < y[:, i]
            low, high = (
                torch.where(below, found[:, i], low),
                torch.where(below, high, found[:, i]),
            )
    torch.testing.assert_close(found, z, atol=1e-9, rtol=0)


def test_the_density_of_the_flows_points_is_the_histogram_of_its_points():
    flow = OneWayFlow(layers=2, bumps=3, hidden=8)
    parameters = bent(flow, 1, seed=3)
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
    parameters = bent(flow, 3)
    noise = torch.from_numpy(rng(1).standard_normal((1, 3, 200)))
    y, _ = flow.push(parameters, noise)
    moved = noise.clone()
    moved[:, 0] += 1
    assert ((flow.push(parameters, moved)[0] - y).abs().amax((0, 2)) > 1e-3).all()
    with pytest.raises(ValueError, match="latent=4, but the points have 3 coordinates"):
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


@pytest.mark.parametrize("m", [16, 64])
def test_the_bias_of_log_z_is_chi_squared_over_two_m(m):
    weights, _ = log_weights(m, 200_000)
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
    weights, _ = log_weights(2000, 2000)
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
    assert "as if one had dropped a mode" in dropped
    both = np.where(draw.random(5000) < 0.5, -4, 4) + draw.standard_normal(5000)
    assert not partition.estimate(target(both) - target(both), seeing).alarms()


# ---- trained energies ---------------------------------------------------------------------


@pytest.mark.parametrize("model", [QUICK, FixedProposal(energy=SmoothMLP((16,)), **SMALL)])
def test_a_learnt_density_integrates_to_one(model):
    density = model.fit(points(), rng(1))
    side = np.linspace(-12, 18, 300)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    total = np.exp(density.log_prob(grid)).sum() * (side[1] - side[0]) ** 2
    z = density.log_partition()
    assert math.log(total) == pytest.approx(0, abs=4 * z.error + 1e-3)


def test_before_training_all_proposals_are_effective():
    # One step at a rate of nearly nothing leaves energy and generator where they start.
    model = LED(steps=1, rate=1e-12, generator_rate=1e-12, rounds=1, final=4096)
    z = model.fit(points(), rng(1)).log_partition()
    assert z.effective > 0.85
    assert z.value == pytest.approx(0, abs=4 * z.error + 1e-3)


def rules(**other):
    base = {"energy": SmoothMLP((8,)), "generator": OneWayFlow(layers=2, bumps=2, hidden=6),
            "partition": "importance", "entropy": 1.0, "penalty": 0.1, "around": "data",
            "steps": 10, "batch": 16, "proposals": 32, "rate": 1e-2, "generator_rate": 1e-3,
            "decay": 0.0, "gate": 0.0, "rounds": 1}  # fmt: skip
    return Rules(**(base | other))


@pytest.mark.parametrize("partition_by", ["importance", "critic"])
def test_the_gradient_of_the_energys_loss_is_that_of_finite_differences(partition_by, monkeypatch):
    ours = rules(partition=partition_by, penalty=0.0)
    x = points(n=40)
    base = reference(x, (1,), 0.0, rng())
    u = base.whiten(torch.from_numpy(x.T)[None])[0]
    loop = Contest(ours, [u.float()], [torch.zeros(40, dtype=torch.int64)], [base], [rng(2)])
    loop.base = base
    draws = torch.Generator().manual_seed(0)
    loop.state.energy = [
        (p + 0.3 * torch.randn(p.shape, generator=draws)).double() for p in loop.state.energy
    ]
    far = torch.randn(1, 2, 32, generator=draws, dtype=torch.float64)
    log_q = base.log_prob(far)
    data, truth = u[None, :, :16], torch.zeros(1, 16, dtype=torch.int64)
    taken = []
    monkeypatch.setattr(loop.climber, "step", lambda p, g, k: taken.append(g))

    def loss():
        loop.losses = loop.losses.double()
        loop._climb(0, data, truth, far, log_q, 0.0)
        return float(loop.losses[0, 0])

    loss()
    gradients = taken[0]
    for p, g in zip(loop.state.energy, gradients, strict=True):
        at = tuple(0 for _ in p.shape)
        p = p.detach()
        before = p[at].item()
        values = []
        for step in (1e-5, -1e-5):
            p[at] = before + step
            values.append(loss())
        p[at] = before
        assert g[at].item() == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-7)


def same(one, other):
    x = points(9, 50)
    return np.array_equal(one.log_prob(x), other.log_prob(x))


@pytest.mark.parametrize("model", [QUICK, Flow(steps=30, batch=32, hidden=(8,), transforms=2)])
def test_a_density_is_the_same_to_the_bit_alone_and_among_others(model):
    xs = [points(s, 200 + 40 * s) for s in range(4)]
    together = model.fit_many(xs, [rng(s) for s in range(4)])
    pairs = [*model.fit_many(xs[:2], [rng(0), rng(1)]), *model.fit_many(xs[2:], [rng(2), rng(3)])]
    alone = [model.fit(x, rng(s)) for s, x in enumerate(xs)]
    for one, two, three in zip(together, pairs, alone, strict=True):
        assert same(one, two)
        assert same(one, three)


def test_a_failing_set_of_points_fails_alone():
    bad = points(1).copy()
    bad[0, 0] = np.nan
    good, failed, other = QUICK.fit_many([points(0), bad, points(2)], [rng(s) for s in range(3)])
    assert isinstance(failed, Exception)
    assert same(good, QUICK.fit(points(0), rng(0)))
    assert same(other, QUICK.fit(points(2), rng(2)))


@dataclass(frozen=True)
class Random(Network):
    """A network whose values are random, or those of a whole batch."""

    kind: str = "dropout"

    def parameters(self, points, classes):
        """Those of a linear map."""
        return [Parameter((classes, points[0]), points[0]), Parameter((classes, 1), points[0])]

    def features(self, parameters, x, points):
        """Dropped, or normalised over the batch."""
        if self.kind == "dropout":
            return torch.nn.functional.dropout(x, 0.5).transpose(1, 2)
        return (x / x.std(1, keepdim=True)).transpose(1, 2)


@pytest.mark.parametrize(
    ("kind", "says"), [("dropout", "as with dropout"), ("norm", "as with batch normalisation")]
)
def test_energies_that_are_no_functions_of_a_point_are_refused(kind, says):
    x = points()
    base = reference(x, (1,), 0.0, rng())
    with pytest.raises(ValueError, match=says):
        contest(rules(energy=Random(kind)), [x], [base], [rng()])


def test_the_energy_stands_still_while_its_proposals_are_bad():
    x = points()
    base = reference(x, (1,), 0.0, rng())
    (state,) = contest(rules(gate=0.999999, penalty=0.0, steps=5), [x], [base], [rng()])
    (moved,) = contest(rules(gate=0.0, penalty=0.0, steps=5), [x], [base], [rng()])
    assert not state.energy[-2].any()
    assert moved.energy[-2].any()


@pytest.mark.slow
@pytest.mark.parametrize("model", [LED(), WGANCritic(), MEG(), LEDFlow()])
def test_led_learns_eight_gaussians(model):
    law = law_of("8gaussians")
    x, _ = law.sample(20_000, rng(0))
    test, _ = law.sample(10_000, rng(1))
    density = model.fit(x, rng(2))
    kl = float((law.log_prob(test) - density.log_prob(test)).mean())
    if isinstance(model, LED):
        assert kl <= 0.03
        assert density.log_partition().effective >= 0.5
        assert abs(mass(density, law)) <= 0.02
        assert covered(density.sample(4000, rng(3)), law, rng(4)) == 1
    assert np.isfinite(kl)


@pytest.mark.parametrize(
    "model",
    [
        QUICK,
        FixedProposal(energy=SmoothMLP((8,)), **SMALL),
        WGANCritic(energy=SmoothMLP((8,)), generator=QUICK.generator, **SMALL),
        MEG(energy=SmoothMLP((8,)), generator=QUICK.generator, **SMALL),
        LEDFlow(energy=SmoothMLP((8,)), **SMALL),
        Flow(steps=10, batch=32, hidden=(8,), transforms=2),
        GaussianMixture(),
        KDE(),
    ],
    ids=lambda m: type(m).__name__,
)
def test_every_model_leaves_a_density_that_repeats_itself(model: DensityModel):
    x = points()
    kept = x.copy()
    one, other = model.fit(x, rng(1)), model.fit(x, rng(1))
    np.testing.assert_array_equal(x, kept)
    assert same(one, other)
    drawn = one.sample(400, rng(2))
    assert drawn.shape == (400, 2)
    np.testing.assert_array_equal(drawn, other.sample(400, rng(2)))
    # Even a hasty density is about where its points are.
    assert np.abs(drawn.mean(0) - x.mean(0)).max() < 1


# ---- generative learners ------------------------------------------------------------------


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
        self.of, self.error = of, error

    def log_prob(self, x):
        """That of the other."""
        return self.of.log_prob(x)

    def sample(self, n, rng):
        """That of the other."""
        return self.of.sample(n, rng)

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
    assert doubt(scores, np.zeros(2)) == 0
    assert doubt(scores, np.array([0.1, 0.0])) == 0.25
    assert doubt(scores, np.array([0.1, 0.2])) == 0.5
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
    found = distance(log_joint(0.0), log_joint(mean), draws)
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


# ---- laws in the plane --------------------------------------------------------------------

#: Entropies in nats, by long runs of Monte Carlo, and in closed form where modes do not overlap.
FLOORS = {
    "8gaussians": (2.834, 0.008), "8gaussians-narrow": (-3.600, 0.01),
    "25gaussians": (-2.014, 0.01), "ringmixture": (2.180, 0.01),
    "checkerboard": (math.log(32), 0.01), "moons": (2.387, 0.012),
    "circles": (3.262, 0.01), "rings": (2.617, 0.01), "2spirals": (2.647, 0.01),
    "swissroll": (2.668, 0.01), "pinwheel": (2.31, 0.02),
}  # fmt: skip


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
def test_densities_integrate_to_one_and_quadrature_finds_the_floor(name):
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


def test_weights_of_a_trained_replica_are_those_of_its_energy_and_generator():
    density = QUICK.fit(points(), rng(1))
    x, weights = density.propose(200, rng(5))
    _, again = weigh(density._rules, density._state, density._base, 200, rng(5))
    np.testing.assert_array_equal(weights, again.numpy())
    assert x.shape == (200, 2)
