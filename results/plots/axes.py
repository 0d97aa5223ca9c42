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
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

from results.display_names import labels, titles
from results.plots.style import fitting, inches
from results.stats.frames import PANEL, WAYS

#: Marks a learner that is no better than a constant answer.
DAGGER = "\N{DAGGER}"
_IDLE: dict[str, Any] = {
    "color": "0.25",
    "marker": f"${DAGGER}$",
    "linestyle": "none",
    "markersize": 6,
    "label": "no better than a constant",
}
# Decades that the stretch from 0 to the smallest size takes.
_LINEAR = 0.45
# Of a font's size a letter is wide; and inches that a line of a title is high.
_LETTER, _LINE = 0.58, 0.13
# Ticks nearer than this share of the axis would run into each other.
_APART = 0.13


def panels(frame: pd.DataFrame, more: list[str]) -> list[tuple[list[str], pd.DataFrame]]:
    """The tasks of a frame, each with the parts of its title."""
    datasets, strategies = labels(frame["dataset"]), titles(frame)
    extra = [name for name in [*WAYS, *more] if frame[name].nunique() > 1]

    def title(task: dict[str, Any]) -> list[str]:
        names = [f"level {v}" if k == "level" else v for k, v in task.items() if k in extra]
        strategy = strategies[task["dataset"], task["strategy"]]
        return [datasets[task["dataset"]], *names, strategy]

    keys = [*PANEL, *more]
    return [(title(dict(zip(keys, key, strict=True))), t) for key, t in frame.groupby(keys)]


def entitle(axes: Axes, parts: list[str]) -> None:
    """Set a title on as many lines as keep it over its panel; the figure grows by them."""
    wide = axes.get_position().width * inches()
    letters = max(8, int(wide * 72 / (7.5 * _LETTER)))
    lines = [""]
    for part in parts:
        joined = f"{lines[-1]} · {part}" if lines[-1] else part
        if len(joined) <= letters:
            lines[-1] = joined
        else:
            lines += textwrap.wrap(part, letters)
    lines = [line for line in lines if line]
    axes.set_title("\n".join(lines))
    figure, place = axes.get_figure(), axes.get_subplotspec()
    if isinstance(figure, Figure) and place is not None and len(lines) > 1:
        # Panels beside each other share the height that their titles take.
        more = _LINE * (len(lines) - 1) / place.get_gridspec().ncols
        figure.set_figheight(figure.get_figheight() + more)


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


def dagger(axes: Axes, x: float, y: float, colour: str) -> None:
    """Mark the curve of a learner that does not learn, at a point of it, beside marks there."""
    marks = [text for text in axes.texts if isinstance(text, Annotation)]
    beside = sum(
        text.get_text() == DAGGER and np.allclose(text.xy, (x, y), atol=0.03) for text in marks
    )
    axes.annotate(
        DAGGER,
        (x, y),
        (3 + 6 * beside, 1),
        textcoords="offset points",
        color=colour,
        va="center",
        fontsize=9,
        annotation_clip=False,
    )


def explained(grid: Sequence[Axes]) -> list[Line2D]:
    """What a legend says of daggers, if there are some in panels or beside their rows."""
    ticks = [text for axes in grid for text in axes.get_yticklabels()]
    texts = [text.get_text() for text in (*ticks, *(t for axes in grid for t in axes.texts))]
    return [Line2D([], [], **_IDLE)] if any(DAGGER in text for text in texts) else []


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
