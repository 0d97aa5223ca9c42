"""Panels and axes that the figures share."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

from results.display_names import display, titles
from results.plots.style import fitting, inches
from results.stats.frames import PANEL, WAYS

#: The mark of a learner that is no better than a constant answer.
DAGGER = "\N{DAGGER}"
#: Remarks and lines of reference.
GREY = "#777777"
#: Inches of a panel whose rows have names.
ROWS = 2.4
_NO_BETTER: dict[str, Any] = {
    "color": "0.25",
    "linestyle": "none",
    "markersize": 6,
    "label": "accuracy not above that of a constant answer",
}
# Decades of the axis between 0 and the smallest size.
_LINEAR = 0.45
# The width of a letter as a share of the font's size; the height of a title's line in inches.
_LETTER, _LINE = 0.58, 0.13
_PLACES: dict[str, Any] = {"lower": "outside lower center", "upper": "outside upper center"}
# Inches of a legend's symbol and of the room around it.
_SYMBOL = 0.56
# The least distance of two ticks, as a share of the axis.
_APART = 0.13


#: How a title names a field of a task.
_NAMED = {
    "validation": "{} validation",
    "groups": "{} groups",
    "recruitment": "recruitment by {}",
    "place": "{}",
}


def panels(frame: pd.DataFrame, more: list[str]) -> list[tuple[list[str], pd.DataFrame]]:
    """Return the tasks of a frame, each with the parts of its title.

    Arguments:
        frame: A table with the columns of a panel.
        more: Further columns that tell tasks apart.
    """
    datasets, strategies = display(frame["dataset"]), titles(frame)
    extra = [name for name in [*WAYS, *more] if frame[name].nunique() > 1]

    def title(task: dict[str, Any]) -> list[str]:
        names = [
            level_text(frame, task[name]) if name == "level" else _NAMED[name].format(task[name])
            for name in extra
        ]
        return [datasets[task["dataset"]], strategies[task["dataset"], task["strategy"]], *names]

    keys = [*PANEL, *more]
    return [(title(dict(zip(keys, key, strict=True))), t) for key, t in frame.groupby(keys)]


def level_text(critical: pd.DataFrame, level: float) -> str:
    """Return a level of success as text, with what it counts from.

    Arguments:
        critical: Result of :func:`results.stats.critical_mass.critical_mass`.
        level: The level.
    """
    # Counted from size 0, a level is reached at another success than the level itself.
    apart = "goal" in critical and bool((critical["goal"] - critical["level"]).abs().max() > 0)
    return f"{level:g} above size 0" if apart else f"success {level:g}"


def entitle(axes: Axes, parts: list[str]) -> None:
    """Set a title, wrapped at the width of its panel; the figure grows by the extra lines."""
    wide = axes.get_position().width * inches()
    letters = max(8, int(wide * 72 / (7.5 * _LETTER)))
    lines = [""]
    for part in parts:
        joined = f"{lines[-1]} \N{EM DASH} {part}" if lines[-1] else part
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
    """Return a figure with panels in rows.

    Arguments:
        count: The number of panels.
        columns: The most panels in a row; fewer where figures are narrow.
        heights: The height of each panel in inches; a row is as high as its highest panel.
    """
    columns = max(1, min(fitting(columns), count))
    height = min(1.75, max(1.4, 0.8 * inches() / columns))
    inches_high = list(heights) or [height] * count
    rows = [max(inches_high[i : i + columns]) for i in range(0, count, columns)]
    figure = Figure(figsize=(inches(), 0.75 + sum(rows, start=0.0 if rows else 1.75)))
    if count == 0:
        return figure, []
    grid = figure.subplots(len(rows), columns, squeeze=False, height_ratios=rows).ravel()
    for axes in grid[count:]:
        axes.remove()
    return figure, list(grid[:count])


def remark(figure: Figure, text: str) -> None:
    """Add a remark above the panels, in lines that fit."""
    before = figure.get_suptitle().replace("\n", " ")
    letters = int(inches() * 72 / (7 * _LETTER))
    lines = textwrap.wrap(f"{before}; {text}" if before else text, letters)
    figure.suptitle("\n".join(lines), x=0.99, ha="right", color=GREY)


def dagger(axes: Axes, x: float, y: float, colour: str) -> None:
    """Mark a point of a curve with a dagger, beside other daggers there.

    Arguments:
        axes: The panel.
        x: The point's place on the horizontal axis.
        y: The point's place on the vertical axis.
        colour: The colour of the curve.
    """
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
    """Return the legend's entry for daggers, if any are in panels or beside their rows."""
    ticks = [text for axes in grid for text in axes.get_yticklabels()]
    texts = [text.get_text() for text in (*ticks, *(t for axes in grid for t in axes.texts))]
    if not any(DAGGER in text for text in texts):
        return []
    # A letter as a marker is a formula to matplotlib.
    with rc_context({"text.parse_math": True}):
        return [Line2D([], [], marker=f"${DAGGER}$", **_NO_BETTER)]


def legend(
    figure: Figure,
    handles: Sequence[Artist],
    texts: Sequence[str],
    place: Literal["lower", "upper"] = "lower",
    title: str | None = None,
) -> None:
    """Draw one legend for all panels, in as many columns as fit; long ones enlarge the figure.

    Arguments:
        figure: The figure.
        handles: The legend's symbols.
        texts: The legend's words, one for each symbol.
        place: Below the panels or above them.
        title: The legend's title.
    """
    if not handles:
        return
    columns = _legend_columns([len(text) for text in texts])
    figure.legend(handles, texts, loc=_PLACES[place], ncols=columns, title=title)
    rows = -(-len(handles) // columns)
    figure.set_figheight(figure.get_figheight() + 0.14 * max(0, rows - 2 + bool(title)))


def _legend_columns(lengths: Sequence[int]) -> int:
    """Return the most columns of a legend that fit, which is filled column by column.

    Arguments:
        lengths: The number of letters of each entry.
    """
    for columns in range(len(lengths), 1, -1):
        short, long = divmod(len(lengths), columns)
        ends = np.cumsum([short + (i < long) for i in range(columns)])
        widest = [max(part) for part in np.split(np.array(lengths), ends[:-1])]
        if sum(_SYMBOL + _LETTER / 72 * 7 * letters for letters in widest) <= inches():
            return columns
    return 1


def learner_names(table: pd.DataFrame, short: Mapping[str, str]) -> list[str]:
    """Return the names of a table's rows, with a dagger behind learners that do not learn."""
    pairs = zip(table["learner"], table["learns"], strict=True)
    return [short[name] + ("" if learns else f" {DAGGER}") for name, learns in pairs]


def dagger_note(figure: Figure, grid: Sequence[Axes]) -> None:
    """Explain below panels without a legend the daggers in them."""
    handles = explained(grid)
    legend(figure, handles, [str(handle.get_label()) for handle in handles])


def at_shares(curves: pd.DataFrame) -> pd.DataFrame:
    """Return curves in which each size is the members' share of the people, where it is known.

    A small size may be no member at all: its point then lies at that of the control.
    """
    return curves.assign(size=curves["share"]) if "share" in curves else curves


def percent(size: float) -> str:
    """Format a size as a percentage.

    Example:
        >>> [percent(size) for size in (0, 0.0005, 0.03, 1)]
        ['0', '0.05%', '3%', '100%']
    """
    return f"{100 * size:.6g}%" if size else "0"


def _round(first: float, last: float, factors: tuple[int, ...]) -> list[float]:
    """Return the factors times powers of ten that lie between two sizes."""
    if not 0 < first <= last:
        return []
    powers = range(int(np.floor(np.log10(first))), int(np.ceil(np.log10(last))) + 1)
    tick = [float(f"{factor}e{power}") for power in powers for factor in factors]
    return [t for t in tick if first * (1 - 1e-9) <= t <= last * (1 + 1e-9)]


def _ticks(first: float, last: float) -> list[float]:
    """Return powers of ten, or closer numbers where fewer than two powers lie between the ends."""
    for factors in ((1,), (1, 3), (1, 2, 5)):
        if len(ticks := _round(first, last, factors)) > 1:
            return ticks
    return [first, last] if first < last else [first]


def symlog_sizes(axes: Axes, smallest: float, largest: float) -> None:
    """Set a symmetric log axis of sizes, which shows 0, with ticks in per cent.

    Arguments:
        axes: The panel.
        smallest: The smallest positive size.
        largest: The largest size.
    """
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
    """Set a log axis of sizes with ticks in per cent.

    Arguments:
        axis: The axis.
        smallest: The smallest size.
        largest: The largest size.
        room: The margin at both ends, as a share of the axis.
    """
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
