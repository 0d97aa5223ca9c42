r"""The firm's model in the members' heads: a linear softmax.

.. math:: p_\theta(x) = \mathrm{softmax}(W x + b), \qquad
    L(\theta) = \sum_i w_i \, \ell(\theta; x_i, y_i) + \frac{\lambda}{2} \lVert W \rVert^2
    + \langle t, \theta \rangle, \qquad \sum_i w_i = 1

Parameters are written :math:`\theta = (W, b)`, (K, d + 1), and points end with a one. Parameters
are centred, so that each column sums to zero: of all those with the same probabilities they have
the smallest norm. Intercepts are not penalised. With two labels the penalty is that on the
difference of the rows of W, as is the custom of logistic regression: twice the above. The tilt t
is zero, unless it is said to be otherwise.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from collectives.types import Array, Predict, Probabilistic

#: How far the log-odds of a classifier that passes for linear may be from an affine function.
NEAR = 1e-2
#: A probability of zero is taken for this one.
TINY = 1e-30


def rows(x: Array) -> Array:
    """Points (m, ...) as vectors that end with a one, float64, (m, d + 1)."""
    return np.column_stack([x.reshape(len(x), -1), np.ones(len(x))]).astype(np.float64)


def centred(theta: Array) -> Array:
    """The parameters of the same probabilities whose columns sum to zero, (K, d + 1)."""
    return np.asarray(theta - theta.mean(axis=0))


def gradient(theta: Array, points: Array, y: Array, weights: Array | None = None) -> Array:
    r"""The mean gradient of the loss, :math:`\sum_i w_i (p_\theta(x_i) - e_{y_i}) (x_i, 1)^\top`.

    Arguments:
        theta: Parameters, (K, d + 1).
        points: Points, (m, d + 1).
        y: Labels, (m,).
        weights: The weight of each row, (m,), of any scale; all alike, if None.

    Returns:
        It, (K, d + 1).
    """
    slope = softmax(points @ theta.T, axis=1)
    slope[np.arange(len(y)), y] -= 1
    return np.asarray((slope * _shares(weights, y)[:, None]).T @ points)


def shrinkage(theta: Array, strength: float) -> Array:
    """The gradient of a penalty of some strength, (K, d + 1)."""
    slope = theta * strength * (2 if len(theta) == 2 else 1)
    slope[:, -1] = 0
    return slope


def hessian_vector_product(
    theta: Array, way: Array, points: Array, weights: Array, strength: float
) -> Array:
    """How the gradient of L changes along a way from the parameters, (K, d + 1)."""
    p, steps = softmax(points @ theta.T, axis=1), points @ way.T
    slope = p * (steps - (p * steps).sum(axis=1, keepdims=True))
    return (slope * _shares(weights, p)[:, None]).T @ points + shrinkage(way, strength)


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
    r"""The parameters that minimise L, centred, (K, d + 1).

    Arguments:
        points: Points, (m, d + 1).
        y: Labels, (m,).
        classes: Their number K.
        strength: That of the penalty, :math:`\lambda`.
        weights: The weight of each row, (m,), of any scale; all alike, if None.
        start: Where to begin, (K, d + 1).
        tilt: What is added to the gradient, t, (K, d + 1).
        tolerance: How long the gradient may be where it ends.

    Example:
        >>> points = rows(np.array([[-1.0], [1.0], [-1.0], [1.0]]))
        >>> fit(points, np.array([0, 1, 0, 1]), 2, strength=1.0).round(3) + 0.0
        array([[-0.201,  0.   ],
               [ 0.201,  0.   ]])
    """
    w, truth, shape = _shares(weights, y), (np.arange(len(y)), y), (classes, points.shape[1])
    shift = np.zeros(shape) if tilt is None else tilt

    def objective(flat: Array) -> tuple[float, Array]:
        theta = flat.reshape(shape)
        log_p = log_softmax(points @ theta.T, axis=1)
        slope, shrink = np.exp(log_p), shrinkage(theta, strength)
        slope[truth] -= 1
        value = (theta * (shrink / 2 + shift)).sum() - (w * log_p[truth]).sum()
        return float(value), ((slope * w[:, None]).T @ points + shrink + shift).ravel()

    begin = np.zeros(shape) if start is None else start
    options = {"maxiter": 5000, "maxfun": 20_000, "ftol": 1e-15, "gtol": tolerance, "maxcor": 20}
    found = minimize(  # type: ignore[call-overload]
        objective, begin.ravel(), jac=True, method="L-BFGS-B", options=options
    )
    return centred(found.x.reshape(shape))


def read(predict: Predict, x: Array) -> Array | None:
    r"""The parameters of a classifier whose log-odds are affine, from its probabilities.

    .. math:: \log p(x) - \tfrac1K \textstyle\sum_k \log p_k(x) = \theta \, (x, 1)

    The equations hold at some points and at d + 1 probes around their mean, and are solved by
    least squares. The rounding of a probability blurs its logarithm the more the smaller it is:
    equations count by the digits that they have, and have to hold up to these.

    Arguments:
        predict: The classifier.
        x: Points, (m, ...).

    Returns:
        The parameters, (K, d + 1); None if the classifier tells no probabilities, or none that a
        linear softmax would.
    """
    proba = predict.predict_proba if isinstance(predict, Probabilistic) else None
    if proba is None:
        return None
    flat = x.reshape(len(x), -1)
    centre, scale = flat.mean(axis=0), flat.std(axis=0)
    probes = np.vstack([centre, centre + np.diag(np.where(scale > 0, scale, 1))]).astype(x.dtype)
    asked = np.concatenate([probes, flat])
    p = np.asarray(proba(asked.reshape(-1, *x.shape[1:])), dtype=np.float64)
    least = np.maximum(p.min(axis=1), TINY)
    odds = np.log(np.maximum(p, TINY))
    odds -= odds.mean(axis=1, keepdims=True)
    blur = np.finfo(np.float32).eps / least
    sure, points = 1 / (1e-6 + blur)[:, None], rows(asked)
    theta = centred(np.linalg.lstsq(points * sure, odds * sure, rcond=None)[0].T)
    off = np.abs(points @ theta.T - odds).max(axis=1)
    near = off <= NEAR * (1 + np.abs(odds).max(axis=1)) + 4 * blur
    # Who is sure of everything has told nothing.
    return theta if near.all() and (blur < NEAR).sum() > points.shape[1] else None


def _shares(weights: Array | None, like: Array) -> Array:
    w = np.ones(len(like)) if weights is None else weights
    return np.asarray(w / w.sum())
