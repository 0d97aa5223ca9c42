"""Sign flips: what paired differences prove when the two sides of a pair could be exchanged."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from results.stats.intervals import Array, agree

ENUMERATED = 12
FLIPS = 10_000
#: Fewer seeds give no simultaneous band.
FEWEST = 5
# Columns whose flips are held at once.
_COLUMNS = 64


@cache
def _signs(pairs: int) -> Array:
    """Sign patterns (m, pairs): every one of them, or as many as are drawn for more pairs."""
    if pairs <= ENUMERATED:
        return 1.0 - 2.0 * (np.arange(2**pairs)[:, None] >> np.arange(pairs) & 1)
    return np.random.default_rng(pairs).choice([-1.0, 1.0], (FLIPS, pairs))


def sign_flip(differences: Array) -> float:
    r"""The two-sided p of paired differences, by flipping their signs.

    .. math::  p = P_\sigma\big(|\textstyle\sum_s \sigma_s d_s| \ge |\sum_s d_s|\big)

    Exact up to 12 pairs. Beyond, from 10,000 flips that are the same for all differences of
    one length, the observed pattern counted in.

    Example:
        >>> sign_flip(np.array([0.1, 0.2, 0.1, 0.3, 0.2]))
        0.0625
    """
    pairs = len(differences)
    if pairs == 0:
        return float("nan")
    seen = abs(float(differences.sum()))
    # Flips that tie with the observed sum may miss it by rounding.
    slack = 1e-12 * float(np.abs(differences).sum())
    return _share(np.abs(_signs(pairs) @ differences) >= seen - slack)


def _share(extreme: Array) -> float:
    """The share of patterns that are as extreme as what was seen."""
    if len(extreme) < FLIPS:
        return float(extreme.mean())
    return float((1 + extreme.sum()) / (1 + len(extreme)))


def smallest_p(pairs: int) -> float:
    """The smallest p that :func:`sign_flip` can return."""
    if pairs <= ENUMERATED:
        return min(1.0, 2.0 / 2**pairs) if pairs else float("nan")
    return 1 / (1 + FLIPS)


def holm(p: Array, family: Array | None = None) -> Array:
    r"""Holm's corrected p, in their order; of families, whose own p are corrected already.

    .. math::
        \max_{q \le p_i} \min\big(1,\; q \cdot \#\{\text{families with a } p \ge q\}\big)

    over the given p, q. A family counts until the last of its p was rejected, lest what is plain
    in it pay for what is not. With a p a family, which is the case if none are given, this is
    Holm's :math:`\max_{j \le i} (m - j + 1)\, p_{(j)}`.

    Arguments:
        p: The p, (m,), none of them NaN.
        family: The family of each, (m,), as numbers 0..F-1.

    Example:
        >>> holm(np.array([0.04, 0.01, 0.03])).tolist()
        [0.06, 0.03, 0.06]
        >>> holm(np.array([0.01, 0.5, 0.02]), np.array([0, 0, 1])).tolist()
        [0.02, 0.5, 0.04]
    """
    own = np.arange(len(p)) if family is None else family
    last = np.full(int(own.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(last, own, p)
    order = np.argsort(p, kind="stable")
    left = len(last) - np.searchsorted(np.sort(last), p[order], side="left")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(left * p[order]), 1.0)
    return corrected


def joint(differences: Array) -> Array:
    r"""A p for each column of paired differences, corrected for all of them at once.

    With :math:`t_j` the t statistic of a column and :math:`\sigma` a sign for each seed, shared by
    all columns, so that their dependence stays as it is,

    .. math::
        p_j = P_\sigma\big(\textstyle\max_k |t_k(\sigma d)| \ge |t_j(d)|\big)

    They are exact: where nothing differs, none of them is below .05 by chance more often than in
    5 % of families. Columns that say nearly the same, as success at neighbouring sizes and the
    area under it do, cost next to nothing, unlike in corrections that count columns.

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
        own = _t(signs, differences[:, i : i + _COLUMNS]).max(1, initial=0.0)
        peaks = np.maximum(peaks, own)
    seen = _t(np.ones((1, seeds)), differences)[0]
    p = np.array([_share(peaks >= one - 1e-9 * (1 + min(one, 1e9))) for one in seen])
    return np.where(np.isfinite(differences).any(0), p, np.nan)


class Band(NamedTuple):
    """A band that holds a whole curve of mean differences at once."""

    low: Array
    high: Array


def band(differences: Array) -> Band:
    r"""The simultaneous 95 % band of paired differences at several sizes, by sign flips.

    With t and :math:`\sigma` as in :func:`joint`,

    .. math::
        \bar d_j \pm q\, s_j / \sqrt S, \qquad
        q = Q_{.95}\big(\textstyle\max_j |t_j(\sigma (d - \bar d))|\big)

    q is at least the quantile of a single t interval. The band holds the whole of the true curve
    in 94 to 97 % of simulated comparisons of 5 to 12 seeds, of sigmoid curves, staircases and
    humps; fewer than 5 seeds leave the whole range open.

    Arguments:
        differences: (S, m), a row a seed, without NaN.

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
    q = max(q, float(special.stdtrit(seeds - 1, 0.975)))
    error = differences.std(0, ddof=1) / seeds**0.5
    alike = agree(differences)
    half = np.where(alike, 0.0, q * np.where(alike, 1.0, error))
    # Where all seeds agree their spread says nothing: see results.stats.intervals.signed.
    rare = unseen(seeds, 0.05 / sizes)
    low = np.where(alike, mean - rare * (mean + 1), mean - half)
    high = np.where(alike, mean + rare * (1 - mean), mean + half)
    return Band(np.maximum(low, -1.0), np.minimum(high, 1.0))


def unseen(seeds: Any, level: float) -> Any:
    """The largest share that may differ though none of so many seeds was seen to: Wilson's."""
    z = float(special.ndtri(1 - level / 2))
    return z**2 / (seeds + z**2)


def _t(signs: Array, differences: Array) -> Array:
    """Absolute t statistics (patterns, m) of differences (S, m) with flipped signs.

    NaN don't count; a column of fewer than two numbers has a t of 0.
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
