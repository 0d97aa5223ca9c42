"""Critical masses of all learners against all strategies at a glance."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from results.display_names import labels, titles
from results.plots.axes import percent
from results.plots.registry import register_figure
from results.plots.style import inches, styled
from results.stats.analysis import LEVELS, Analysis
from results.stats.frames import WAYS

_NEVER = "#dddddd"
#: Inches that a letter is wide.
_LETTER = 0.06


def _first_level(analysis: Analysis) -> pd.DataFrame:
    """Return the critical masses of the lowest level that runs report."""
    return analysis.critical[analysis.critical["level"] == LEVELS[0]]


@register_figure("heat", _first_level, order=4)
@styled
def plot_heat(critical: pd.DataFrame) -> Figure:
    """Critical masses: a row a learner, a column a task; darker cells are smaller masses.

    Arguments:
        critical: Result of :func:`results.stats.critical_mass.critical_mass`, of one level.

    Returns:
        The figure. Cells show the estimates. Grey cells are curves that do not reach the level
        at any size ("not reached", where there is room for it). Hatched cells are curves that
        reach it without a collective. White cells were not run.
    """
    tasks, table = _tasks(critical)
    logs = np.log10(table["estimate"].where(np.isfinite(table["estimate"])).clip(1e-6, 1))
    order = logs.fillna(1.0).groupby(table["learner"]).mean().sort_values(kind="stable").index
    # A third of the width is for the learners' names.
    fit = int(inches() * 2 / 3 / max(len(tasks), 1) / _LETTER)
    written, level = _written(tasks, fit)
    letters = max((len(line) for task in written for line in task.split("\n")), default=0)
    height = 1.3 + 0.17 * len(order) + (0.0 if level else _LETTER * letters)
    figure = Figure(figsize=(inches(), height))
    if not len(table):
        return figure
    axes = figure.subplots()
    first, last = critical["smallest"].min(), critical["largest"].max()
    low, high = (np.log10(first), np.log10(last)) if 0 < first < last else (-3.0, 0.0)
    cells = np.full((len(order), len(tasks)), np.nan)
    size = min(6.5, 60 / max(len(tasks), 1))
    for _, row in table.iterrows():
        y, x = order.get_loc(row["learner"]), tasks.index(row["task"])
        if row["reached"] in ("inside", "below"):
            cells[y, x] = np.log10(max(row["estimate"], row["smallest"]))
        else:
            _grey(axes, x, y, hatched=row["reached"] == "control")
        text = _cell_text(row)
        if 0.8 * len(text) <= fit or row["reached"] == "inside":
            # NaN compares as not dark.
            ink = "white" if cells[y, x] < (low + high) / 2 else "black"
            axes.text(x, y, text, ha="center", va="center", fontsize=size, color=ink)
    axes.imshow(cells, aspect="auto", cmap="cividis", vmin=low, vmax=high)
    axes.set_xticks(range(len(tasks)), written, rotation=0 if level else 90)
    axes.set_yticks(range(len(order)), list(order))
    axes.tick_params(length=0)
    axes.grid(False)
    axes.set_title(f"critical mass at success {critical['level'].iloc[0]:g}")
    return figure


def _tasks(critical: pd.DataFrame) -> tuple[list[str], pd.DataFrame]:
    """Return the names of all tasks, and the table with short learners and a column ``task``."""
    datasets, strategies = labels(critical["dataset"]), titles(critical)
    pairs = zip(critical["dataset"], critical["strategy"], strict=True)
    table = critical.assign(
        dataset=critical["dataset"].map(datasets),
        strategy=[strategies[pair] for pair in pairs],
        learner=critical["learner"].map(labels(critical["learner"])),
    )
    extra = [name for name in WAYS if table[name].nunique() > 1]
    table = table.assign(task=table[["dataset", "strategy", *extra]].agg("\n".join, axis=1))
    return list(dict.fromkeys(table["task"])), table


def _grey(axes: Axes, x: int, y: int, hatched: bool) -> None:
    """Fill a cell with grey."""
    style: dict[str, Any] = {"facecolor": _NEVER, "edgecolor": "white", "linewidth": 0}
    hatch = "////" if hatched else None
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, hatch=hatch, **style))


def _written(tasks: Sequence[str], fit: int) -> tuple[list[str], bool]:
    """Wrap the names of tasks after ``fit`` letters; longer words make all of them vertical.

    Returns:
        The wrapped names, and whether they are horizontal.
    """
    lines = [line for task in tasks for line in task.split("\n")]
    level = all(len(word) <= fit for line in lines for word in line.split())
    most = fit if level else max(24, max(map(len, lines)) // 2 + 4)
    broken = [[textwrap.fill(line, most) for line in task.split("\n")] for task in tasks]
    return ["\n".join(parts) for parts in broken], level


def _cell_text(row: Any) -> str:
    """Return the text of a cell."""
    reached = row["reached"]
    if reached == "inside":
        return percent(float(f"{row['estimate']:.2g}"))
    if reached == "below":
        return f"< {percent(row['smallest'])}"
    return {"control": "at once", "beyond": "not reached"}.get(str(reached), "")
