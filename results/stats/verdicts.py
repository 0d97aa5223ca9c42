"""Win, tie, loss or cannot tell; and how many seeds would tell."""

from typing import Literal

import numpy as np
from scipy import special

from results.stats.intervals import Array, agree
from results.stats.sign_flip import smallest_p, unseen

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


def reach(spread: float, n: Array, level: float = 0.05) -> Array:
    r"""How far from a point a mean over n seeds is told from it, in four of five cases.

    .. math:: (t_{n-1,1-\text{level}/2} + t_{n-1,.8})\, s / \sqrt n
    """
    t = special.stdtrit(n - 1, 1 - level / 2) + special.stdtrit(n - 1, _POWER)
    return np.asarray(t * spread / np.sqrt(n))


def needed(measure: str, differences: Array, family: int = 1, sizes: int = 1) -> float:
    r"""How many seeds would lead to a verdict in four of five cases, if these are typical ones.

    The smallest n at which a mean as large as this one is seen, or seen to be a tie:

    .. math:: \text{reach}(s, n, .05 / FM) \le |\bar d| \quad\text{or}\quad
        P\big(|\bar d + t\, s / \sqrt n| \le \text{margin} - t_{n-1,1-.05/2M}\, s / \sqrt n\big)
        \ge .8,

    for t of n - 1 degrees, F learners that are compared and M sizes; M is 1 for the tie of a
    measure of a whole curve, whose interval is not one of a band. If it is to be seen, a p of
    :func:`results.stats.sign_flip.sign_flip` has to be able to fall to .05 / F, too. Where all
    seeds agree
    a tie takes as many as leave no room for a rare one that does not.

    Arguments:
        measure: "success", "area" or "critical".
        differences: One number a seed, (S,).
        family: How many learners the p is corrected for.
        sizes: How many sizes it is corrected for, and success at one of them held in a band with.

    Returns:
        The number; NaN below two seeds, inf if no number up to ten thousand is enough.

    Example:
        >>> needed("area", np.array([0.1, 0.12, 0.08, 0.11]))
        6
        >>> needed("area", np.zeros(6)), needed("success", np.zeros(6), sizes=9)
        (189, 147)
    """
    if len(differences) < 2:
        return float("nan")
    alike = bool(agree(differences))
    mean = float(differences[0] if alike else differences.mean())
    size, spread = abs(mean), 0.0 if alike else float(differences.std(ddof=1))
    margin, n = MARGINS[measure], np.arange(2, MOST + 1)
    level = 0.05 / sizes if measure == "success" else 0.05
    if not alike:
        error = spread / np.sqrt(n)
        room = margin - special.stdtrit(n - 1, 1 - level / 2) * error
        inside = special.stdtr(n - 1, (room - size) / error)
        tie = inside - special.stdtr(n - 1, -(room + size) / error) >= _POWER
    elif measure == "critical":  # decades without spread have no scale to go by
        tie = np.zeros(len(n), dtype=bool)
    else:
        rare = unseen(n, level)
        tie = np.maximum(rare * (mean + 1) - mean, mean + rare * (1 - mean)) <= margin
    floor = np.array([smallest_p(int(pairs)) for pairs in n[:20]])
    provable = np.concatenate([floor, np.full(len(n) - len(floor), floor[-1])]) * family <= 0.05
    seen = provable & (size > 0) & (reach(spread, n, 0.05 / family / sizes) <= size)
    enough = np.flatnonzero(seen | tie)
    return int(n[enough[0]]) if len(enough) else float("inf")
