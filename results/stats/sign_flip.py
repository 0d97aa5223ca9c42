"""Sign-flip tests of paired differences, under exchangeability of the two sides."""

from functools import cache
from typing import NamedTuple

import numpy as np

from results.stats.intervals import Array, half_width, share_prior, t_quantile

ENUMERATED = 12
FLIPS = 10_000
#: Fewer seeds give no simultaneous band.
FEWEST = 5
# The number of columns that are flipped at once, which bounds the memory.
_COLUMNS = 64


@cache
def _signs(pairs: int) -> Array:
    """Return sign patterns (m, pairs): all of them, or for more pairs as many as are drawn."""
    if pairs <= ENUMERATED:
        return 1.0 - 2.0 * (np.arange(2**pairs)[:, None] >> np.arange(pairs) & 1)
    return np.random.default_rng(pairs).choice([-1.0, 1.0], (FLIPS, pairs))


def sign_flip(differences: Array) -> float:
    r"""Return the two-sided p of paired differences, by flipping their signs.

    .. math::  p = P_\sigma\big(|\textstyle\sum_s \sigma_s d_s| \ge |\sum_s d_s|\big)

    Exact up to 12 pairs. Beyond, from 10,000 flips that are the same for all differences of
    one length; the observed pattern counts as one of them.

    Arguments:
        differences: One difference a pair, (S,).

    Example:
        >>> sign_flip(np.array([0.1, 0.2, 0.1, 0.3, 0.2]))
        0.0625
    """
    pairs = len(differences)
    if pairs == 0:
        return float("nan")
    observed = abs(float(differences.sum()))
    # Flips that tie with the observed sum may miss it by rounding.
    slack = 1e-12 * float(np.abs(differences).sum())
    return _share(np.abs(_signs(pairs) @ differences) >= observed - slack)


def _share(extreme: Array) -> float:
    """Return the share of patterns that are as extreme as the observed one."""
    if len(extreme) < FLIPS:
        return float(extreme.mean())
    return float((1 + extreme.sum()) / (1 + len(extreme)))


def smallest_p(pairs: int) -> float:
    """Return the smallest p that :func:`sign_flip` can return for so many pairs."""
    if pairs <= ENUMERATED:
        return min(1.0, 2.0 / 2**pairs) if pairs else float("nan")
    return 1 / (1 + FLIPS)


def holm(p: Array, family: Array | None = None) -> Array:
    r"""Return p that are corrected by Holm's method, over families with corrected p of their own.

    .. math::
        \max_{q \le p_i} \min\big(1,\; q \cdot \#\{\text{families with a } p \ge q\}\big)

    over the given p, q. A family counts until the last of its p was rejected, so that a clear
    difference in it does not pay for an unclear one. With a single p in each family, which is the
    default, this is Holm's :math:`\max_{j \le i} (m - j + 1)\, p_{(j)}`.

    References:
        | A Simple Sequentially Rejective Multiple Test Procedure (Holm, 1979)
        | https://www.jstor.org/stable/4615733

    Arguments:
        p: The p, (m,), none of them NaN.
        family: The family of each, (m,), as numbers 0..F-1.

    Example:
        >>> holm(np.array([0.04, 0.01, 0.03])).tolist()
        [0.06, 0.03, 0.06]
        >>> holm(np.array([0.01, 0.5, 0.02]), np.array([0, 0, 1])).tolist()
        [0.02, 0.5, 0.04]
    """
    families = np.arange(len(p)) if family is None else family
    last = np.full(int(families.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(last, families, p)
    order = np.argsort(p, kind="stable")
    left = len(last) - np.searchsorted(np.sort(last), p[order], side="left")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(left * p[order]), 1.0)
    return corrected


def joint(differences: Array) -> Array:
    r"""Return a p for each column of paired differences, corrected for all of them at once.

    With :math:`t_j` the t statistic of a column and :math:`\sigma` a sign for each seed, shared by
    all columns, so that their dependence stays as it is,

    .. math::
        p_j = P_\sigma\big(\textstyle\max_k |t_k(\sigma d)| \ge |t_j(d)|\big)

    They are exact: where nothing differs, the smallest is below .05 in at most 5 % of families.
    Columns that hardly differ, such as success at neighbouring sizes and the area under it, cost
    hardly anything, unlike in corrections that count columns.

    References:
        | Resampling-Based Multiple Testing (Westfall and Young, 1993)
        | https://www.wiley.com/en-us/9780471557616

    Arguments:
        differences: (S, m), a row a seed; NaN where a seed has no number.

    Returns:
        The p, (m,): 1 for a single seed, NaN for none.

    Example:
        >>> joint(np.random.default_rng(0).normal([0, 1], 0.2, (8, 2))).tolist()
        [0.546875, 0.0078125]
    """
    seeds, many = differences.shape
    signs, peaks = _signs(seeds), np.zeros(1)
    for i in range(0, many, _COLUMNS):
        largest = _t(signs, differences[:, i : i + _COLUMNS]).max(1, initial=0.0)
        peaks = np.maximum(peaks, largest)
    observed = _t(np.ones((1, seeds)), differences)[0]
    p = np.array([_share(peaks >= one - 1e-9 * (1 + min(one, 1e9))) for one in observed])
    return np.where(np.isfinite(differences).any(0), p, np.nan)


class Band(NamedTuple):
    """A band that holds a whole curve of mean differences at once, (m,) each end."""

    low: Array
    high: Array


def band(differences: Array) -> Band:
    r"""Return the simultaneous 95 % band of paired differences at several sizes, by sign flips.

    With t and :math:`\sigma` as in :func:`joint`,

    .. math::
        \bar d_j \pm q\, s_j / \sqrt S, \qquad
        q = Q_{.95}\big(\textstyle\max_j |t_j(\sigma (d - \bar d))|\big)

    q is at least the quantile of a single t interval. At m sizes the band is at least as wide as
    the moderated interval of seeds that agree, at a level of .05 / m (see
    :mod:`results.stats.intervals`). The band holds the whole of the true curve in 94 to 97 % of
    simulated comparisons of 5 to 12 seeds, of sigmoid curves, staircases and humps; fewer than
    5 seeds leave the whole range open.

    Arguments:
        differences: Differences of shares, (S, m), a row a seed, without NaN.

    Example:
        >>> band(np.random.default_rng(0).normal([0, 1], 0.2, (8, 2))).low.round(1).tolist()
        [-0.3, 0.8]
    """
    seeds, sizes = differences.shape
    whole = np.full(sizes, 1.0 if seeds else np.nan)
    if seeds < FEWEST or sizes == 0:
        return Band(-whole, whole)
    mean = differences.mean(0)
    q = float(np.quantile(_t(_signs(seeds), differences - mean).max(1), 0.95, method="higher"))
    q = max(q, float(t_quantile(0.975, seeds - 1)))
    error = differences.std(0, ddof=1) / seeds**0.5
    prior = share_prior(np.abs(differences).mean(0), seeds)
    half = np.maximum(q * error, half_width(0.0, prior, seeds, 0.05 / sizes))
    return Band(np.maximum(mean - half, -1.0), np.minimum(mean + half, 1.0))


def _t(signs: Array, differences: Array) -> Array:
    """Return absolute t statistics (patterns, m) of differences with flipped signs.

    NaN don't count; a column of fewer than two numbers has a t of 0.

    Arguments:
        signs: Sign patterns, (patterns, S).
        differences: Differences, (S, m).
    """
    seeds = np.isfinite(differences).sum(0)
    known = np.where(np.isfinite(differences), differences, 0.0)
    squares, sums = (known**2).sum(0), np.abs(signs @ known)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = squares - sums**2 / seeds
        t = sums / np.sqrt(seeds * np.maximum(rest, 0.0) / (seeds - 1))
    flat = rest <= 1e-12 * squares
    t = np.where(flat, np.where(squares > 0, np.inf, 0.0), t)
    return np.where(seeds < 2, 0.0, t)
