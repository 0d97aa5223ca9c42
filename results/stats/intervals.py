"""Intervals for a mean over few seeds."""

from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import special

Array = np.ndarray[Any, np.dtype[Any]]
Kind = Literal["t", "wilson", "none"]


class Interval(NamedTuple):
    """A mean over seeds, its 95 % interval, and how the interval was made."""

    mean: float
    low: float
    high: float
    kind: Kind


def agree(values: Array) -> Any:
    """Whether numbers along the first axis, shares or their differences, are all the same one.

    Differences of shares that are the same may differ in their last digits.
    """
    return np.ptp(values, axis=0) <= 1e-12


@cache
def _t(seeds: int) -> float:
    return float(special.stdtrit(seeds - 1, 0.975))


def student(values: Array) -> Interval:
    r"""The t interval :math:`\bar v \pm t_{S-1} s / \sqrt S`, unbounded for a single value."""
    seeds = len(values)
    if seeds == 0:
        return Interval(np.nan, np.nan, np.nan, "none")
    # All equal: the rounded mean may differ from them in the last digit.
    mean = float(values[0]) if agree(values) else float(values.mean())
    if seeds == 1:
        return Interval(mean, -np.inf, np.inf, "none")
    half = 0.0 if agree(values) else _t(seeds) * float(values.std(ddof=1)) / seeds**0.5
    return Interval(mean, mean - half, mean + half, "t")


def wilson(share: float, seeds: int) -> tuple[float, float]:
    """Wilson's interval for ``share * seeds`` successes of ``seeds``."""
    z = float(special.ndtri(0.975))
    spread = z * (share * (1 - share) / seeds + z**2 / (4 * seeds**2)) ** 0.5
    centre, scale = share + z**2 / (2 * seeds), 1 + z**2 / seeds
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def bounded(values: Array) -> Interval:
    r"""The interval for the mean of numbers between 0 and 1.

    The t interval over seeds, clipped. Where all S seeds agree their spread says nothing,
    least of all on a plateau at 1: there the common value v counts as v S successes of S in
    Wilson's interval. One seed alone leaves the whole range open.

    With 5 or 10 seeds whose curves are shifted by .25 decades it covers 91 to 93 % where the
    mean lies between .2 and .8. On the shoulders of a curve, where most seeds lie on a plateau
    and a rare one does not, it can be far too short (down to a quarter, on a staircase).

    Arguments:
        values: One number a seed, (S,), none of them NaN.

    Example:
        >>> bounded(np.ones(5)).kind, round(bounded(np.ones(5)).low, 3)
        ('wilson', 0.566)
    """
    plain = student(values)
    if plain.kind == "none":
        return plain._replace(low=0.0, high=1.0) if len(values) else plain
    if agree(values):
        return Interval(plain.mean, *wilson(plain.mean, len(values)), "wilson")
    return plain._replace(low=max(plain.low, 0.0), high=min(plain.high, 1.0))


def signed(values: Array) -> Interval:
    r"""The interval for the mean of differences, numbers between -1 and 1.

    As :func:`bounded`. Where all S seeds agree, 0 of S seeds have been seen to differ; with
    w the upper end of Wilson's interval for 0 of S, a share w of seeds might lie anywhere:
    :math:`[d - w (d + 1),\; d + w (1 - d)]`.
    """
    plain = student(values)
    if plain.kind == "none":
        return plain._replace(low=-1.0, high=1.0) if len(values) else plain
    if agree(values):
        d, w = plain.mean, wilson(0.0, len(values))[1]
        return Interval(d, d - w * (d + 1), d + w * (1 - d), "wilson")
    return plain._replace(low=max(plain.low, -1.0), high=min(plain.high, 1.0))
