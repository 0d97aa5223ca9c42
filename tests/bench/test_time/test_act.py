"""Collective action at test time, against closed forms and other optimisers."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from algorithms.base import Classifier
from algorithms.knn import KNN
from algorithms.logistic_regression import LogisticRegression as Logistic
from bench.core.errors import BenchError
from bench.datasets.synthetic.gaussians import Gaussians
from bench.test_time.act import (
    ActionTrial,
    Members,
    act_at_test_time,
    query,
    random_perturbations,
    success,
    universal_perturbations,
)
from bench.test_time.perturbation import random_direction, universal
from bench.test_time.proxy import answers_of, fit_proxy
from collectives.data_strikes import Strike
from collectives.idle import Idle
from tests.helpers.trials import trial

DATA = Gaussians(n=200, n_test=200, dimension=5)
IDLE = Idle(DATA.signal, DATA.label)


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def linear_firm(slopes, intercepts):
    return Classifier(lambda x: (x.reshape(len(x), -1) @ slopes.T + intercepts).argmax(1))


def members(n=400, d=6, classes=2, target=1, seed=0):
    draw = np.random.default_rng(seed)
    x, y = draw.normal(size=(n, d)), draw.integers(classes, size=n)
    return Members(x[::2], y[::2], x[1::2], y[1::2], classes, target)


# ---- proxy --------------------------------------------------------------------------------


def test_the_proxy_is_penalised_logistic_regression():
    draw = np.random.default_rng(0)
    x, strength = 3 + 5 * draw.normal(size=(80, 3)), 0.01
    y = (x @ [1.0, -2.0, 0.5] + draw.normal(size=80) > 0).astype(int)
    unit = np.sqrt(((x - x.mean(0)) ** 2).mean())
    peer = LogisticRegression(C=1 / (80 * strength), tol=1e-10, max_iter=10_000)
    peer.fit((x - x.mean(0)) / unit, y)
    theta = fit_proxy(x, y, 2, strength)
    odds = (theta[1] - theta[0])[:-1] @ x.T + (theta[1] - theta[0])[-1]
    assert odds == pytest.approx(peer.decision_function((x - x.mean(0)) / unit), abs=1e-4)
    assert (answers_of(theta, x) == (odds > 0)).all()


def test_the_proxy_does_not_depend_on_the_unit_or_the_origin_of_points():
    x = np.random.default_rng(0).normal(size=(50, 3))
    y = (x[:, 0] > 0.3).astype(int)
    one, other = fit_proxy(x, y, 2), fit_proxy(7 * x + 2, y, 2)
    assert other[:, :-1] * 7 == pytest.approx(one[:, :-1], abs=1e-6)
    assert (answers_of(other, 7 * x + 2) == answers_of(one, x)).all()


@pytest.mark.parametrize("x", [np.zeros((1, 3)), np.ones((5, 3))])
def test_few_and_equal_queries_have_a_proxy(x):
    theta = fit_proxy(x, np.ones(len(x), int), 3)
    assert np.isfinite(theta).all()
    assert (answers_of(theta, x) == 1).all()


# ---- perturbation -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_with_two_labels_the_perturbation_is_along_the_difference_of_slopes(seed):
    draw = np.random.default_rng(seed)
    theta, x = draw.normal(size=(2, 8)), draw.normal(size=(30, 7))
    gap = theta[1, :-1] - theta[0, :-1]
    wanted = 1.7 * gap / np.linalg.norm(gap)
    assert universal(theta, x, 1, 1.7) == pytest.approx(wanted, abs=1e-9)
    assert universal(theta, x, 0, 1.7) == pytest.approx(-wanted, abs=1e-9)


@pytest.mark.parametrize("radius", [0.3, 1.5, 6.0])
def test_with_many_labels_no_other_optimiser_finds_a_better_one(radius):
    draw = np.random.default_rng(1)
    theta, x = draw.normal(size=(5, 4)), draw.normal(size=(20, 3))

    def loss(delta):
        odds = np.column_stack([x + delta, np.ones(20)]) @ theta.T
        return float(np.mean(np.log(np.exp(odds).sum(1)) - odds[:, 2]))

    ball = {"type": "ineq", "fun": lambda delta: radius**2 - delta @ delta}
    starts = draw.normal(size=(5, 3))
    best = min(minimize(loss, s, method="SLSQP", constraints=ball).fun for s in starts)
    found = universal(theta, x, 2, radius)
    assert np.linalg.norm(found) <= radius * (1 + 1e-9)
    assert loss(found) == pytest.approx(best, abs=2e-4)
    assert loss(found) < loss(np.zeros(3)) - 0.01


def test_a_proxy_without_slopes_moves_no_points():
    assert universal(np.ones((3, 4)), np.zeros((2, 3)), 1, 1.0).tolist() == [0, 0, 0]


def test_random_directions_have_the_norm_and_no_favourite():
    draw = np.random.default_rng(0)
    drawn = np.array([random_direction(3, 2.0, draw) for _ in range(2000)])
    assert np.linalg.norm(drawn, axis=1) == pytest.approx(2.0)
    assert np.abs(drawn.mean(0)).max() < 0.12
    assert drawn.T @ drawn / 2000 == pytest.approx(4 / 3 * np.eye(3), abs=0.12)


# ---- a linear firm ------------------------------------------------------------------------


def test_many_queries_find_the_best_perturbation_of_a_linear_firm():
    """The closed form: along the difference of the firm's slopes, whatever its intercept."""
    group = members(n=8000)
    slopes = np.array([[1.0, 0.5, -0.2, 0, 0, 0.3], [-1.0, 1.5, 0.2, 0.4, 0, 0]])
    firm = linear_firm(slopes, np.array([0.3, 0.0]))
    gap = slopes[1] - slopes[0]
    cosines = []
    for budget in (20, 200, 4000):
        found = universal_perturbations(query(firm, group, budget), group, 1.0)
        assert found[1].tolist() == [0] * 6
        assert np.linalg.norm(found[0]) == pytest.approx(1.0)
        cosines.append(cosine(found[0], gap))
    assert cosines == sorted(cosines)
    assert cosines[-1] > 0.999
    best = np.zeros((2, 6))
    best[0] = gap / np.linalg.norm(gap)
    assert success(firm, group, found) == pytest.approx(success(firm, group, best), abs=0.005)
    assert success(firm, group, best) > success(firm, group, 0 * best) + 0.2


def test_success_counts_held_out_points_of_other_classes():
    x = np.array([[0.0], [1.0], [2.0], [5.0]])
    labels = np.array([0, 0, 2, 1])
    group = Members(x[:1], labels[:1], x, labels, 3, 1)
    firm = Classifier(lambda x: (x[:, 0] > 1.5).astype(int))
    moves = np.array([[1.0], [9.0], [-1.0]])
    # Of the points 0, 1 and 2, which move to 1, 2 and 1, the second one is called the target.
    assert success(firm, group, moves) == pytest.approx(1 / 3)
    assert success(firm, group, 0 * moves) == pytest.approx(1 / 3)
    alone = replace(group, held_out_labels=np.ones(4, int))
    with pytest.raises(BenchError, match="choose another target"):
        success(firm, alone, moves)


def test_a_class_without_known_points_and_the_target_have_no_perturbation():
    group = members(classes=3, target=2)
    group = replace(group, labels=np.where(group.labels == 1, 0, group.labels))
    theta = np.random.default_rng(0).normal(size=(3, 7))
    norms = np.linalg.norm(universal_perturbations(theta, group, 2.0), axis=1)
    assert norms == pytest.approx([2.0, 0.0, 0.0])
    drawn = random_perturbations(group, 2.0, np.random.default_rng(0))
    assert np.linalg.norm(drawn, axis=1) == pytest.approx([2.0] * 3)


# ---- trials -------------------------------------------------------------------------------


def test_the_spread_is_the_distance_from_the_mean():
    group = members()
    centred = group.known - group.known.mean(0)
    assert group.spread() == pytest.approx(np.mean((centred**2).sum(1)) ** 0.5)


def test_members_fool_a_linear_firm_and_chance_does_not():
    records = act_at_test_time(trial(Logistic(), data=DATA, strategy=IDLE), (5, 100), 1.0)
    found = {(r["budget"], r["way"]): r["success"] for r in records}
    assert len(records) == 6
    # Points of the other class are standard normal around -1.5 along the line of the means, and
    # move by the spread, the root of 5 + 2.25 with a few signal bits.
    best = norm.cdf(7.25**0.5 - 1.5)
    assert best - 0.15 < found[100, "universal"] < best + 0.1
    assert found[5, "none"] == found[100, "none"] < 0.2
    assert found[5, "random"] == found[100, "random"] < 0.6
    agreements = [r["agreement"] for r in records if r["way"] == "universal"]
    assert agreements[0] < agreements[1]
    assert agreements[1] > 0.95
    assert records[0]["size"] == 0.0


def test_ways_can_be_chosen_and_the_budget_is_a_prefix_of_one_order():
    asked = []

    def firm(x):
        asked.append(x)
        return np.zeros(len(x), int)

    group = members()
    query(Classifier(firm), group, 3)
    query(Classifier(firm), group, 9)
    assert np.array_equal(asked[1][:3], asked[0])
    (only,) = act_at_test_time(trial(KNN(), data=DATA, strategy=IDLE), (7,), 0.0, ("none",))
    assert only["way"] == "none"


def test_without_a_norm_all_ways_are_alike():
    records = act_at_test_time(trial(KNN(), data=DATA, strategy=IDLE), (50,), 0.0)
    assert len({r["success"] for r in records}) == 1


def test_wrong_budgets_and_strategies_are_named():
    for budget in (0, 101):
        with pytest.raises(
            BenchError, match=f"budget of {budget} queries is not between 1 and 100"
        ):
            act_at_test_time(trial(KNN(), data=DATA, strategy=IDLE), (budget,), 1.0)
    with pytest.raises(BenchError, match="has no target label"):
        act_at_test_time(trial(KNN(), data=DATA, strategy=Strike(label=None)), (5,), 1.0)


def test_the_record_of_a_trial_has_all_ways_and_budgets():
    planned = trial(KNN(), data=DATA, strategy=IDLE, size=0.1)
    action = ActionTrial(planned, (5, 50), 1.0)
    record = action.measure()
    found = {(r["budget"], r["way"]): r for r in act_at_test_time(planned, (5, 50), 1.0)}
    assert action.key.size == 0.0
    assert record["measures"] == {
        "none": found[5, "none"]["success"],
        "random": found[5, "random"]["success"],
        **{f"universal_{q}": found[q, "universal"]["success"] for q in (5, 50)},
        **{f"agreement_{q}": found[q, "universal"]["agreement"] for q in (5, 50)},
    }
    assert 0 < record["accuracy"] <= 1
