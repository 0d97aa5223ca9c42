"""What a measured distance to the law promises: against linear programs, and on records."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.spec.parsing import parse
from bench.theory.mixture import Mixture
from collectives.theory.pointwise import budget_bound, lead
from collectives.types import MemberData
from results.plots.distance_bound import plot_certified
from results.studies.density_learners import BAYES, COINS, GENERATIVE, NOISY, certified


@pytest.mark.parametrize("error", [0.0, 0.01, 0.05, 0.2, 0.7])
def test_no_near_law_denies_more_than_a_linear_program(error):
    """On atoms: mass t_i of point i's lead is spent, and turns it for 1/half its lead each."""
    rng = np.random.default_rng(0)
    people = rng.dirichlet(np.ones(12))
    mixture = rng.dirichlet(np.ones(36)).reshape(12, 3)
    gap = lead(mixture, np.full(12, 1))
    # Turned parts z_i in [0, 1] cost half the lead of their point each.
    cost = np.maximum(gap, 0) / 2
    worst = linprog(-people, A_ub=cost[None], b_ub=[error], bounds=[(0, 1)] * 12)
    counts = np.round(people * 200_000).astype(int)
    leads = np.repeat(gap / people, counts)
    assert budget_bound(leads, error) == pytest.approx(1 + worst.fun, abs=2e-4)


def test_a_firm_that_is_right_loses_whom_the_mixture_loses():
    assert budget_bound(np.array([0.3, -0.1, 0.0, 0.2]), 0.0) == 0.5
    assert budget_bound(np.array([0.3, 0.3]), 0.15) == pytest.approx(0.0)
    assert budget_bound(np.array([-0.1]), 0.5) == 0.0


def trials(data, learner, seeds=2):
    data = parse(data, "datasets")
    plan = parse("FeatureLabel", "strategies").with_defaults(data.signal, data.label)
    learner = parse(learner, "learners")
    made = [Trial(data, learner, plan, s, i) for s in (0.0, 0.1, 0.4) for i in range(seeds)]
    return [trial.key._asdict() | {"status": "ok"} for trial in made], made


def test_bounds_lie_below_the_bayes_rule_and_fall_with_distance():
    rows = []
    for data in (NOISY, COINS):
        keys, made = trials(data, BAYES)
        rows += [
            k | {"success": r["success"]} for k, r in zip(keys, run_trials(made), strict=True)
        ]
        for name, epsilon in (("LED", 0.05), ("a mixture", 0.0)):
            keys, _ = trials(data, GENERATIVE[name])
            rows += [k | {"success": 0.9, "report_epsilon": epsilon} for k in keys]
    found = certified(pd.DataFrame(rows))
    assert len(found) == 2 * 2 * 2 * 2
    assert (found["size"] > 0).all()
    exact, far = (found[found["epsilon"] == e].reset_index() for e in (0.0, 0.05))
    # Without any distance it is the Bayes rule's own success, but for the test points' draw.
    assert (exact["bound"] - exact["best"]).abs().max() < 0.03
    assert (far["bound"] <= exact["bound"] + 1e-12).all()
    # At 40 % no lead is above .4 a person, so .05 turns a quarter of the people or more.
    assert far.loc[far["size"] == 0.4, "bound"].between(0.5, 0.75 + 1e-9).all()
    figure = plot_certified(found)
    assert len(figure.axes) == 4
    assert all(len(axes.lines) == 4 for axes in figure.axes)


def test_leads_on_coins_are_those_of_the_whole_law():
    data = parse(COINS, "datasets")
    plan = parse("FeatureLabel", "strategies").with_defaults(data.signal, data.label)
    support, mass = data.law.support, data.law.joint(data.law.support)
    pooled = MemberData(support, np.zeros(len(support), int), 2)
    mixture = Mixture(data.law, plan, 0.05, pooled, 1000)
    moved = plan.signal(support)
    gap = lead(mixture.joint(moved), np.full(len(moved), plan.label))
    won = float(mass.sum(axis=1)[gap > 1e-12].sum())
    whole = np.repeat(gap, np.round(mass.sum(axis=1) * 1e5).astype(int))
    assert budget_bound(whole, 0.0) == pytest.approx(won, abs=1e-3)
