"""Win, tie, loss or cannot tell; and how many seeds would tell."""

from typing import Literal

import numpy as np
from scipy import special

from results.flips import smallest_p
from results.intervals import Array

Verdict = Literal["win", "tie", "loss", "cannot tell"]

#: Differences that nobody would act on: of success, of areas, and of decades of critical mass.
MARGINS = {"success": 0.05, "area": 0.02, "critical": 0.1}
#: By which sign a collective gets further: a smaller critical mass is a win for it.
GOOD = {"success": 1, "area": 1, "critical": -1}

_POWER = 0.8
#: More seeds than this are not counted.
MOST = 10_000


def verdict(measure: str, difference: float, low: float, high: float, p: float) -> Verdict:
    """What an interval and a corrected p say of a difference.

    A tie is shown, not defaulted to: the whole 95 % interval lies within the margin. A win or a
    loss is a difference with a corrected p of at most .05 that is no tie.

    Arguments:
        measure: "success", "area" or "critical".
        difference: The mean difference, learner less the other.
        low: The lower end of its 95 % interval.
        high: The upper end.
        p: Its p, corrected for the family it is in.

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


def reach(spread: float, n: Array) -> Array:
    r"""How far from a point a mean over n seeds is told from it, in four of five cases.

    .. math:: (t_{n-1,.975} + t_{n-1,.8})\, s / \sqrt n
    """
    t = special.stdtrit(n - 1, 0.975) + special.stdtrit(n - 1, _POWER)
    return np.asarray(t * spread / np.sqrt(n))


def needed(measure: str, differences: Array, family: int = 1) -> float:
    r"""How many seeds would lead to a verdict in four of five cases, if these are typical ones.

    The smallest n for which

    .. math:: \text{reach}(s, n) \le \max(|\bar d|, \; \text{margin} - |\bar d|),

    that is for a difference as large as the mean one to be seen, or to be seen to be a tie; and,
    if it is to be seen, for which a p of :func:`results.flips.sign_flip` can fall to .05 after
    correction for its family.

    Arguments:
        measure: "success", "area" or "critical".
        differences: One number a seed, (S,).
        family: How many comparisons the p is corrected for.

    Returns:
        The number; NaN below two seeds, inf if no number up to ten thousand is enough.

    Example:
        >>> needed("area", np.array([0.1, 0.12, 0.08, 0.11]))
        6
    """
    if len(differences) < 2:
        return float("nan")
    size, spread = abs(float(differences.mean())), float(differences.std(ddof=1))
    apart = MARGINS[measure] - size
    n = np.arange(2, MOST + 1)
    half = reach(spread, n)
    floor = np.array([smallest_p(int(pairs)) for pairs in n[:20]])
    provable = np.concatenate([floor, np.full(len(n) - len(floor), floor[-1])]) * family <= 0.05
    enough = np.flatnonzero((provable & (half <= size) & (size > 0)) | (half <= apart))
    return int(n[enough[0]]) if len(enough) else float("inf")
