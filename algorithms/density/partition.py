r"""Estimates of :math:`\log Z = \log \int e^{D(x)} dx` from proposals x of a known density q.

With the log-weights :math:`w_j = D(x_j) - \log q(x_j)` of m proposals:

.. math::
    \widehat{\log Z}_m = \log \tfrac1m \sum_j e^{w_j}, \qquad
    \mathbb E\, e^{\widehat{\log Z}_m} = Z, \qquad
    \mathbb E\, \widehat{\log Z}_m \approx \log Z - \frac{\chi^2(p \| q)}{2m}

for :math:`p = e^D / Z`. At m = 1 its mean is :math:`\log Z - \mathrm{KL}(q \| p)`; the critic loss
of WGAN, :math:`\mathbb E_q D`, misses the entropy of q besides:
:math:`\log Z - \mathrm{KL}(q \| p) - H(q)`.

References:
    | Adversarial Likelihood Estimation With One-Way Flows (Ben-Dov et al., 2024)
    | https://arxiv.org/abs/2307.09882
    | Importance Weighted Autoencoders (Burda et al., 2016)
    | https://arxiv.org/abs/1509.00519
"""

import numpy as np
from scipy.special import logsumexp

from algorithms.base import Array
from algorithms.density.base import Partition


def importance(weights: Array) -> Array:
    r"""Return the logarithm of the mean weight, :math:`\log \frac1m \sum_j e^{w_j}`.

    Arguments:
        weights: Log-weights of m proposals on the last axis, (..., m).

    Example:
        >>> float(importance(np.log([1.0, 3.0])).round(6)) == round(float(np.log(2.0)), 6)
        True
    """
    return np.asarray(logsumexp(weights, axis=-1) - np.log(weights.shape[-1]))


def one_sample(weights: Array) -> Array:
    r"""Return the mean log-weight, a lower bound of log Z in expectation.

    .. math:: \mathbb E_q w = \log Z - \mathrm{KL}(q \| p)

    Arguments:
        weights: Log-weights of m proposals on the last axis, (..., m).
    """
    return np.asarray(weights.mean(axis=-1))


def critic(energies: Array) -> Array:
    r"""Return WGAN's substitute for log Z: the mean of D over proposals, without their density.

    .. math:: \mathbb E_q D = \log Z - \mathrm{KL}(q \| p) - H(q)

    Arguments:
        energies: :math:`D(x_j)` of m proposals on the last axis, (..., m).
    """
    return np.asarray(energies.mean(axis=-1))


def effective(weights: Array) -> Array:
    r"""Return the effective share of the proposals, :math:`(\sum e^{w_j})^2 / (m \sum e^{2 w_j})`.

    Arguments:
        weights: Log-weights of m proposals on the last axis, (..., m).

    Example:
        >>> float(effective(np.zeros(4))), float(effective(np.array([0.0, -99.0])).round(3))
        (1.0, 0.5)
    """
    log = 2 * logsumexp(weights, axis=-1) - logsumexp(2 * weights, axis=-1)
    return np.asarray(np.exp(log) / weights.shape[-1])


def standard_error(weights: Array) -> Array:
    r"""Return the standard error of :func:`importance`, by the delta method.

    .. math:: \frac{\mathrm{sd}(e^w)}{\sqrt m\, \overline{e^w}} = \sqrt{\frac{1/\rho - 1}{m - 1}}

    with the effective share :math:`\rho`.

    Arguments:
        weights: Log-weights of m proposals on the last axis, (..., m).
    """
    excess = np.maximum(1 / effective(weights) - 1, 0)
    return np.asarray(np.sqrt(excess / (weights.shape[-1] - 1)))


def estimate(weights: Array, others: Array | None = None) -> Partition:
    """Return the estimate with its error, and a second one from other proposals.

    Arguments:
        weights: Log-weights of m proposals, (m,).
        others: Log-weights of the other proposals, (m',).
    """
    second: tuple[float | None, float | None] = (None, None)
    if others is not None:
        second = float(importance(others)), float(standard_error(others))
    return Partition(
        float(importance(weights)),
        float(standard_error(weights)),
        float(effective(weights)),
        *second,
    )


def resample(x: Array, weights: Array, n: int, rng: np.random.Generator) -> Array:
    """Draw n of m points with replacement, in proportion to their weights.

    Arguments:
        x: Points, (m, d).
        weights: Their log-weights, (m,).
        n: The number of draws.
        rng: The generator of randomness.

    Example:
        >>> x, weights = np.array([[1.0], [2.0]]), np.array([0.0, -99.0])
        >>> resample(x, weights, 2, np.random.default_rng(0)).tolist()
        [[1.0], [1.0]]
    """
    cumulative = np.cumsum(np.exp(weights - weights.max()))
    chosen = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
    return np.asarray(x[chosen.clip(0, len(x) - 1)])
