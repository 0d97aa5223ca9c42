r"""One effect over several data sets, each of which has an effect with a standard error.

Data sets are taken as draws from a population of data sets, with a normal law of true effects
around a common mean (random effects). With the effect :math:`e_k` of data set k and its squared
standard error :math:`v_k` over seeds, the variance between data sets is that of DerSimonian and
Laird,

.. math::
    \tau^2 = \max\Big\{0,\; \frac{Q - (K - 1)}{\sum_k u_k - \sum_k u_k^2 / \sum_k u_k} \Big\},
    \qquad u_k = \frac{1}{v_k}, \quad Q = \sum_k u_k \Big(e_k -
    \frac{\sum_j u_j e_j}{\sum_j u_j}\Big)^2

and the interval of the common mean is that of Hartung and Knapp, never narrower than the scale
that the standard errors imply:

.. math::
    \bar e = \frac{\sum_k w_k e_k}{\sum_k w_k}, \quad w_k = \frac{1}{v_k + \tau^2}, \qquad
    \bar e \pm t_{K-1} \sqrt{\frac{\max\{1, q\}}{\sum_k w_k}}, \quad
    q = \frac{1}{K - 1} \sum_k w_k (e_k - \bar e)^2

Two data sets have one degree of freedom, and hardly ever decide a claim.

References:
    | Meta-Analysis in Clinical Trials (DerSimonian and Laird, 1986)
    | https://doi.org/10.1016/0197-2456(86)90046-2
    | Improved Tests for a Random Effects Meta-Regression with a Single Covariate
      (Knapp and Hartung, 2003)
    | https://doi.org/10.1002/sim.1482
"""

import numpy as np

from results.stats.intervals import Array, Interval, t_quantile


def between_variance(effects: Array, variances: Array) -> float:
    r"""Return the variance :math:`\tau^2` of true effects between data sets.

    Arguments:
        effects: The effect on each of K data sets, (K,).
        variances: Their squared standard errors, all above zero, (K,).

    Example:
        >>> between_variance(np.array([0.1, 0.3]), np.array([0.01, 0.01]))
        0.01
    """
    weights = 1 / variances
    mean = float(weights @ effects / weights.sum())
    excess = float(weights @ (effects - mean) ** 2) - (len(effects) - 1)
    scale = float(weights.sum() - weights @ weights / weights.sum())
    return max(0.0, round(excess / scale, 15)) if scale > 0 else 0.0


def combine(effects: Array, variances: Array) -> Interval:
    """Return the mean effect over data sets with its 95 % interval.

    Arguments:
        effects: The effect on each of K data sets, (K,).
        variances: Their squared standard errors, all above zero, (K,).

    Returns:
        The mean and its interval; an unbounded one for a single data set, NaN for none.

    Example:
        >>> combined = combine(np.array([0.1, 0.2, 0.3]), np.full(3, 0.01))
        >>> [round(number, 3) for number in combined[:3]]
        [0.2, -0.048, 0.448]
    """
    if not len(effects):
        return Interval(np.nan, np.nan, np.nan, "none")
    weights = 1 / (variances + between_variance(effects, variances))
    mean = float(weights @ effects / weights.sum())
    if len(effects) < 2:
        return Interval(mean, -np.inf, np.inf, "none")
    degrees = len(effects) - 1
    observed = float(weights @ (effects - mean) ** 2) / degrees
    half = float(t_quantile(0.975, degrees)) * float(np.sqrt(max(1.0, observed) / weights.sum()))
    return Interval(mean, mean - half, mean + half, "t")
