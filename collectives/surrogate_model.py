r"""Surrogate model: the linear softmax by which members model the firm.

.. math:: p_\theta(x) = \mathrm{softmax}(W x + b), \qquad
    L(\theta) = \sum_i w_i \, \ell(\theta; x_i, y_i) + \frac{\lambda}{2} \lVert W \rVert^2
    + \langle t, \theta \rangle, \qquad \sum_i w_i = 1

Parameters :math:`\theta = (W, b)` have the shape (K, d + 1), and points end with a one. Parameters
are centred: each column sums to zero, which gives the smallest norm of all parameters with the
same probabilities. Intercepts are not penalised. With two labels the penalty is that on the
difference of the rows of W, as in logistic regression: twice the above. The tilt t is zero by
default.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from collectives.types import Array, Predict, Probabilistic

#: The largest deviation of log-odds from an affine function that still counts as linear.
TOLERANCE = 1e-2
#: The probability that replaces smaller ones.
TINY = 1e-30


def design_matrix(x: Array) -> Array:
    """Return points (m, ...) as vectors that end with a one, float64, (m, d + 1)."""
    return np.column_stack([x.reshape(len(x), -1), np.ones(len(x))]).astype(np.float64)


def centred(theta: Array) -> Array:
    """Return the parameters of the same probabilities whose columns sum to zero, (K, d + 1)."""
    return np.asarray(theta - theta.mean(axis=0))


def gradient(theta: Array, points: Array, y: Array, weights: Array | None = None) -> Array:
    r"""Return the mean gradient of the loss, (K, d + 1).

    .. math:: \sum_i w_i (p_\theta(x_i) - e_{y_i}) (x_i, 1)^\top

    Arguments:
        theta: Parameters, (K, d + 1).
        points: Points, (m, d + 1).
        y: Labels, (m,).
        weights: The weight of each row, (m,), of any scale; all alike, if None.
    """
    slope = softmax(points @ theta.T, axis=1)
    slope[np.arange(len(y)), y] -= 1
    return np.asarray((slope * _shares(weights, y)[:, None]).T @ points)


def penalty_gradient(theta: Array, strength: float) -> Array:
    """Return the gradient of the penalty of a strength, (K, d + 1)."""
    slope = theta * strength * (2 if len(theta) == 2 else 1)
    slope[:, -1] = 0
    return slope


def hessian_vector_product(
    theta: Array, direction: Array, points: Array, weights: Array, strength: float
) -> Array:
    """Return the derivative of the gradient of L along a direction, (K, d + 1).

    Arguments:
        theta: Parameters, (K, d + 1).
        direction: The direction, (K, d + 1).
        points: Points, (m, d + 1).
        weights: The weight of each row, (m,), of any scale.
        strength: The strength of the penalty.
    """
    p, steps = softmax(points @ theta.T, axis=1), points @ direction.T
    slope = p * (steps - (p * steps).sum(axis=1, keepdims=True))
    return (slope * _shares(weights, p)[:, None]).T @ points + penalty_gradient(
        direction, strength
    )


def fit(
    points: Array,
    y: Array,
    classes: int,
    strength: float,
    weights: Array | None = None,
    start: Array | None = None,
    tilt: Array | None = None,
    tolerance: float = 1e-9,
) -> Array:
    r"""Return the centred parameters that minimise L, (K, d + 1).

    Arguments:
        points: Points, (m, d + 1).
        y: Labels, (m,).
        classes: The number of labels K.
        strength: The strength of the penalty, :math:`\lambda`.
        weights: The weight of each row, (m,), of any scale; all alike, if None.
        start: The initial parameters, (K, d + 1); zero, if None.
        tilt: The linear term t of the objective, (K, d + 1); zero, if None.
        tolerance: The length of the gradient at which the search ends.

    Example:
        >>> points = design_matrix(np.array([[-1.0], [1.0], [-1.0], [1.0]]))
        >>> fit(points, np.array([0, 1, 0, 1]), 2, strength=1.0).round(3) + 0.0
        array([[-0.201,  0.   ],
               [ 0.201,  0.   ]])
    """
    w, labels, shape = _shares(weights, y), (np.arange(len(y)), y), (classes, points.shape[1])
    shift = np.zeros(shape) if tilt is None else tilt

    def objective(flat: Array) -> tuple[float, Array]:
        theta = flat.reshape(shape)
        log_p = log_softmax(points @ theta.T, axis=1)
        slope, shrink = np.exp(log_p), penalty_gradient(theta, strength)
        slope[labels] -= 1
        value = (theta * (shrink / 2 + shift)).sum() - (w * log_p[labels]).sum()
        return float(value), ((slope * w[:, None]).T @ points + shrink + shift).ravel()

    begin = np.zeros(shape) if start is None else start
    options = {"maxiter": 5000, "maxfun": 20_000, "ftol": 1e-15, "gtol": tolerance, "maxcor": 20}
    result = minimize(  # type: ignore[call-overload]
        objective, begin.ravel(), jac=True, method="L-BFGS-B", options=options
    )
    return centred(result.x.reshape(shape))


def recover_parameters(predict: Predict, x: Array) -> Array | None:
    r"""Return the parameters of a classifier with affine log-odds, from its probabilities.

    .. math:: \log p(x) - \tfrac1K \textstyle\sum_k \log p_k(x) = \theta \, (x, 1)

    The equations are those at the points and at d + 1 probes around their mean, solved by least
    squares. Rounding changes the logarithm of a small probability more than that of a large one,
    so each equation has a weight by its precision, and has to hold up to it.

    Arguments:
        predict: The classifier.
        x: Points, (m, ...).

    Returns:
        The parameters, (K, d + 1); None if the classifier has no probabilities, or none that a
        linear softmax has.
    """
    proba = predict.predict_proba if isinstance(predict, Probabilistic) else None
    if proba is None:
        return None
    flat = x.reshape(len(x), -1)
    centre, scale = flat.mean(axis=0), flat.std(axis=0)
    probes = np.vstack([centre, centre + np.diag(np.where(scale > 0, scale, 1))]).astype(x.dtype)
    queries = np.concatenate([probes, flat])
    p = np.asarray(proba(queries.reshape(-1, *x.shape[1:])), dtype=np.float64)
    least = np.maximum(p.min(axis=1), TINY)
    odds = np.log(np.maximum(p, TINY))
    odds -= odds.mean(axis=1, keepdims=True)
    blur = np.finfo(np.float32).eps / least
    precision, points = 1 / (1e-6 + blur)[:, None], design_matrix(queries)
    theta = centred(np.linalg.lstsq(points * precision, odds * precision, rcond=None)[0].T)
    off = np.abs(points @ theta.T - odds).max(axis=1)
    near = off <= TOLERANCE * (1 + np.abs(odds).max(axis=1)) + 4 * blur
    # Probabilities of zero and one alone do not determine parameters.
    return theta if near.all() and (blur < TOLERANCE).sum() > points.shape[1] else None


def _shares(weights: Array | None, like: Array) -> Array:
    w = np.ones(len(like)) if weights is None else weights
    return np.asarray(w / w.sum())
