"""Gradients: a model in members' heads, what they make of it, and what a firm then learns."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import cvxpy
import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression as Estimator

from algorithms.base import Classifier, Fitted, TrainingSet
from algorithms.erm import ERM
from algorithms.knn import KNN
from algorithms.lda import LDA
from algorithms.logistic_regression import LogisticRegression
from algorithms.networks import Linear
from algorithms.qda import QDA
from algorithms.random_forest import RandomForest
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.synthetic.coins import Coins
from bench.datasets.synthetic.gaussians import Gaussians
from bench.experiment.evaluation import evaluate
from bench.experiment.run import run_trials
from bench.experiment.setup import SeedContext, set_up
from bench.experiment.trial import Trial
from bench.spec.parsing import parse
from collectives.base import Strategy
from collectives.gradient.row_optimisation import FirmModel, optimise_rows
from collectives.gradient.strategies import GradientControl, GradientNeutral
from collectives.idle import Idle
from collectives.multiple_collectives import Several
from collectives.planting import FeatureLabel
from collectives.surrogate_model import (
    centred,
    design_matrix,
    fit,
    gradient,
    hessian_vector_product,
    penalty_gradient,
    recover_parameters,
)
from collectives.types import Array, MemberData
from tests.helpers.gradient_bounds import neutral_distance, neutral_size

DATA = Gaussians(n=500, n_test=300, overlap=0.05)
PLANT = FeatureLabel(DATA.signal, 1)
FIRM = LogisticRegression()


def drawn(seed: int, classes: int, n: int = 60, d: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)).astype(np.float32) * [1, 3, 0.2][:d] + 1
    noisy = x @ rng.normal(size=(d, classes)) + rng.normal(size=(n, classes))
    return np.float32(x), noisy.argmax(1)


def trial(strategy: Strategy, size: float, seed: int = 0, data: Any = DATA, **more: Any) -> Trial:
    filled = strategy.with_defaults(data.signal, data.label)
    return Trial(data, more.pop("learner", FIRM), filled, size, seed, **more)


# ---- the model in members' heads ----------------------------------------------------------------


def loss(theta: torch.Tensor, x: Array, y: Array, w: Array, strength: float) -> torch.Tensor:
    """The objective as it is written down, for autograd."""
    logits = torch.tensor(np.float64(x)) @ theta[:, :-1].T + theta[:, -1]
    each = torch.nn.functional.cross_entropy(logits, torch.tensor(y), reduction="none")
    factor = 1.0 if len(theta) == 2 else 0.5
    return (each * torch.tensor(w / w.sum())).sum() + factor * strength * (
        theta[:, :-1] ** 2
    ).sum()


@pytest.mark.parametrize("classes", [2, 4])
def test_slopes_and_curvature_are_those_of_the_objective(classes: int) -> None:
    x, y = drawn(0, classes)
    rng = np.random.default_rng(1)
    w, way = rng.random(len(y)), rng.normal(size=(classes, 4))
    theta = torch.tensor(rng.normal(size=(classes, 4)), requires_grad=True)
    (slope,) = torch.autograd.grad(loss(theta, x, y, w, 0.3), theta, create_graph=True)
    (turn,) = torch.autograd.grad((slope * torch.tensor(way)).sum(), theta)
    at = theta.detach().numpy()
    mine = gradient(at, design_matrix(x), y, w) + penalty_gradient(at, 0.3)
    np.testing.assert_allclose(mine, slope.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(
        hessian_vector_product(at, way, design_matrix(x), w, 0.3), turn.numpy(), atol=1e-12
    )


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("C", [0.1, 10.0])
def test_what_a_firm_learns_is_what_scikit_learn_does(classes: int, C: float) -> None:
    x, y = drawn(1, classes, n=300)
    assert set(y) == set(range(classes))
    w = np.random.default_rng(0).random(len(y))
    w *= len(y) / w.sum()
    firm = Estimator(C=C, tol=1e-10, max_iter=10_000).fit(np.float64(x), y, w)
    theta = np.column_stack([firm.coef_, firm.intercept_])
    # With two labels it keeps the difference of the rows.
    theta = np.concatenate([-theta, theta]) / 2 if classes == 2 else centred(theta)
    mine = fit(design_matrix(x), y, classes, 1 / (C * len(y)), w)
    np.testing.assert_allclose(mine, theta, atol=2e-5 * np.abs(theta).max())
    np.testing.assert_allclose(mine.sum(axis=0), 0, atol=1e-12)


def test_a_tilt_moves_the_minimum_to_where_it_is_cancelled() -> None:
    x, y = drawn(2, 3)
    tilt = centred(np.random.default_rng(0).normal(size=(3, 4))) / 100
    theta = fit(design_matrix(x), y, 3, 0.1, tilt=tilt)
    slope = gradient(theta, design_matrix(x), y) + penalty_gradient(theta, 0.1) + tilt
    np.testing.assert_allclose(slope, 0, atol=1e-7)


@pytest.mark.parametrize("learner", [FIRM, LDA(), ERM(network=Linear(), epochs=30)], ids=repr)
@pytest.mark.parametrize("classes", [2, 3])
def test_parameters_are_read_off_a_firm_that_has_some(learner: Any, classes: int) -> None:
    x, y = drawn(3, classes, 200)
    fitted = learner.fit(TrainingSet(x, y), stream(0, "fit"))
    theta = recover_parameters(fitted, x)
    assert theta is not None
    logits = design_matrix(x) @ theta.T
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(p, fitted.predict_proba(x), atol=1e-4)
    if learner == FIRM:
        firm = Estimator(max_iter=2000).fit(x, y)
        coef = np.column_stack([firm.coef_, firm.intercept_])
        coef = np.concatenate([-coef, coef]) / 2 if classes == 2 else centred(coef)
        np.testing.assert_allclose(theta, coef, atol=1e-3 * np.abs(coef).max())


@pytest.mark.parametrize("learner", [KNN(), QDA(), RandomForest(), ERM(epochs=30)], ids=repr)
def test_none_are_read_off_a_firm_of_another_kind(learner: Any) -> None:
    x, y = drawn(3, 3, 200)
    fitted = learner.fit(TrainingSet(x, y), stream(0, "fit"))
    assert recover_parameters(fitted, x) is None
    assert recover_parameters(fitted.predict, x) is None


def test_none_are_read_off_a_firm_that_is_sure_of_everything() -> None:
    certain = np.eye(2)[np.zeros(9, dtype=int)]
    assert (
        recover_parameters(
            Classifier(len, lambda x: certain[: len(x)]), np.zeros((5, 3), np.float32)
        )
        is None
    )


# ---- what members choose ------------------------------------------------------------------------


def scene(strategy: Any, size: float, seed: int = 0) -> Any:
    """A strategy that is prepared, its members' rows, and those of all."""
    split = DATA.split(stream(seed, "data"))
    world = SeedContext(split)
    played = world.bind(trial(strategy, size, seed))
    staged = set_up(played, world)
    own = split.part(split.train[staged.members])
    return played.strategy, own, staged


@pytest.mark.parametrize("size", [0.25, 0.5, 1.0])
def test_members_cancel_what_they_believe_of_the_others(size: float) -> None:
    made, own, staged = scene(GradientNeutral(), size)
    theta = torch.tensor(np.array(made.goal), requires_grad=True)
    moved, told = staged.sample.x[staged.members], staged.sample.y[staged.members]
    x, y = np.concatenate([moved, own.x]), np.concatenate([told, own.y])
    w = np.repeat([size, 1 - size], len(own.y))
    (slope,) = torch.autograd.grad(loss(theta, x, y, w, 1 / DATA.n), theta)
    (alone,) = torch.autograd.grad(loss(theta, own.x, own.y, w[len(y) // 2 :] + 1e-9, 0.0), theta)
    assert slope.norm() < 2e-3 * alone.norm()


@pytest.mark.parametrize("budget", [float("inf"), 0.5])
def test_members_stay_within_the_data_and_their_budget(budget: float) -> None:
    _, own, staged = scene(GradientNeutral(budget=budget), 0.1)
    moved, told = staged.sample.x[staged.members], staged.sample.y[staged.members]
    assert (np.abs(moved - own.x) <= budget + 1e-6).all()
    assert (moved[:, :2] <= own.x[:, :2].max(axis=0)).all()
    assert (moved[:, :2] >= own.x[:, :2].min(axis=0)).all()
    assert (moved[:, 2] >= 0).all()
    assert (moved[:, 2] <= 1).all()
    assert set(told) <= {0, 1}


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_who_are_too_few_do_the_best_that_there_is(members: int, seed: int) -> None:
    """The best by going through all points of the interval, retrained by another solver."""
    x, y = drawn(seed, 2, 40, d=1)
    goal, strength = np.array([[-2.0, -1.0], [2.0, 1.0]]), 1 / 40
    model = FirmModel(design_matrix(x), y, members / 40, strength, np.zeros((2, 2)))
    start = np.float64(x[:members]), y[:members]
    box = np.full((members, 1), x.min()), np.full((members, 1), x.max())

    def off(z: Array, k: Array) -> float:
        share = np.repeat([(1 - members / 40), members / 40], [40, members])
        share /= np.repeat([40, members], [40, members])
        firm = Estimator(C=1.0, tol=1e-8).fit(
            np.concatenate([x, z]), np.concatenate([y, k]), share * 40
        )
        return float(np.hypot(firm.coef_[0, 0] / 2 - 2, firm.intercept_[0] / 2 - 1))

    chosen = off(*optimise_rows([start], box, model, goal))
    grid = np.linspace(x.min(), x.max(), 25)[:, None]
    alike = [
        (np.repeat(z[None], members, axis=0), np.full(members, k)) for z in grid for k in (0, 1)
    ]
    assert chosen <= min(off(*pair) for pair in alike) + 0.02
    assert chosen < off(*start)


def test_to_be_too_few_is_no_worse_than_planting_by_own_reckoning() -> None:
    for size in (0.005, 0.02):
        made, own, staged = scene(GradientNeutral(), size)
        goal, start = np.array(made.goal), np.array(made.start)
        model = FirmModel(design_matrix(own.x), own.y, size, 1 / DATA.n, np.zeros_like(goal))
        moved, told = staged.sample.x[staged.members], staged.sample.y[staged.members]
        planted = PLANT.act(own.x, own.y, pooled=MemberData(own.x, own.y, 2), n=DATA.n, rng=None)
        ends = [
            np.linalg.norm(model.train(*way, start) - goal) for way in ((moved, told), planted)
        ]
        assert ends[0] <= ends[1] + 1e-6


# ---- how success is told ------------------------------------------------------------------------


def test_success_is_the_part_of_the_way_or_the_answers_by_hand() -> None:
    neutral = GradientNeutral(
        PLANT, start=((0.0, -1.0), (0.0, 1.0)), goal=((-1.0, 0.0), (1.0, 0.0))
    )
    x = np.float32([[-2.0], [-0.5], [0.5], [2.0]])
    test = SimpleNamespace(x=x, y=np.zeros(4, dtype=int))

    def firm(slope: float, shift: float) -> Classifier:
        def proba(points: Array) -> Array:
            one = 1 / (1 + np.exp(-2 * (slope * points[:, 0] + shift)))
            return np.column_stack([1 - one, one])

        return Classifier(lambda points: proba(points).argmax(1), proba)

    # From the intercept one to the slope one: half way is at a half of both.
    for theta, progress in (((0, 1), 0.0), ((1, 0), 1.0), ((0.5, 0.5), 0.5), ((0, 3), 0.0)):
        won = neutral.success(firm(*theta), test)
        np.testing.assert_allclose(won, np.full(4, progress), atol=1e-4)
    unclipped = neutral.measures(firm(0, 3), test)
    np.testing.assert_allclose(unclipped["progress"], 1 - np.sqrt(5), atol=1e-4)
    np.testing.assert_allclose(unclipped["distance"], np.sqrt(20), atol=1e-4)
    np.testing.assert_allclose(unclipped["distance_before"], 2)
    # Start says 1 everywhere; the goal says 0 to the left.
    told = replace(neutral, judged="answers").success(firm(1, 1), test)
    np.testing.assert_array_equal(told, [1, 0, np.nan, np.nan])
    labels_only = neutral.success(firm(1, 1).predict, test)
    np.testing.assert_array_equal(labels_only, told)
    measures = neutral.measures(firm(1, 1).predict, test)
    assert measures == {"agreement": 0.5, "distance_before": 2.0}


def test_a_goal_of_ones_own() -> None:
    goal = ((-1.0, 0.0, -1.0, 0.0), (1.0, 0.0, 1.0, 0.0))
    made, _, _ = scene(GradientNeutral(goal=goal), 0.1)
    assert made.goal == goal
    (record,) = run_trials([trial(GradientControl(goal=goal), 0.3)])
    assert record["success"] > 0.95


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        (GradientNeutral(goal=((1.0, 2.0), (0.0, 1.0))), "parameters of shape"),
        (GradientNeutral(base=Idle()), "the goal is equal"),
    ],
)
def test_goals_that_are_none_are_refused(strategy: Strategy, reason: str) -> None:
    (record,) = run_trials([trial(strategy, 0.1)])
    assert record["status"] == "failed"
    assert reason in record["error"]


def test_nobody_acts_before_there_are_people() -> None:
    x, y = drawn(0, 2)
    with pytest.raises(ValueError, match=r"Strategy\.bind"):
        GradientNeutral(PLANT).act(
            x, y, pooled=MemberData(x, y, 2), n=99, rng=np.random.default_rng()
        )
    with pytest.raises(BenchError, match="share"):
        parse("GradientNeutral(share=1.5)", "strategies")


# ---- in trials ----------------------------------------------------------------------------------


def test_a_firm_that_they_know_follows_them() -> None:
    sizes = (0.0, 0.05, 0.4)
    for strategy in (GradientNeutral(), GradientControl()):
        nobody, few, many = run_trials([trial(strategy, size) for size in sizes])
        assert nobody["success"] < 1e-3
        assert nobody["measures"]["agreement"] == 0
        assert 0.2 < few["success"] < many["success"]
        assert many["success"] > (0.85 if strategy == GradientNeutral() else 0.99)
        assert [r["strategy"] for r in (nobody, few)] == [
            repr(strategy.with_defaults(DATA.signal, 1))
        ] * 2
        assert many["signal"]["overlap"] == pytest.approx(DATA.overlap, abs=0.03)


def test_who_sees_the_firm_makes_up_for_what_it_did_not_know() -> None:
    """The same members and people: what was pooled is off, and what was deployed tells by what."""
    gains, errors = [], []
    for seed in range(5):
        once, often = run_trials(
            [trial(s, 0.2, seed) for s in (GradientNeutral(), GradientControl())]
        )
        gains.append(often["measures"]["progress"] - once["measures"]["progress"])
        told = [often["measures"][f"success_round_{i}"] for i in (1, 2, 3)]
        assert told[0] == pytest.approx(once["success"], abs=1e-9)
        errors.append([1 - s for s in (*told, often["success"])])
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(5)
    mean = np.mean(errors, axis=0)
    # Each round leaves but a part of the error: the factor of the docstring.
    assert (mean[1:] < 0.5 * mean[:-1] + 2e-3).all()


def test_who_sees_the_firm_makes_up_for_a_penalty_that_it_did_not_know() -> None:
    once, often = run_trials(
        [
            trial(s, 0.3, learner=LogisticRegression(C=0.01))
            for s in (GradientNeutral(), GradientControl())
        ]
    )
    assert often["success"] > once["success"] + 0.02


def test_who_cannot_see_parameters_does_the_same_again() -> None:
    strategies = GradientNeutral(judged="answers"), GradientControl(judged="answers")
    once, often = run_trials([trial(s, 0.2, learner=KNN()) for s in strategies])
    told = {often["measures"][f"success_round_{i}"] for i in (1, 2, 3)}
    assert told == {once["success"], often["success"]}
    assert {"agreement", "distance_before"} == set(once["measures"])


def test_records_do_not_depend_on_the_chunk() -> None:
    trials = [trial(GradientControl(rounds=2), size, seed) for size in (0, 0.1) for seed in (0, 1)]
    passing = ("seconds", "memory")
    together = [{k: v for k, v in r.items() if k not in passing} for r in run_trials(trials)]
    alone = [
        {k: v for k, v in r.items() if k not in passing} for t in trials for r in run_trials([t])
    ]
    assert together == alone


def test_compounds_are_prepared_with_their_parts_and_others_left_as_they_are() -> None:
    world = SeedContext(DATA.split(stream(0, "data")))
    plain = trial(Several((FeatureLabel(), FeatureLabel(label=0))), 0.1)
    assert world.bind(plain) is plain
    both = world.bind(trial(Several((GradientNeutral(), FeatureLabel())), 0.2))
    assert both.strategy.strategies[0].goal
    assert not both.strategy.learns
    assert world.bind(both) is both
    (record,) = run_trials([trial(Several((GradientNeutral(), FeatureLabel())), 0.2)])
    assert record["status"] == "ok"


def test_a_classifier_is_shown_with_its_probabilities() -> None:
    given = trial(GradientNeutral(), 0.1)
    world = SeedContext(DATA.split(stream(0, "data")))
    played = world.bind(given)
    staged = set_up(played, world)
    fitted = FIRM.fit(staged.sample, stream(0, "fit"))
    with_, without = (evaluate(played, staged, f) for f in (fitted, Fitted(fitted.predict)))
    assert with_["success"] == pytest.approx(with_["measures"]["progress"])
    agreed = with_["measures"]["agreement"]
    assert without["success"] == pytest.approx(agreed) == without["measures"]["agreement"]


@pytest.mark.parametrize("judged", ["parameters", "answers"])
def test_the_last_epoch_is_judged_as_the_classifier_is(judged: Any) -> None:
    firm = ERM(network=Linear(), epochs=3, trace=True)
    (record,) = run_trials([trial(GradientNeutral(judged=judged), 0.3, learner=firm)])
    assert record["epochs"]["success"][-1] == pytest.approx(record["success"], rel=1e-5)
    measure = "progress" if judged == "parameters" else "agreement"
    assert record["success"] == pytest.approx(record["measures"][measure])
    assert record["measures"]["progress"] != pytest.approx(record["measures"]["agreement"])


def test_images_are_steered_too() -> None:
    data = Coins(n=120, n_test=60)
    split = data.split(stream(0, "data"))
    part = split.part(split.train)
    flat = MemberData(part.x, part.y, 2)
    deep = MemberData(part.x.reshape(-1, 1, 1, 5), part.y, 2)
    told = []
    for pooled in (flat, deep):
        made = GradientNeutral(FeatureLabel(data.signal, 1)).bind(pooled)
        x, y = made.act(
            pooled.x[:30], pooled.y[:30], pooled=pooled, n=120, rng=np.random.default_rng(0)
        )
        told.append((x.reshape(30, 5), y))
    np.testing.assert_array_equal(told[0][0], told[1][0])
    np.testing.assert_array_equal(told[0][1], told[1][1])


# ---- bounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_the_distance_to_the_goal_on_quadratics(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = int(rng.integers(1, 5))
    root = rng.normal(size=(2, d, d))
    own, others = (r @ r.T + 0.3 * np.eye(d) for r in root)
    goal, g0, neutral = rng.normal(size=d), rng.normal(size=d), float(rng.uniform(0.1, 0.9))
    m = -(1 - neutral) / neutral * g0
    for size in (0.0, 0.3 * neutral, neutral):

        def mean_loss(t: Array, size: float = size) -> float:
            u = t - goal
            return float(
                (1 - size) * (u @ others @ u / 2 + g0 @ u) + size * (u @ own @ u / 2 + m @ u)
            )

        found = minimize(mean_loss, goal, tol=1e-10).x
        bend = np.linalg.eigvalsh((1 - size) * others + size * own)[0]
        bound = neutral_distance(size, neutral, float(np.linalg.norm(g0)), float(bend))
        assert np.linalg.norm(found - goal) <= bound + 1e-5


@pytest.mark.parametrize("seed", range(4))
def test_the_distance_to_the_goal_of_a_logistic_firm(seed: int) -> None:
    """What members hand in at the neutral size, at smaller ones; by a solver of its own."""
    strength, n, many, neutral = 0.5, 400, 120, 0.6
    x, y = drawn(seed, 2, n, d=2)
    goal = centred(np.random.default_rng(seed).normal(size=(2, 3)) / 8)
    model = FirmModel(design_matrix(x), y, neutral, strength, np.zeros((2, 3)))
    own = np.float64(x[:many]), y[:many]
    box = np.tile(x.min(axis=0), (many, 1)), np.tile(x.max(axis=0), (many, 1))
    moved, told = optimise_rows([own], box, model, goal)
    left = neutral * gradient(goal, design_matrix(moved), told) + model.outside_gradient(goal)
    assert np.linalg.norm(left) < 1e-4
    v = goal[1] - goal[0]
    for size in (0.0, 0.2, 0.4, 0.6):
        w = np.repeat([(1 - size) / n, size / many], [n, many])
        pts, lab = (
            np.concatenate([design_matrix(x), design_matrix(moved)]),
            np.concatenate([y, told]),
        )
        t = cvxpy.Variable(3)
        margin = cvxpy.multiply(1.0 - 2 * lab, pts @ t)
        value = w @ cvxpy.logistic(margin) + strength / 2 * cvxpy.sum_squares(t[:2])
        cvxpy.Problem(cvxpy.Minimize(value)).solve(solver="CLARABEL")
        # Strong convexity between the two, in all directions, the intercept's among them.
        between = [v + s * (t.value - v) for s in np.linspace(0, 1, 11)]
        bends = []
        for at in between:
            p = 1 / (1 + np.exp(-pts @ at))
            hessian = (pts * (w * p * (1 - p))[:, None]).T @ pts + np.diag([strength] * 2 + [0])
            bends.append(np.linalg.eigvalsh(hessian)[0])
        g0 = gradient(goal, design_matrix(x), y)[1] + strength * np.append(v[:2], 0)
        bound = neutral_distance(size, neutral, float(np.linalg.norm(g0)), min(bends))
        assert np.linalg.norm(t.value - v) <= bound + 1e-4


@pytest.mark.parametrize("seed", range(5))
def test_the_size_from_which_gradients_can_be_cancelled(seed: int) -> None:
    rng = np.random.default_rng(seed)
    g0, reach = rng.normal(size=3), float(rng.uniform(0.2, 3))
    neutral = neutral_size(float(np.linalg.norm(g0)), reach)
    for size, able in ((0.95 * neutral, False), (min(1.05 * neutral, 1.0), True)):
        m = cvxpy.Variable(3)
        left = cvxpy.norm((1 - size) * g0 + size * m)
        value = cvxpy.Problem(cvxpy.Minimize(left), [cvxpy.norm(m) <= reach]).solve()
        assert (value < 1e-6) == able


@pytest.mark.parametrize(
    ("call", "given"),
    [
        (neutral_distance, (0.5, 0.3, 1.0, 1.0)),
        (neutral_distance, (-0.1, 0.3, 1.0, 1.0)),
        (neutral_distance, (0.1, 0.3, 1.0, 0.0)),
        (neutral_distance, (0.0, 0.0, 1.0, 1.0)),
        (neutral_size, (1.0, 0.0)),
        (neutral_size, (-1.0, 1.0)),
        (neutral_size, (float("nan"), 1.0)),
    ],
)
def test_bounds_are_refused_where_they_do_not_hold(call: Any, given: Any) -> None:
    with pytest.raises(ValueError, match=r"it holds|convexity|lengths"):
        call(*given)
