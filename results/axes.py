"""Panels and axes that the figures share."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

from results.frames import PANEL, WAYS
from results.house import fitting, inches
from results.labels import labels, within

# Decades that the stretch from 0 to the smallest size takes.
_LINEAR = 0.45
# Ticks nearer than this share of the axis would run into each other.
_APART = 0.13


def panels(frame: pd.DataFrame, more: list[str]) -> list[tuple[list[str], pd.DataFrame]]:
    """The tasks of a frame, each with the parts of its title."""
    datasets, strategies = labels(frame["dataset"]), within(frame, "dataset", "strategy")
    extra = [name for name in [*WAYS, *more] if frame[name].nunique() > 1]

    def title(task: dict[str, Any]) -> list[str]:
        names = [f"level {v}" if k == "level" else v for k, v in task.items() if k in extra]
        strategy = strategies[task["dataset"], task["strategy"]]
        return [datasets[task["dataset"]], *names, strategy]

    keys = [*PANEL, *more]
    return [(title(dict(zip(keys, key, strict=True))), t) for key, t in frame.groupby(keys)]


def entitle(axes: Axes, parts: list[str]) -> None:
    """Set a title on as many lines as it takes to stay over its panel."""
    wide = axes.get_position().width * inches()
    letters = max(8, int(wide * 72 / (7.5 * 0.56)))
    lines = [""]
    for part in parts:
        joined = f"{lines[-1]} · {part}" if lines[-1] else part
        if len(joined) <= letters:
            lines[-1] = joined
        else:
            lines += textwrap.wrap(part, letters)
    axes.set_title("\n".join(line for line in lines if line))


def small_multiples(
    count: int, columns: int, heights: Sequence[float] = ()
) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, filled row by row; a row is as high as its highest panel."""
    columns = max(1, min(fitting(columns), count))
    given = list(heights) or [1.75] * count
    rows = [max(given[i : i + columns]) for i in range(0, count, columns)]
    figure = Figure(figsize=(inches(), 0.75 + sum(rows, start=0.0 if rows else 1.75)))
    if count == 0:
        return figure, []
    grid = figure.subplots(len(rows), columns, squeeze=False, height_ratios=rows).ravel()
    for axes in grid[count:]:
        axes.remove()
    return figure, list(grid[:count])


def legend(figure: Figure, handles: Sequence[Artist], texts: Sequence[str]) -> None:
    """One legend below all panels, in as many columns as fit; the figure grows if it is long."""
    if not handles:
        return
    longest = max(map(len, texts))
    columns = max(1, min(len(handles), int(inches() / (0.55 + 0.062 * longest))))
    figure.legend(handles, texts, loc="outside lower center", ncols=columns)
    rows = -(-len(handles) // columns)
    figure.set_figheight(figure.get_figheight() + 0.14 * max(0, rows - 3))


def percent(size: float) -> str:
    """A size as a percentage.

    Example:
        >>> [percent(size) for size in (0, 0.0005, 0.03, 1)]
        ['0', '0.05%', '3%', '100%']
    """
    return f"{100 * size:.6g}%" if size else "0"


def _round(first: float, last: float, factors: tuple[int, ...]) -> list[float]:
    """Round numbers, times powers of ten, between two sizes."""
    if not 0 < first <= last:
        return []
    powers = range(int(np.floor(np.log10(first))), int(np.ceil(np.log10(last))) + 1)
    tick = [float(f"{factor}e{power}") for power in powers for factor in factors]
    return [t for t in tick if first * (1 - 1e-9) <= t <= last * (1 + 1e-9)]


def _ticks(first: float, last: float) -> list[float]:
    """Powers of ten; closer numbers where there would be fewer than two of these."""
    for factors in ((1,), (1, 3), (1, 2, 5)):
        if len(ticks := _round(first, last, factors)) > 1:
            return ticks
    return [first, last] if first < last else [first]


def symlog_sizes(axes: Axes, smallest: float, largest: float) -> None:
    """An axis of sizes that shows 0, its ticks in per cent."""
    largest = max(largest, smallest)
    axes.set_xscale("symlog", linthresh=smallest, linscale=_LINEAR, subs=None)
    span = _LINEAR + np.log10(largest / smallest)
    ticks = [0.0]
    for tick in _ticks(smallest, largest):
        place = _LINEAR + np.log10(tick / smallest)
        before = 0.0 if ticks[-1] == 0 else _LINEAR + np.log10(ticks[-1] / smallest)
        if place - before >= _APART * span:
            ticks.append(tick)
    _set(axes.xaxis, ticks, _round(smallest, largest, (1, 2, 3, 4, 5, 6, 7, 8, 9)))
    axes.set_xlim(-0.12 * smallest, largest * 1.12)


def log_sizes(axis: Axis, smallest: float, largest: float, room: float = 0.04) -> None:
    """A log axis of sizes, its ticks in per cent, with some room at both ends."""
    axes = axis.axes
    along_x = axis is axes.xaxis
    (axes.set_xscale if along_x else axes.set_yscale)("log")
    margin = max(largest / smallest, 1.2) ** room
    _set(axis, _ticks(smallest, largest), _round(smallest, largest, (2, 3, 4, 5, 6, 7, 8, 9)))
    (axes.set_xlim if along_x else axes.set_ylim)(smallest / margin, largest * margin)


def _set(axis: Axis, ticks: list[float], between: list[float]) -> None:
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([percent(tick) for tick in ticks]))
    axis.set_minor_locator(FixedLocator([tick for tick in between if tick not in ticks]))
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(which="minor", color="#bbbbbb")
