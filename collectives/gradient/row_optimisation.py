r"""Choice of rows that bring the firm's parameters near to a goal of the members.

A firm that has learnt :math:`\theta` from members' rows :math:`z_i` has

.. math:: F(\theta; z) = \alpha \, \frac1m \sum_i \nabla \ell(\theta; z_i)
    + (1 - \alpha) \, g_0(\theta) + \lambda W = 0.

Members want :math:`\theta^*`. If they can, they choose rows with :math:`F(\theta^*; z) = 0`: the
mean of their gradients cancels all others. If they are too few, the firm learns other parameters,
about which the remainder at :math:`\theta^*` says little. Then members start from the parameters
:math:`\hat\theta` that their best rows so far lead to by their own estimate, and choose rows with
the smallest error after one Newton step,

.. math:: \lVert \hat\theta - H^{-1} F(\hat\theta; z) - \theta^* \rVert,

repeatedly. At a fixed point no small change of a row brings the firm nearer to :math:`\theta^*`,
since F is zero there, so that the derivative of the step is that of :math:`\theta` itself.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from collectives.surrogate_model import (
    design_matrix,
    fit,
    gradient,
    hessian_vector_product,
    penalty_gradient,
)
from collectives.types import Array

#: The number of times that members choose rows, and of steps that then improve them.
TRIES, STEPS = 6, 100
#: The largest number of groups of members that choose one after another.
GROUPS = 256
#: The relative error that counts as none, and the relative gain that ends the search.
NO_ERROR, LAST_GAIN = 1e-4, 0.01


@dataclass(frozen=True, eq=False)
class FirmModel:
    r"""Model of the firm's training set, as members estimate it.

    Arguments:
        points: Points that represent all people but the members, (m, d + 1).
        y: Their labels, (m,).
        size: The share :math:`\alpha` of the members.
        strength: The strength :math:`\lambda` of the firm's penalty.
        bias: The correction of the mean gradient of these rows, (K, d + 1).
    """

    points: Array
    y: Array
    size: float
    strength: float
    bias: Array

    def outside_gradient(self, theta: Array) -> Array:
        """Return the gradient of all but the members, penalty included, (K, d + 1)."""
        others = gradient(theta, self.points, self.y) + self.bias
        return (1 - self.size) * others + penalty_gradient(theta, self.strength)

    def training_set(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """Return points, labels and weights of all people, with these rows of members."""
        share = [(1 - self.size) / len(self.y), self.size / len(y)]
        weights = np.repeat(share, [len(self.y), len(y)])
        return (
            np.concatenate([self.points, design_matrix(x)]),
            np.concatenate([self.y, y]),
            weights,
        )

    def train(self, x: Array, y: Array, start: Array) -> Array:
        """Return the parameters that the firm learns with these rows of members, (K, d + 1).

        Arguments:
            x: The members' points, (k, ...).
            y: Their labels, (k,).
            start: The parameters where optimisation starts, (K, d + 1).
        """
        points, labels, weights = self.training_set(x, y)
        tilt = (1 - self.size) * self.bias
        return fit(points, labels, len(start), self.strength, weights, start, tilt, 1e-7)

    def observed_bias(self, theta: Array, x: Array, y: Array) -> Array:
        """Return the bias with which these rows of members lead to the observed parameters.

        Arguments:
            theta: The observed parameters, (K, d + 1).
            x: The members' points, (k, ...).
            y: Their labels, (k,).
        """
        if self.size == 1:
            return np.zeros_like(theta)
        members = self.size * gradient(theta, design_matrix(x), y) + penalty_gradient(
            theta, self.strength
        )
        return -members / (1 - self.size) - gradient(theta, self.points, self.y)


def optimise_rows(
    candidates: list[tuple[Array, Array]], box: tuple[Array, Array], firm: FirmModel, goal: Array
) -> tuple[Array, Array]:
    """Return members' rows that lead the firm as near to a goal as they can.

    Arguments:
        candidates: Points (m, d) and labels (m,) to begin with, the best guess last.
        box: The lowest and the highest value of each coordinate of each point, (m, d) each.
        firm: The model of the firm's training set.
        goal: The parameters that members want, (K, d + 1).

    Returns:
        Points (m, d) and labels (m,).
    """
    x, y = candidates[-1]
    theta = firm.train(x, y, goal)
    error, enough, at, step = (
        np.linalg.norm(theta - goal),
        NO_ERROR * np.linalg.norm(goal),
        goal,
        1.0,
    )
    for _ in range(TRIES):
        all_, _, weights = firm.training_set(x, y)
        wanted = step * hessian_vector_product(
            at, at - goal, all_, weights, firm.strength
        ) - firm.outside_gradient(at)
        near = _curvature(at, all_, weights, firm.strength)
        tried = _choose([p for p, _ in candidates] + [x], at, wanted / firm.size, near)
        tried = _improve(*tried, box, at, wanted / firm.size, near)
        led = firm.train(*tried, theta)
        new_error = np.linalg.norm(led - goal)
        settled = at is not goal and (1 - LAST_GAIN) * error < new_error < error
        if new_error < error:
            (x, y), theta, error = tried, led, new_error
        elif at is not goal:
            step /= 2
        if settled or error <= enough:
            break
        at = theta
    return x, y


def _curvature(
    theta: Array, points: Array, weights: Array, strength: float
) -> tuple[Array, Array]:
    r"""Return the squares of A (K, K) and B (d + 1, d + 1) with :math:`H^{-1} R \approx A R B`.

    The approximation replaces the mean of a Kronecker product by the product of the means.
    """
    p = softmax(points @ theta.T, axis=1)
    spread = weights * (1 - (p**2).sum(axis=1))
    labels = np.diag(weights @ p) - (p * weights[:, None]).T @ p
    total = max(spread.sum(), 1e-12)
    inputs = (points * (spread / total)[:, None]).T @ points
    ridge = penalty_gradient(np.ones_like(theta), strength)[0] * (len(labels) - 1) / total
    a, b = (np.linalg.pinv(m, 1e-10, hermitian=True) for m in (labels, inputs + np.diag(ridge)))
    return a @ a, b @ b


def _choose(
    places: list[Array], theta: Array, wanted: Array, near: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Choose a point and a label for each member, with a mean gradient near to a wanted one.

    One group after another, each member takes the choice that brings the sum so far nearest to the
    wanted one.

    Arguments:
        places: The candidate points, (m, d) each.
        theta: The parameters at which gradients are computed, (K, d + 1).
        wanted: The wanted mean gradient, (K, d + 1).
        near: The matrices of the norm, (K, K) and (d + 1, d + 1).
    """
    a, b = near
    points = np.stack([design_matrix(x) for x in places], axis=1)
    errors = softmax(points @ theta.T, axis=2)[:, :, None] - np.eye(len(theta))
    longest = np.einsum("mckl,ln,mckn->mck", errors, a, errors)
    longest *= np.einsum("mci,ij,mcj->mc", points, b, points)[:, :, None]
    total, which = np.zeros_like(wanted), np.zeros((len(points), 2), dtype=np.int64)
    for group in np.array_split(np.arange(len(points)), min(len(points), GROUPS)):
        lack = a @ (total - len(group) * wanted) @ b
        cost = 2 * np.einsum("mckl,mcl->mck", errors[group], points[group] @ lack.T)
        cost = (cost + longest[group]).reshape(len(group), -1)
        which[group] = np.stack(np.unravel_index(cost.argmin(axis=1), longest.shape[1:]), 1)
        place, label = which[group].T
        total += errors[group, place, label].T @ points[group, place] - len(group) * wanted
    place, label = which.T
    return points[np.arange(len(points)), place, :-1], label


def _improve(
    x: Array,
    y: Array,
    box: tuple[Array, Array],
    theta: Array,
    wanted: Array,
    near: tuple[Array, Array],
) -> tuple[Array, Array]:
    """Return the same labels, at points of the box with the mean gradient nearest to a wanted one.

    Arguments:
        x: The points to begin with, (m, d).
        y: The labels, (m,).
        box: The lowest and the highest value of each coordinate, (m, d) each.
        theta: The parameters at which gradients are computed, (K, d + 1).
        wanted: The wanted mean gradient, (K, d + 1).
        near: The matrices of the norm, (K, K) and (d + 1, d + 1).
    """
    low, high = box
    width = high.max(axis=0) - low.min(axis=0)
    width[width == 0] = 1
    (a, b), labels = near, (np.arange(len(y)), y)
    scale = max(float((wanted * (a @ wanted @ b)).sum()), 1e-300)

    def objective(flat: Array) -> tuple[float, Array]:
        points = design_matrix(flat.reshape(x.shape) * width)
        p = softmax(points @ theta.T, axis=1)
        error = p.copy()
        error[labels] -= 1
        lack = error.T @ points / len(y) - wanted
        slope = a @ lack @ b
        along = points @ slope.T
        turn = p * (along - (p * along).sum(axis=1, keepdims=True))
        step = (error @ slope + turn @ theta)[:, :-1] * width * (2 / len(y) / scale)
        return float((lack * slope).sum() / scale), step.ravel()

    bounds = np.column_stack([(low / width).ravel(), (high / width).ravel()])
    options = {"maxiter": STEPS, "maxfun": 2 * STEPS, "ftol": 1e-12, "gtol": 1e-10}
    begin = np.clip(x, low, high) / width
    result = minimize(  # type: ignore[call-overload]
        objective, begin.ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    return np.clip(result.x.reshape(x.shape) * width, low, high), y
