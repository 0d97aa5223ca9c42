r"""Proxy of a firm's classifier: a linear softmax fitted to the answers to queries.

.. math:: \hat p(x) = \mathrm{softmax}(W x + b), \qquad
    \min_{W, b} \; -\frac1Q \sum_{i=1}^Q \log \hat p_{f(x_i)}(x_i)
    + \frac{\lambda \sigma^2}{2} \lVert W \rVert^2

The queries are points :math:`x_i` with the firm's labels :math:`f(x_i)`. The unit of points is
:math:`\sigma`, their root mean square distance from their mean in a column, so that the proxy does
not depend on the unit of the columns. It treats all columns alike.
"""

import numpy as np

from collectives.surrogate_model import design_matrix, fit
from collectives.types import Array

#: The strength :math:`\lambda` of the penalty.
STRENGTH = 0.01


def fit_proxy(x: Array, answers: Array, classes: int, strength: float = STRENGTH) -> Array:
    """Return the parameters (W, b) of the proxy, centred over labels, (K, d + 1).

    Arguments:
        x: The queried points, (Q, d), Q >= 1.
        answers: The labels that the firm gives them, (Q,).
        classes: The number K of labels.
        strength: The strength of the penalty.

    Example:
        >>> x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
        >>> theta = fit_proxy(x, np.array([0, 0, 1, 1]), classes=2)
        >>> bool(theta[1, 0] > 0), bool(abs(theta[1, 1]) < 1e-6)
        (True, True)
    """
    x = np.asarray(x, dtype=np.float64)
    centre = x.mean(axis=0)
    unit = float(np.sqrt(((x - centre) ** 2).mean())) or 1.0
    theta = fit(design_matrix((x - centre) / unit), answers, classes, strength)
    slopes = theta[:, :-1] / unit
    return np.column_stack([slopes, theta[:, -1] - slopes @ centre])


def answers_of(theta: Array, x: Array) -> Array:
    """Return the labels that a proxy gives to points (m, d), (m,)."""
    return np.asarray((design_matrix(x) @ theta.T).argmax(axis=1))
