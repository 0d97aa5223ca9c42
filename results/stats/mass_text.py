"""Critical masses as text, as shares and as numbers of people."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

#: The text of a level that mean success has without a collective.
AT_ZERO = "already reached at size 0"


def percent(size: float) -> str:
    """Return a share as a percentage.

    Example:
        >>> [percent(size) for size in (0, 0.0005, 0.0316228, 1)]
        ['0 %', '0.05 %', '3.16 %', '100 %']
    """
    return f"{_share(size)} %"


def mass_text(row: Mapping[str, Any]) -> str:
    """Return a critical mass and its interval as text.

    Arguments:
        row: A row of :func:`results.stats.critical_mass.critical_mass`.

    Returns:
        The share with its interval, in per cent; the number of people with its interval, where
        that of all people is known; and the peak of a curve that falls.

    Example:
        >>> row = {"reached": "inside", "estimate": 0.005, "low": 0.002, "high": 0.01, "n": 1800}
        >>> row |= {"smallest": 0.001, "largest": 0.2, "falls": False}
        >>> mass_text(row)
        '0.5 % [0.2, 1] = 9 people [4, 18]'
        >>> mass_text(row | {"reached": "beyond", "estimate": np.inf, "high": np.inf, "low": 0.1})
        'not reached up to 20 % [10, > 20] = 360 people [180, > 360]'
    """
    if row["reached"] == "unknown":
        return "unknown"
    if row["reached"] == "control":
        high = row["high"]
        text = AT_ZERO if not high > 0 else f"{AT_ZERO} [0, {_end(row, high, _share)} %]"
    else:
        head = {"below": "below ", "beyond": "not reached up to "}.get(row["reached"], "")
        text = f"{head}{_with_ends(row, _share, ' %')}"
        people = row["n"]
        if people == people:
            text += " = " + _with_ends(row, lambda size: f"{size * people:.0f}", " people")
    if row["falls"]:
        text += f"; peaks at {row['peak']:.3g} ({percent(row['peak_size'])}), then falls"
    return text


def _share(size: float) -> str:
    """Return a share in per cent."""
    return f"{100 * size:.3g}"


def _with_ends(row: Mapping[str, Any], say: Callable[[float], str], unit: str) -> str:
    """Return the estimate in a unit, with its interval where that is not a point."""
    ends = {"below": row["smallest"], "beyond": row["largest"]}
    number = say(ends.get(row["reached"], row["estimate"]))
    text = number + (" person" if (number, unit) == ("1", " people") else unit)
    if row["low"] == row["high"]:
        return text
    return f"{text} [{_end(row, row['low'], say)}, {_end(row, row['high'], say)}]"


def _end(row: Mapping[str, Any], size: float, say: Callable[[float], str]) -> str:
    """Return an end of an interval; one outside the sizes is an inequality."""
    if size == 0:
        return f"< {say(row['smallest'])}" if row["smallest"] > 0 else "0"
    return f"> {say(row['largest'])}" if np.isinf(size) else say(size)
