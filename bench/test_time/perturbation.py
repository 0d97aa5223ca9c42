r"""Universal perturbation: one vector that moves all points of a class to the target.

With a proxy :math:`\hat p` and m points of the class,

.. math:: \delta = \arg\max_{\lVert \delta \rVert_2 \le \rho}
    \frac1m \sum_{i=1}^m \log \hat p_{y^*}(x_i + \delta)

The objective is concave for a linear proxy, so that projected gradient ascent finds the maximum.
With two labels the gradient points along :math:`w_{y^*} - w_y` everywhere, and

.. math:: \delta = \rho \, \frac{w_{y^*} - w_y}{\lVert w_{y^*} - w_y \rVert}

References:
    | Universal Adversarial Perturbations (Moosavi-Dezfooli et al., 2017)
    | https://arxiv.org/abs/1610.08401
"""

import numpy as np
from scipy.special import softmax

from collectives.surrogate_model import design_matrix
from collectives.types import Array

#: The number of steps of the ascent.
STEPS = 200


def universal(theta: Array, x: Array, target: int, radius: float, steps: int = STEPS) -> Array:
    """Return the perturbation of a class, (d,).

    Arguments:
        theta: The parameters of the proxy, (K, d + 1).
        x: Points of the class, (m, d), m >= 1.
        target: The target label.
        radius: The largest Euclidean norm of the perturbation.
        steps: The number of steps of the ascent.

    Example:
        >>> theta = np.array([[-3.0, -4.0, 0.0], [3.0, 4.0, 0.0]])
        >>> universal(theta, np.zeros((1, 2)), target=1, radius=5.0).round(6)
        array([3., 4.])
    """
    points, slopes = design_matrix(x), theta[:, :-1]
    odds = points @ theta.T
    delta = np.zeros(slopes.shape[1])
    for step in range(steps):
        p = softmax(odds + slopes @ delta, axis=1)
        gradient = slopes[target] - p.mean(axis=0) @ slopes
        length = float(np.linalg.norm(gradient))
        if length == 0:
            break
        # Steps shrink, since the length of the gradient says little where p is near one.
        delta = delta + 2 * radius / (1 + step) ** 0.5 * gradient / length
        delta *= min(1.0, radius / max(float(np.linalg.norm(delta)), 1e-300))
    return delta


def random_direction(dimension: int, radius: float, rng: np.random.Generator) -> Array:
    """Return a perturbation of a norm in a direction that is drawn uniformly, (d,).

    Arguments:
        dimension: The number d of columns.
        radius: The Euclidean norm.
        rng: The only source of randomness.
    """
    drawn = rng.standard_normal(dimension)
    return np.asarray(radius * drawn / np.linalg.norm(drawn))
