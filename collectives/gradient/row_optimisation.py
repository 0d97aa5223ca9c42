r"""Rows that pull a firm's parameters where members want them, by what they know of the others.

A firm that has learnt :math:`\theta` from members' rows :math:`z_i` has

.. math:: F(\theta; z) = \alpha \, \frac1m \sum_i \nabla \ell(\theta; z_i)
    + (1 - \alpha) \, g_0(\theta) + \lambda W = 0.

Members want :math:`\theta^*`. Where they can, they choose rows with :math:`F(\theta^*; z) = 0`:
the mean of their gradients cancels all others. Where they are too few for that, the firm learns
something else, of which the remainder at :math:`\theta^*` says little. They then start from the
parameters :math:`\hat\theta` that they believe their best rows so far to lead to, and choose rows
of the smallest error after one Newton step,

.. math:: \lVert \hat\theta - H^{-1} F(\hat\theta; z) - \theta^* \rVert,

again and again. Where it settles, no small change of a row brings the firm nearer to
:math:`\theta^*`, since F is zero and so the step's derivative is that of :math:`\theta` itself.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from collectives.surrogate_model import fit, gradient, hessian_vector_product, rows, shrinkage
from collectives.types import Array

#: How often members choose rows, and in how many steps they then improve them.
TRIES, STEPS = 6, 100
#: Members choose in so many groups at most, one group after another.
GROUPS = 256
#: An error that is so small a part of the goal is none, and so small a gain is the last one.
NONE, LAST = 1e-4, 0.01


@dataclass(frozen=True, eq=False)
class FirmModel:
    r"""What members believe of a firm's training set.

    Arguments:
        points: Rows that stand for all who are no members, (m, d + 1).
        y: Their labels, (m,).
        size: The members' share :math:`\alpha`.
        strength: That of the firm's penalty, :math:`\lambda`.
        bias: What the mean gradient of these rows is off by, (K, d + 1).
    """

    points: Array
    y: Array
    size: float
    strength: float
    bias: Array

    def pull(self, theta: Array) -> Array:
        """The gradient of all but the members at some parameters, penalty included."""
        others = gradient(theta, self.points, self.y) + self.bias
        return (1 - self.size) * others + shrinkage(theta, self.strength)

    def with_(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """Points, labels and weights of all, members' rows included."""
        share = [(1 - self.size) / len(self.y), self.size / len(y)]
        weights = np.repeat(share, [len(self.y), len(y)])
        return np.concatenate([self.points, rows(x)]), np.concatenate([self.y, y]), weights

    def learn(self, x: Array, y: Array, start: Array) -> Array:
        """The parameters that members believe their rows to lead to, (K, d + 1)."""
        points, labels, weights = self.with_(x, y)
        tilt = (1 - self.size) * self.bias
        return fit(points, labels, len(start), self.strength, weights, start, tilt, 1e-7)

    def seen(self, theta: Array, x: Array, y: Array) -> Array:
        """The bias under which members' rows lead to the parameters that they led to."""
        if self.size == 1:
            return np.zeros_like(theta)
        mine = self.size * gradient(theta, rows(x), y) + shrinkage(theta, self.strength)
        return -mine / (1 - self.size) - gradient(theta, self.points, self.y)


def pulled(
    ways: list[tuple[Array, Array]], box: tuple[Array, Array], crowd: FirmModel, goal: Array
) -> tuple[Array, Array]:
    """Members' rows that lead the firm as near to a goal as they can.

    Arguments:
        ways: Points (m, d) and labels (m,) that members may begin with, the best guess last.
        box: How low and how high each coordinate of each point may be, (m, d) each.
        crowd: What they know.
        goal: The parameters that they want, (K, d + 1).

    Returns:
        Points (m, d) and labels (m,).
    """
    x, y = ways[-1]
    theta = crowd.learn(x, y, goal)
    off, enough, at, way = np.linalg.norm(theta - goal), NONE * np.linalg.norm(goal), goal, 1.0
    for _ in range(TRIES):
        all_, _, weights = crowd.with_(x, y)
        wanted = way * hessian_vector_product(
            at, at - goal, all_, weights, crowd.strength
        ) - crowd.pull(at)
        near = _curvature(at, all_, weights, crowd.strength)
        tried = _chosen([p for p, _ in ways] + [x], at, wanted / crowd.size, near)
        tried = _improved(*tried, box, at, wanted / crowd.size, near)
        led = crowd.learn(*tried, theta)
        left = np.linalg.norm(led - goal)
        settled = at is not goal and (1 - LAST) * off < left < off
        if left < off:
            (x, y), theta, off = tried, led, left
        elif at is not goal:
            way /= 2
        if settled or off <= enough:
            break
        at = theta
    return x, y


def _curvature(
    theta: Array, points: Array, weights: Array, strength: float
) -> tuple[Array, Array]:
    r"""Squares of A and B with :math:`H^{-1} R \approx A R B`, (K, K) and (d + 1, d + 1).

    The mean of a Kronecker product is taken for the product of means.
    """
    p = softmax(points @ theta.T, axis=1)
    spread = weights * (1 - (p**2).sum(axis=1))
    labels = np.diag(weights @ p) - (p * weights[:, None]).T @ p
    total = max(spread.sum(), 1e-12)
    inputs = (points * (spread / total)[:, None]).T @ points
    ridge = shrinkage(np.ones_like(theta), strength)[0] * (len(labels) - 1) / total
    a, b = (np.linalg.pinv(m, 1e-10, hermitian=True) for m in (labels, inputs + np.diag(ridge)))
    return a @ a, b @ b


def _chosen(
    places: list[Array], theta: Array, wanted: Array, near: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Points among some for each member, and labels, whose mean gradient is near to a wanted one.

    Group by group, each takes what brings the sum of all so far nearest to where it should be.
    """
    a, b = near
    points = np.stack([rows(x) for x in places], axis=1)
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


def _improved(
    x: Array,
    y: Array,
    box: tuple[Array, Array],
    theta: Array,
    wanted: Array,
    near: tuple[Array, Array],
) -> tuple[Array, Array]:
    """The same labels, at points of the box whose mean gradient is nearest to a wanted one."""
    low, high = box
    width = high.max(axis=0) - low.min(axis=0)
    width[width == 0] = 1
    (a, b), truth = near, (np.arange(len(y)), y)
    scale = max(float((wanted * (a @ wanted @ b)).sum()), 1e-300)

    def objective(flat: Array) -> tuple[float, Array]:
        points = rows(flat.reshape(x.shape) * width)
        p = softmax(points @ theta.T, axis=1)
        error = p.copy()
        error[truth] -= 1
        lack = error.T @ points / len(y) - wanted
        slope = a @ lack @ b
        along = points @ slope.T
        turn = p * (along - (p * along).sum(axis=1, keepdims=True))
        step = (error @ slope + turn @ theta)[:, :-1] * width * (2 / len(y) / scale)
        return float((lack * slope).sum() / scale), step.ravel()

    bounds = np.column_stack([(low / width).ravel(), (high / width).ravel()])
    options = {"maxiter": STEPS, "maxfun": 2 * STEPS, "ftol": 1e-12, "gtol": 1e-10}
    begin = np.clip(x, low, high) / width
    found = minimize(  # type: ignore[call-overload]
        objective, begin.ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    return np.clip(found.x.reshape(x.shape) * width, low, high), y
