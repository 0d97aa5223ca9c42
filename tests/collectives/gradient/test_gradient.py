"""Strategies that act on gradients: their rows, their success and their trials."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression as Estimator

from algorithms.base import Classifier, Fitted
from algorithms.erm import ERM
from algorithms.knn import KNN
from algorithms.logistic_regression import LogisticRegression
from algorithms.networks import Linear
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
    design_matrix,
)
from collectives.types import Array, MemberData
from tests.helpers.logistic_loss import logistic_loss

DATA = Gaussians(n=500, n_test=300, overlap=0.05)
PLANT = FeatureLabel(DATA.signal, 1)
#: A firm whose penalty is on the weights of points as they are, as the strategies assume.
FIRM = LogisticRegression(scaling="none")


def drawn(seed: int, classes: int, n: int = 60, d: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)).astype(np.float32) * [1, 3, 0.2][:d] + 1
    noisy = x @ rng.normal(size=(d, classes)) + rng.normal(size=(n, classes))
    return np.float32(x), noisy.argmax(1)


def trial(strategy: Strategy, size: float, seed: int = 0, data: Any = DATA, **more: Any) -> Trial:
    filled = strategy.with_defaults(data.signal, data.label)
    return Trial(data, more.pop("learner", FIRM), filled, size, seed, **more)


# ---- what members choose ------------------------------------------------------------------------


def training_setup(strategy: Any, size: float, seed: int = 0) -> Any:
    """A strategy that is prepared, its members' rows, and those of all."""
    split = DATA.split(stream(seed, "data"))
    world = SeedContext(split)
    played = world.bind(trial(strategy, size, seed))
    staged = set_up(played, world)
    own = split.part(split.train[staged.members])
    return played.strategy, own, staged


@pytest.mark.parametrize("size", [0.25, 0.5, 1.0])
def test_members_cancel_what_they_believe_of_the_others(size: float) -> None:
    made, own, staged = training_setup(GradientNeutral(), size)
    theta = torch.tensor(np.array(made.goal), requires_grad=True)
    moved, told = staged.sample.x[staged.members], staged.sample.y[staged.members]
    x, y = np.concatenate([moved, own.x]), np.concatenate([told, own.y])
    w = np.repeat([size, 1 - size], len(own.y))
    (slope,) = torch.autograd.grad(logistic_loss(theta, x, y, w, 1 / DATA.n), theta)
    (alone,) = torch.autograd.grad(
        logistic_loss(theta, own.x, own.y, w[len(y) // 2 :] + 1e-9, 0.0), theta
    )
    assert slope.norm() < 2e-3 * alone.norm()


@pytest.mark.parametrize("budget", [float("inf"), 0.5])
def test_members_stay_within_the_data_and_their_budget(budget: float) -> None:
    _, own, staged = training_setup(GradientNeutral(budget=budget), 0.1)
    moved, told = staged.sample.x[staged.members], staged.sample.y[staged.members]
    assert (np.abs(moved - own.x) <= budget + 1e-6).all()
    assert (moved[:, :2] <= own.x[:, :2].max(axis=0)).all()
    assert (moved[:, :2] >= own.x[:, :2].min(axis=0)).all()
    assert (moved[:, 2] >= 0).all()
    assert (moved[:, 2] <= 1).all()
    assert set(told) <= {0, 1}


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("seed", range(2))
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


def test_a_small_collective_expects_no_less_than_planting() -> None:
    for size in (0.005, 0.02):
        made, own, staged = training_setup(GradientNeutral(), size)
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
    made, _, _ = training_setup(GradientNeutral(goal=goal), 0.1)
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
    seeds = 3
    for seed in range(seeds):
        once, often = run_trials(
            [trial(s, 0.2, seed) for s in (GradientNeutral(), GradientControl())]
        )
        gains.append(often["measures"]["progress"] - once["measures"]["progress"])
        told = [often["measures"][f"success_round_{i}"] for i in (1, 2, 3)]
        assert told[0] == pytest.approx(once["success"], abs=1e-9)
        errors.append([1 - s for s in (*told, often["success"])])
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(seeds)
    mean = np.mean(errors, axis=0)
    # Each round leaves but a part of the error: the factor of the docstring.
    assert (mean[1:] < 0.5 * mean[:-1] + 2e-3).all()


def test_seeing_the_firm_compensates_an_unknown_penalty() -> None:
    once, often = run_trials(
        [
            trial(s, 0.3, learner=LogisticRegression(C=0.01, scaling="none"))
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


def test_binding_a_compound_binds_its_parts() -> None:
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
