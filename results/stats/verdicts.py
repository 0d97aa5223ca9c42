"""Verdicts on differences: win, tie, loss or cannot tell; and the number of seeds to decide."""

from typing import Literal

import numpy as np
from scipy import special

from results.stats.intervals import (
    MOST,
    PRIOR_DECADES,
    ROUNDING,
    Array,
    half_width,
    share_prior,
    t_quantile,
)
from results.stats.sign_flip import FEWEST, smallest_p

Verdict = Literal["win", "tie", "loss", "cannot tell"]

#: Differences too small to matter: of success, of areas, and of decades of critical mass.
MARGINS = {"success": 0.05, "area": 0.02, "critical": 0.1}
#: The sign of a difference that favours the collective: a smaller critical mass is a win.
GOOD = {"success": 1, "area": 1, "critical": -1}

#: The power of a test or an interval that is planned for.
POWER = 0.8


def verdict(measure: str, difference: float, low: float, high: float, p: float) -> Verdict:
    """Return the verdict on a difference, by its interval and its corrected p.

    A tie has to be shown: the whole 95 % interval lies within the margin. A win or a loss is a
    difference with a corrected p of at most .05 that is no tie.

    Arguments:
        measure: "success", "area" or "critical".
        difference: The mean difference, learner less the other.
        low: The lower end of its 95 % interval.
        high: The upper end.
        p: Its p, corrected for the family of tests.

    Example:
        >>> verdict("area", 0.3, 0.2, 0.4, 0.01), verdict("critical", 0.3, 0.2, 0.4, 0.01)
        ('win', 'loss')
        >>> verdict("area", 0.004, 0.001, 0.007, 0.03), verdict("area", 0.3, -0.1, 0.7, 0.2)
        ('tie', 'cannot tell')
    """
    margin = MARGINS[measure]
    if -margin <= low and high <= margin:
        return "tie"
    if p <= 0.05:
        return "win" if difference * GOOD[measure] > 0 else "loss"
    return "cannot tell"


def reach(spread: float, n: Array, level: float = 0.05) -> Array:
    r"""Return the distance at which a mean over n seeds is found to differ with power .8.

    .. math:: (t_{n-1,1-\text{level}/2} + t_{n-1,.8})\, s / \sqrt n

    Arguments:
        spread: The standard deviation between seeds, s.
        n: Numbers of seeds, an array of any shape.
        level: The level of the two-sided test.
    """
    t = t_quantile(1 - level / 2, n - 1) + t_quantile(POWER, n - 1)
    return np.asarray(t * spread / np.sqrt(n))


def needed(measure: str, differences: Array, family: int = 1, sizes: int = 1) -> float:
    r"""Estimate how many seeds would lead to a verdict with power .8, were these typical ones.

    It is the smallest n at which a mean as large as this one is found to differ, or shown to be a
    tie:

    .. math:: \text{reach}(s, n, .05 / FM) \le |\bar d| \quad\text{or}\quad
        P\big(|\bar d + t\, s / \sqrt n| \le \text{margin} - h_n\big) \ge .8,

    for t of n - 1 degrees, F learners that are compared, M sizes, and :math:`h_n` half of the
    length of the interval: of a band over M sizes for success, of the moderated interval (see
    :mod:`results.stats.intervals`) for a measure of a whole curve. For a difference, a p of
    :func:`results.stats.sign_flip.sign_flip` has to be able to fall to .05 / F, too.

    Arguments:
        measure: "success", "area" or "critical".
        differences: One number a seed, (S,).
        family: The number of learners that the p is corrected for.
        sizes: The number of sizes that the p is corrected for, and that a band covers.

    Returns:
        The number; NaN below two seeds, inf if no number up to ten thousand is enough.

    Example:
        >>> needed("area", np.array([0.1, 0.12, 0.08, 0.11]))
        6
        >>> needed("area", np.zeros(6)), needed("success", np.zeros(6), sizes=9)
        (7, 6)
    """
    if len(differences) < 2:
        return float("nan")
    size, spread = abs(float(differences.mean())), float(differences.std(ddof=1))
    spread = 0.0 if spread <= ROUNDING else spread
    n = np.arange(2, MOST + 1)
    floor = np.array([smallest_p(int(pairs)) for pairs in n[:20]])
    provable = np.concatenate([floor, np.full(len(n) - len(floor), floor[-1])]) * family <= 0.05
    differs = provable & (size > 0) & (reach(spread, n, 0.05 / family / sizes) <= size)
    room = MARGINS[measure] - _half(measure, differences, n, sizes)
    possible = room > size
    room, m = room[possible], n[possible]
    # Without a spread the mean of further seeds is this one.
    error = np.maximum(spread, ROUNDING) / np.sqrt(m)
    inside = special.stdtr(m - 1, (room - size) / error)
    tie = inside - special.stdtr(m - 1, -(room + size) / error) >= POWER
    enough = [*n[differs][:1], *m[tie][:1]]
    return int(min(enough)) if enough else float("inf")


def _half(measure: str, differences: Array, n: Array, sizes: int) -> Array:
    """Return half of the length of the interval over n seeds like these, by n."""
    variance = float(differences.var(ddof=1))
    if measure == "critical":
        return np.asarray(half_width(variance, PRIOR_DECADES**2, n))
    prior = share_prior(float(np.abs(differences).mean()), n)
    if measure == "area":
        return np.asarray(half_width(variance, prior, n))
    level = 0.05 / sizes
    plain = t_quantile(1 - level / 2, n - 1) * np.sqrt(variance / n)
    half = np.maximum(plain, half_width(0.0, prior, n, level))
    # Fewer seeds have no band.
    return np.where(n < FEWEST, 1.0, half)
