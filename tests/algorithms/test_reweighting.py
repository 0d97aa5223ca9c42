"""Learners that weigh people by losses or groups, against oracles that share no code with them."""

from dataclasses import replace

import cvxpy
import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from algorithms.chi2_dro import Chi2DRO, chi_square, worst_in_ball
from algorithms.cvar_dro import CVaRDRO, worst_share
from algorithms.doro import DORO, trimmed_worst_in_ball, trimmed_worst_share
from algorithms.engine import Replicas
from algorithms.engine.environments import balanced_weights
from algorithms.erm import ERM
from algorithms.group_dro import GroupDRO, group_weights
from tests.helpers.networks import NETWORKS
from tests.helpers.replicas import equal_in_any_stack, trained
from tests.helpers.samples import generators, samples


def one_replica(n, **values):
    """One replica with n samples in one group."""
    table = {k: torch.tensor([[v]], dtype=torch.float64) for k, v in values.items()}
    zeros = torch.zeros(1, n, dtype=torch.int64)
    return Replicas(zeros, zeros, 2, 1, table)


def weights(loss_weights, losses, **values):
    losses = torch.tensor(np.atleast_2d(losses), dtype=torch.float64)
    index = torch.arange(losses.shape[1])[None]
    return loss_weights(losses, index, one_replica(losses.shape[1], **values))[0].numpy()


def some_losses(rng):
    """Losses of all sorts: with ties, zeros, negative ones, of all scales, from 1 to 12."""
    m = int(rng.integers(1, 13))
    kind = rng.integers(5)
    if kind == 0:
        return rng.exponential(size=m)
    if kind == 1:
        return rng.integers(3, size=m).astype(float)
    if kind == 2:
        return rng.normal(size=m)
    if kind == 3:
        return np.full(m, float(rng.integers(-1, 2)))
    return rng.exponential(size=m) * 10.0 ** rng.integers(-6, 4) * (rng.random(m) < 0.5)


# ---- the worst share ------------------------------------------------------------------------


def test_the_worst_share_is_the_maximiser_of_its_linear_programme():
    rng = np.random.default_rng(0)
    for _ in range(75):
        losses = some_losses(rng)
        m = len(losses)
        level = float(rng.choice([1.0, 0.5 / m, 1 / m, 0.25, rng.uniform(0.01, 1)]))
        scale = max(1e-12, np.abs(losses).max())
        best = linprog(-losses / scale, A_eq=np.ones((1, m)), b_eq=1, bounds=(0, 1 / (level * m)))
        got = weights(worst_share, losses, level=level)
        assert got.sum() == pytest.approx(1, abs=1e-12)
        assert got.min() >= 0
        assert got.max() <= 1 / (level * m) + 1e-12
        assert got @ losses / scale == pytest.approx(-best.fun, abs=1e-9)
        if level == 1:
            assert got == pytest.approx(np.full(m, 1 / m))


def test_below_one_sample_the_worst_one_has_all_the_weight():
    assert weights(worst_share, [1.0, 3.0, 2.0], level=0.1).tolist() == [0, 1, 0]


def test_a_collective_is_heard_at_most_its_size_over_the_level():
    for sample, rng in zip(samples(6), generators(6), strict=True):
        learner = CVaRDRO(epochs=4, batch_size=8, level=0.3)
        given = learner.fit(sample, rng).weights
        members = np.arange(3)
        assert given.sum() == pytest.approx(len(sample), rel=1e-5)
        assert given[members].sum() / given.sum() <= 3 / 23 / 0.3 + 1e-6
        assert given.max() <= 1 / 0.3 + 1e-5


# ---- the ball -------------------------------------------------------------------------------


def worst_by_cvxpy(losses, mass, radius):
    """The largest weighted loss over the chi-square ball, of what has mass."""
    losses, mass = losses[mass > 0], mass[mass > 0]
    low, scale = losses.min(), max(1e-300, np.ptp(losses))
    w = cvxpy.Variable(len(losses), nonneg=True)
    ball = cvxpy.sum_squares(cvxpy.multiply(w / mass - 1, np.sqrt(mass))) <= 2 * radius
    aim = cvxpy.Maximize(((losses - low) / scale) @ w)
    return cvxpy.Problem(aim, [ball, cvxpy.sum(w) == 1]).solve(solver="CLARABEL"), low, scale


def check_ball(got, losses, mass, radius):
    best, low, scale = worst_by_cvxpy(losses, mass, radius)
    kept = mass > 0
    spread = (mass[kept] * (got[kept] / mass[kept] - 1) ** 2).sum() / 2
    assert got.min() >= 0
    assert got[~kept].sum() == 0
    assert got.sum() == pytest.approx(1, abs=1e-9)
    assert spread <= radius + 1e-7
    assert got @ (losses - low) / scale == pytest.approx(best, abs=2e-6)


def test_weights_in_a_ball_are_the_maximiser_of_its_programme():
    rng = np.random.default_rng(1)
    for _ in range(50):
        losses = some_losses(rng)
        radius = float(rng.choice([1.0, 1e-3, 10.0, 0.5, rng.exponential()]))
        got = weights(chi_square, losses, radius=radius)
        check_ball(got, losses, np.full(len(losses), 1 / len(losses)), radius)


def test_masses_need_not_be_equal():
    rng = np.random.default_rng(2)
    for _ in range(30):
        losses = some_losses(rng)
        mass = rng.dirichlet(np.ones(len(losses)))
        # What is left out is always what has the largest loss.
        if len(losses) > 1:
            mass[losses.argmax()] = 0
            mass /= mass.sum()
        radius = float(rng.exponential())
        table = [torch.tensor(np.atleast_2d(v)) for v in (losses, mass, radius)]
        check_ball(worst_in_ball(*table)[0].numpy(), losses, mass, radius)


def test_the_limits_of_the_ball():
    losses = np.array([0.3, 2.0, -1.0, 2.0, 0.0])
    assert weights(chi_square, losses, radius=0) == pytest.approx(np.full(5, 0.2), abs=1e-12)
    assert weights(chi_square, losses, radius=1e-14) == pytest.approx(np.full(5, 0.2), abs=1e-6)
    assert weights(chi_square, losses, radius=1e6).tolist() == [0, 0.5, 0, 0.5, 0]
    # Two of five: the ball holds all weight on them from a radius of (5/2 - 1)/2 on.
    assert weights(chi_square, losses, radius=0.75).tolist() == [0, 0.5, 0, 0.5, 0]
    assert (weights(chi_square, losses, radius=0.74) > 0).sum() > 2
    for same in (0.0, -3.0, 1e-30, 7.0):
        assert weights(chi_square, np.full(4, same), radius=1) == pytest.approx(np.full(4, 0.25))
    assert weights(chi_square, [5.0], radius=1.0).tolist() == [1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_limits_of_the_ball_hold_however_masses_are_rounded(dtype):
    for m in range(1, 70):
        table = Replicas(None, None, 2, 1, {"radius": torch.zeros(1, 1, dtype=dtype)})
        for losses in (torch.full((1, m), 0.3, dtype=dtype), torch.eye(m, dtype=dtype)[:1]):
            got = chi_square(losses, torch.arange(m)[None], table)
            torch.testing.assert_close(got, torch.full_like(got, 1 / m), atol=0.002 / m, rtol=0)


def test_in_a_ball_a_collective_is_heard_at_most_as_much_as_its_bound():
    rng = np.random.default_rng(3)
    for _ in range(50):
        losses, radius = rng.exponential(size=40), float(rng.exponential())
        members = np.argsort(losses)[-int(rng.integers(1, 20)) :]
        size = len(members) / 40
        bound = size + np.sqrt(2 * radius * size * (1 - size))
        assert weights(chi_square, losses, radius=radius)[members].sum() <= bound + 1e-9
    # Members who all have the one loss, and nobody else any, reach it.
    got = weights(chi_square, np.r_[np.ones(4), np.zeros(36)], radius=0.5)
    assert got[:4].sum() == pytest.approx(0.1 + np.sqrt(0.09))


# ---- outliers set aside ---------------------------------------------------------------------


def left(losses, outliers):
    """The mass of each sample after the cut, found by walking down from the largest loss."""
    mass, cut = np.full(len(losses), 1.0), outliers * len(losses)
    for i in sorted(range(len(losses)), key=lambda i: -losses[i]):
        gone = min(1.0, cut)
        mass[i] -= gone
        cut -= gone
    return np.maximum(mass, 0) / mass.sum()


def test_without_outliers_nothing_is_set_aside():
    rng = np.random.default_rng(4)
    for _ in range(50):
        losses, level = some_losses(rng), float(rng.uniform(0.01, 1))
        base = weights(worst_share, losses, level=level)
        got = weights(trimmed_worst_share, losses, level=level, outliers=0)
        assert got == pytest.approx(base, abs=1e-12)
        base = weights(chi_square, losses, radius=level)
        got = weights(trimmed_worst_in_ball, losses, radius=level, outliers=0)
        assert got == pytest.approx(base, abs=1e-12)


def test_what_is_left_is_weighed_as_its_base_weighs():
    rng = np.random.default_rng(5)
    for _ in range(30):
        losses, level = rng.normal(size=int(rng.integers(2, 13))), float(rng.uniform(0.01, 1))
        outliers = float(rng.choice([0.25, 0.5, rng.uniform(0, 0.9)]))
        mass = left(losses, outliers)
        best = linprog(
            -losses, A_eq=np.ones((1, len(losses))), b_eq=1, bounds=np.c_[0 * mass, mass / level]
        )
        got = weights(trimmed_worst_share, losses, level=level, outliers=outliers)
        assert got.sum() == pytest.approx(1, abs=1e-12)
        assert (got <= mass / level + 1e-12).all()
        assert got @ losses == pytest.approx(-best.fun, abs=1e-9)
        got = weights(trimmed_worst_in_ball, losses, radius=level, outliers=outliers)
        check_ball(got, losses, np.where(mass < 1e-12, 0, mass), level)


def test_a_sample_that_is_cut_through_counts_in_part():
    # 1.5 of five are gone: of the second half is left, 0.5 of 3.5; half of all counts.
    got = weights(trimmed_worst_share, [1.0, 5.0, 2.0, 4.0, 3.0], outliers=0.3, level=0.5)
    assert got == pytest.approx(np.array([0, 0, 0.25, 0.5, 1.0]) / 1.75)


def test_those_who_are_set_aside_most_of_the_time_are_counted():
    found = set()
    for sample, rng in zip(samples(6), generators(6), strict=True):
        # All that is left counts alike, so that weights say how much was set aside.
        fitted = DORO(epochs=9, batch_size=8, outliers=0.3, level=1.0).fit(sample, rng)
        aside = 1 - fitted.weights * (1 - 0.3)
        assert aside.mean() == pytest.approx(0.3, abs=1e-5)
        assert fitted.report["removed"] == pytest.approx((aside > 0.49999).mean())
        found.add(fitted.report["removed"])
    assert len(found) > 1


# ---- groups ---------------------------------------------------------------------------------


def test_group_weights_go_where_a_plain_loop_goes():
    rng = np.random.default_rng(6)
    group, groups, step, margin = rng.integers(3, size=30), 4, 0.7, 0.4
    table = {
        "step": torch.tensor([[step]], dtype=torch.float64),
        "adjustment": torch.tensor([[margin]], dtype=torch.float64),
    }
    replicas = Replicas(torch.tensor(group)[None], torch.tensor(group)[None], 2, groups, table)
    # Nobody is in the last of the groups: the others share all there is.
    q = dict.fromkeys(range(groups - 1), 1 / 3)
    for _ in range(8):
        index, losses = rng.choice(30, 7, replace=False), rng.exponential(size=7)
        got = group_weights(torch.tensor(losses)[None], torch.tensor(index)[None], replicas)
        means = {}
        for g in q:
            own = [loss for i, loss in zip(index, losses, strict=True) if group[i] == g]
            means[g] = sum(own) / len(own) if own else 0.0
            q[g] *= np.exp(step * (means[g] + margin / np.sqrt((group == g).sum())))
        q = {g: v / sum(q.values()) for g, v in q.items()}
        want = [q[group[i]] / (group[index] == group[i]).sum() for i in index]
        assert got[0].numpy() == pytest.approx(want, abs=1e-13)


def test_with_one_group_it_is_empirical_risk_minimisation():
    made = samples(3)
    for s in made:
        s.group, s.groups = np.zeros(len(s), dtype=np.int64), 1
    robust = GroupDRO(epochs=3, batch_size=8, balance=False)
    plain = ERM(epochs=3, batch_size=8)
    for one, two in zip(trained(robust, made), trained(plain, made), strict=True):
        for p, q in zip(one.parameters, two.parameters, strict=True):
            torch.testing.assert_close(p, q, atol=1e-6, rtol=1e-6)


def test_without_steps_all_groups_count_alike():
    group = torch.tensor([[0, 0, 0, 1, 1, 2]])
    table = {name: torch.zeros(1, 1) for name in ("step", "adjustment")}
    replicas = Replicas(group, group, 3, 3, table)
    for _ in range(3):
        got = group_weights(
            torch.rand(1, 6, generator=torch.manual_seed(0)), torch.arange(6)[None], replicas
        )
        assert got[0].numpy() == pytest.approx([1 / 9] * 3 + [1 / 6] * 2 + [1 / 3])
    assert balanced_weights(group[0].numpy()) == pytest.approx([1 / 3] * 3 + [1 / 2] * 2 + [1])


# ---- company --------------------------------------------------------------------------------


LEARNERS = [
    Chi2DRO(radius=0.7),
    DORO(outliers=0.1, level=0.3),
    DORO(objective="chi2", outliers=0.1),
]


@pytest.mark.parametrize("name", ["mlp", "odd conv"])
@pytest.mark.parametrize("learner", LEARNERS, ids=repr)
def test_a_replica_is_the_same_to_the_bit_in_any_company(name, learner):
    equal_in_any_stack(replace(learner, epochs=3, batch_size=8, network=NETWORKS[name]), name)
