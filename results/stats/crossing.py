"""The size at which a sequence of successes crosses a level."""

from typing import Literal

import numpy as np
from scipy.optimize import isotonic_regression

from results.stats.intervals import Array

#: What a level is a share of: of all success, or of the success that the control lacks.
Above = Literal["control", "zero"]
#: Sizes in decades that differ by no more than this are equal.
CLOSE = 1e-9


def isotonic(values: Array, weights: Array | None = None) -> Array:
    """Return the nearest non-decreasing sequence (pool adjacent violators).

    Arguments:
        values: A sequence, (m,).
        weights: The weight of each value, (m,); equal ones if None.
    """
    return np.asarray(isotonic_regression(values, weights=weights).x)


def crossing(sizes: Array, values: Array, level: float) -> float:
    r"""Return the size at which a sequence first reaches a level, interpolated in log10 alpha.

    Arguments:
        sizes: Ascending sizes, (m,); the first may be the control, 0.
        values: The non-decreasing sequence at these sizes, (m,).
        level: The level.

    Returns:
        The size; 0.0 if the level is reached at the control or the smallest positive size
        already, inf if it isn't reached at all.

    Example:
        >>> round(crossing(np.array([0.0, 0.01, 0.1]), np.array([0.0, 0.2, 0.8]), 0.5), 4)
        0.0316
    """
    start, end = bracket(sizes, values, level)
    if start in (0.0, np.inf):
        return start
    i = int(np.searchsorted(sizes, end))
    share = (level - values[i - 1]) / (values[i] - values[i - 1])
    return float(sizes[i - 1] * (sizes[i] / sizes[i - 1]) ** share)


def bracket(sizes: Array, values: Array, level: float) -> tuple[float, float]:
    """Return the neighbouring sizes between which a sequence first reaches a level.

    Arguments:
        sizes: Ascending sizes, (m,); the first may be the control, 0.
        values: The non-decreasing sequence at these sizes, (m,).
        level: The level.

    Returns:
        The last size below the level and the first at it; twice 0.0 or twice inf as in
        :func:`crossing`.

    Example:
        >>> bracket(np.array([0.0, 0.01, 0.1]), np.array([0.0, 0.2, 0.8]), 0.5)
        (0.01, 0.1)
    """
    reached = np.flatnonzero(values >= level)
    if len(reached) == 0:
        return float("inf"), float("inf")
    i = int(reached[0])
    if i == 0 or sizes[i - 1] <= 0:
        return 0.0, 0.0
    return float(sizes[i - 1]), float(sizes[i])


def goal(sizes: Array, means: Array, level: float, above: Above) -> float:
    r"""Return the success at which a level counts as reached.

    It is the level itself, or, above the control,

    .. math::  \bar S(0) + \tau\, (1 - \bar S(0)),

    the share :math:`\tau` of the way from success without a collective to full success.

    Arguments:
        sizes: Ascending sizes, (m,); the first may be the control, 0.
        means: Success at these sizes, (m,).
        level: The level, :math:`\tau`.
        above: Whether the level is a share of what lies above the control, or above zero.
            Without a control both are the same.

    Example:
        >>> goal(np.array([0.0, 0.1]), np.array([0.5, 0.9]), 0.5, "control")
        0.75
    """
    control = means[sizes == 0]
    if above == "zero" or not len(control):
        return level
    return float(control[0] + level * (1 - control[0]))


def point(
    sizes: Array,
    means: Array,
    level: float,
    weights: Array | None = None,
    above: Above = "control",
) -> float:
    """Return the critical mass of one curve: where its isotonic fit crosses the level.

    Arguments:
        sizes: Ascending sizes, (m,); the first may be the control, 0.
        means: Success at these sizes, (m,).
        level: The level.
        weights: The weight of each mean, (m,); equal ones if None.
        above: See :func:`goal`.

    Returns:
        The size as in :func:`crossing`; 0.0 if the control reaches the level, NaN without a
        positive size.
    """
    level = goal(sizes, means, level, above)
    if np.any(means[sizes == 0] >= level):
        return 0.0
    up = sizes > 0
    if not up.any():
        return float("nan")
    weights = None if weights is None else weights[up]
    return crossing(sizes[up], isotonic(means[up], weights), level)


def previous_size(sizes: Array, size: float) -> float:
    """Return the largest of ascending sizes (m,) up to a size; 0.0 if there is none."""
    if not np.isfinite(size):
        return size
    i = int(np.searchsorted(sizes, size * (1 + CLOSE), side="right"))
    return float(sizes[i - 1]) if i else 0.0


def next_size(sizes: Array, size: float) -> float:
    """Return the smallest of ascending sizes (m,) from a size on; inf if there is none.

    A size of 0.0 is at or below all of them, and stays.
    """
    if size == 0:
        return size
    i = int(np.searchsorted(sizes, size * (1 - CLOSE)))
    return float(sizes[i]) if i < len(sizes) else float("inf")
