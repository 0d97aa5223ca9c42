"""Bounds of the gradient strategies, on quadratics and on logistic firms."""

from typing import Any

import cvxpy
import numpy as np
import pytest
from scipy.optimize import minimize

from collectives.gradient.row_optimisation import FirmModel, optimise_rows
from collectives.surrogate_model import (
    centred,
    design_matrix,
    gradient,
)
from collectives.types import Array
from tests.helpers.gradient_bounds import neutral_distance, neutral_size


def drawn(seed: int, classes: int, n: int = 60, d: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)).astype(np.float32) * [1, 3, 0.2][:d] + 1
    noisy = x @ rng.normal(size=(d, classes)) + rng.normal(size=(n, classes))
    return np.float32(x), noisy.argmax(1)


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
