"""Density models: what they leave, with whom, and what they refuse."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from scipy import stats

from algorithms.density import partition
from algorithms.density._energy_state import draw_proposals
from algorithms.density._reference import fit_reference
from algorithms.density._training import EnergyTraining, Validation, train_energies
from algorithms.density.base import DensityModel
from algorithms.density.cnf import CNF
from algorithms.density.energies import SineMLP, SmoothMLP
from algorithms.density.energy_model import EnergyDensity
from algorithms.density.fixed_proposal import FixedProposal
from algorithms.density.flow import Flow
from algorithms.density.gaussian_mixture import GaussianMixture
from algorithms.density.kde import KDE
from algorithms.density.led import LED
from algorithms.density.led_flow import LEDFlow
from algorithms.density.maf import MAF
from algorithms.density.meg import MEG
from algorithms.density.one_way_flow import OneWayFlow
from algorithms.density.refined import Refined
from algorithms.density.wgan_critic import WGANCritic
from algorithms.networks import Network, Parameter
from bench.density.known_laws import covered, law_of, mass

SMALL = {"steps": 16, "batch_size": 32, "proposals": 64, "rounds": 2, "final": 512}
QUICK = LED(generator=OneWayFlow(layers=2, bumps=3, hidden=8), energy=SmoothMLP((16,)), **SMALL)


def rng(seed=0):
    return np.random.default_rng(seed)


def points(seed=0, n=300, d=2):
    return rng(seed).standard_normal((n, d)) @ np.diag(np.arange(1, d + 1)) + 3


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
    model = LED(steps=1, learning_rate=1e-12, generator_rate=1e-12, rounds=1, final=4096)
    z = model.fit(points(), rng(1)).log_partition()
    assert z.effective > 0.85
    assert z.value == pytest.approx(0, abs=4 * z.error + 1e-3)


def tiny(cls=LED, **other):
    base = {
        "energy": SmoothMLP((8,)),
        "generator": OneWayFlow(layers=2, bumps=2, hidden=6),
        "penalty": 0.1,
        "steps": 10,
        "batch_size": 16,
        "proposals": 32,
        "learning_rate": 1e-2,
        "gate": 0.0,
        "rounds": 1,
        "final": 4096,
    }
    return cls(**(base | other))


@pytest.mark.parametrize("model", [LED, MEG], ids=["importance", "critic"])
def test_the_gradient_of_the_energys_loss_is_that_of_finite_differences(model, monkeypatch):
    ours = tiny(model, penalty=0.0)
    x = points(n=40)
    base = fit_reference(x, (1,), 0.0, rng())
    u = base.whiten(torch.from_numpy(x.T)[None])[0]
    loop = EnergyTraining(
        ours, [u.float()], [torch.zeros(40, dtype=torch.int64)], [base], [rng(2)]
    )
    loop.reference = base
    draws = torch.Generator().manual_seed(0)
    loop.state.energy = [
        (p + 0.3 * torch.randn(p.shape, generator=draws)).double() for p in loop.state.energy
    ]
    far = torch.randn(1, 2, 32, generator=draws, dtype=torch.float64)
    log_q = base.log_prob(far)
    data, truth = u[None, :, :16], torch.zeros(1, 16, dtype=torch.int64)
    taken = []
    monkeypatch.setattr(loop.energy_optimiser, "step", lambda p, g, k: taken.append(g))

    def loss():
        loop.losses = loop.losses.double()
        loop._step_energy(0, data, truth, far, log_q, 0.0)
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


#: Networks of the usual sizes, a few steps of each.
BRIEF = {"steps": 3, "rounds": 1, "final": 64}
ODD = LED(
    energy=SmoothMLP((7, 5)),
    generator=OneWayFlow(bumps=3, hidden=5),
    penalty=0.1,
    **(BRIEF | {"steps": 9, "batch_size": 31, "proposals": 33}),
)


@pytest.mark.parametrize(
    "model",
    [
        QUICK,
        Flow(steps=5, batch_size=32, hidden=(8,), transforms=2),
        LED(penalty=0.1, **BRIEF),
        LED(penalty=0.1, components=(3,), **BRIEF),
        MEG(**BRIEF),
        WGANCritic(**BRIEF),
        LED(energy=SineMLP(), penalty=0.1, **BRIEF),
        LEDFlow(penalty=0.1, **BRIEF),
        ODD,
    ],
    ids=lambda m: f"{type(m).__name__}({type(getattr(m, 'energy', None)).__name__})",
)
def test_a_density_is_the_same_to_the_bit_alone_and_among_others(model):
    xs = [points(s, 200 + 40 * s) for s in range(4)]
    together = model.fit_many(xs, [rng(s) for s in range(4)])
    pair = model.fit_many(xs[1:3], [rng(1), rng(2)])
    assert same(pair[0], together[1])
    assert same(pair[1], together[2])
    for s in (0, 3):
        assert same(model.fit(xs[s], rng(s)), together[s])


@pytest.mark.parametrize("d", [1, 3])
def test_odd_numbers_of_units_and_points_are_stacked_to_the_bit(d):
    xs = [points(s, 200, d) for s in range(3)]
    together = ODD.fit_many(xs, [rng(s) for s in range(3)])
    for s, x in enumerate(xs):
        alone = ODD.fit(x, rng(s))
        assert np.array_equal(alone.log_prob(xs[0]), together[s].log_prob(xs[0]))


def test_a_failing_set_of_points_fails_alone():
    bad = points(1).copy()
    bad[0, 0] = np.nan
    good, failed, other = QUICK.fit_many([points(0), bad, points(2)], [rng(s) for s in range(3)])
    assert isinstance(failed, Exception)
    assert same(good, QUICK.fit(points(0), rng(0)))
    assert same(other, QUICK.fit(points(2), rng(2)))


def test_an_energy_that_has_no_partition_function_fails_alone(monkeypatch):
    xs, told = [points(s) for s in range(3)], []

    def estimated(*weights):
        told.append(partition.estimate(*weights))
        return replace(told[-1], value=np.nan) if len(told) == 2 else told[-1]

    want = QUICK.fit_many(xs, [rng(s) for s in range(3)])
    monkeypatch.setattr("algorithms.density.energy_model.estimate", estimated)
    good, failed, other = QUICK.fit_many(xs, [rng(s) for s in range(3)])
    assert isinstance(failed, ArithmeticError)
    assert same(good, want[0])
    assert same(other, want[2])


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
    base = fit_reference(x, (1,), 0.0, rng())
    with pytest.raises(ValueError, match=says):
        train_energies(tiny(energy=Random(kind)), [x], [base], [rng()])


def test_the_energy_stands_still_while_its_proposals_are_bad():
    x = points()
    base = fit_reference(x, (1,), 0.0, rng())
    (state,) = train_energies(tiny(gate=0.999999, penalty=0.0, steps=5), [x], [base], [rng()])
    (moved,) = train_energies(tiny(gate=0.0, penalty=0.0, steps=5), [x], [base], [rng()])
    assert not state.energy[-2].any()
    assert moved.energy[-2].any()


def test_an_energy_that_only_lost_is_left_at_its_reference():
    x = points(n=200)
    wild = LED(energy=SmoothMLP((16,)), learning_rate=3.0, gate=0.0, components=(2,), **SMALL)
    start = GaussianMixture(components=(2,), shrinkage=0.0).fit(x, rng(1))
    far = x + 3
    np.testing.assert_allclose(
        wild.fit(x, rng(1)).log_prob(far), start.log_prob(far), atol=1e-2
    )  # log Z = 0 is estimated, too
    kept = LED(
        energy=SmoothMLP((16,)),
        learning_rate=3.0,
        gate=0.0,
        components=(2,),
        **(SMALL | {"rounds": 1}),
    ).fit(x, rng(1))
    assert np.abs(kept.log_prob(far) - start.log_prob(far)).max() > 1


def test_a_generator_that_lost_its_way_is_replaced_by_the_reference():
    x = points()
    base = fit_reference(x, (1,), 0.0, rng())
    ours = tiny(generator_rate=1.0, learning_rate=1e-9, steps=6)
    (lost,) = train_energies(ours, [x], [base], [rng()])
    single = base.apply(lambda t: t.float())
    _, weights = draw_proposals(ours.energy, ours.generator, lost, single, 4096, rng(3))
    assert partition.effective(weights.numpy()) < 0.05
    density = EnergyDensity(ours, lost, base, rng(1))
    z = density.log_partition()
    assert z.effective > 0.99
    assert not z.alarms()
    assert z.value == pytest.approx(0, abs=1e-3)
    drawn, again = density.propose(4000, rng(2))
    assert partition.effective(again) > 0.99
    assert np.abs(drawn.mean(0) - x.mean(0)).max() < 0.2


def test_rounds_whose_weights_are_too_heavy_are_not_believed(monkeypatch):
    x, base = points(n=60), fit_reference(points(n=60), (1,), 0.0, rng())
    scores = iter([(5.0, 0.01, 0.9), (-9.0, 0.01, 0.01), (-9.0, 0.01, 0.01)])
    states = []

    def validate(config, state, *_):
        states.append(state)
        return Validation(*next(scores))

    monkeypatch.setattr("algorithms.density._training.validate_state", validate)
    monkeypatch.setattr(EnergyTraining, "initial_losses", lambda self, validation: {})
    (state,) = train_energies(tiny(rounds=3, steps=9), [x], [base], [rng()])
    assert state is states[0]


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
        Flow(steps=5, batch_size=32, hidden=(8,), transforms=2),
        MAF(steps=5, batch_size=32, hidden=(8,), transforms=2),
        CNF(steps=2, batch_size=8, hidden=(8,), tolerance=1e-2),
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


@pytest.mark.parametrize(
    "model",
    [
        Flow(steps=40, batch_size=32, hidden=(8,), transforms=1, learning_rate=0.02),
        CNF(steps=5, batch_size=16, hidden=(8,), learning_rate=0.1, tolerance=1e-3),
        LEDFlow(energy=SmoothMLP((8,)), **SMALL),
        Refined(Flow(steps=10, batch_size=32, hidden=(8,), transforms=2), QUICK),
    ],
    ids=lambda m: type(m).__name__,
)
def test_flows_take_points_of_one_column(model):
    x = points(d=1)
    density = model.fit(x, rng(1))
    grid = np.linspace(-12, 18, 601)[:, None]
    assert np.exp(density.log_prob(grid)).sum() * 0.05 == pytest.approx(1, abs=0.1)
    assert density.sample(400, rng(2)).mean() == pytest.approx(x.mean(), abs=0.3)


@pytest.mark.parametrize(
    ("model", "close"),
    [
        (MAF(steps=60, batch_size=64, hidden=(8,), learning_rate=0.02), 1e-9),
        # The map and its inverse are as exact as the solver.
        (CNF(steps=16, batch_size=64, hidden=(32,), learning_rate=0.03, tolerance=1e-3), 0.05),
    ],
    ids=["MAF", "CNF"],
)
def test_a_flow_learns_a_shape_that_no_normal_law_has_and_integrates_to_one(model, close):
    x = rng(0).standard_normal((600, 2))
    x[:, 1] += x[:, 0] ** 2
    density = model.fit(x, rng(1))
    a, b = np.linspace(-7, 7, 57), np.linspace(-9, 26, 141)
    grid = np.stack(np.meshgrid(a, b), axis=-1).reshape(-1, 2)
    assert np.exp(density.log_prob(grid)).sum() * 0.25**2 == pytest.approx(1, abs=0.01)
    normal = stats.multivariate_normal(x.mean(axis=0), np.cov(x.T))
    assert density.log_prob(x).mean() > normal.logpdf(x).mean() + 0.05
    noise, _ = density.noise(x[:50])
    np.testing.assert_allclose(density.points(noise), x[:50], atol=close)


@pytest.mark.parametrize("units", ["common", "own"])
def test_kernels_are_as_wide_as_their_units_say(units):
    x = points() * np.array([1.0, 1000.0])
    wide = x.std(axis=0) if units == "own" else np.full(2, np.sqrt(x.var(axis=0).mean()))
    density = KDE(bandwidths=(0.3,), units=units).fit(x, rng(1))
    at = points(seed=4, n=50) * np.array([1.0, 1000.0])
    truth = np.log(stats.norm.pdf(at[:, None], x, 0.3 * wide).prod(axis=2).mean(axis=1))
    np.testing.assert_allclose(density.log_prob(at), truth, atol=2e-4)
    # Samples are of the same density: centres, and noise of the kernel's width.
    spread = np.sqrt(x.var(axis=0) + (0.3 * wide) ** 2)
    assert density.sample(40_000, rng(2)).std(axis=0) == pytest.approx(spread, rel=0.02)


def test_weights_of_a_trained_replica_are_those_of_its_energy_and_generator():
    density = QUICK.fit(points(), rng(1))
    x, weights = density.propose(200, rng(5))
    network, generator = QUICK.energy, QUICK.generator
    state, reference = density._state, density._reference
    _, again = draw_proposals(network, generator, state, reference, 200, rng(5))
    np.testing.assert_array_equal(weights, again.numpy())
    assert x.shape == (200, 2)
