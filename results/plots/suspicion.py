"""Detection of members by suspicion scores: ROC curves, and their area against size."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.display_names import display
from results.plots.axes import entitle, legend, panels, percent, small_multiples, symlog_sizes
from results.plots.learner_styles import COLOURS, MARKERS
from results.plots.style import fitting, styled

_CHANCE: dict[str, Any] = {"color": "0.5", "linestyle": ":", "linewidth": 0.8, "zorder": 1}


@styled
def plot_areas(areas: pd.DataFrame) -> Figure:
    """Area under the ROC curve of suspicion scores against the size of the collective.

    Arguments:
        areas: Result of :func:`results.stats.suspicion.mean_areas`, of one learner.

    Returns:
        The figure, with a panel for each task and a curve for each score. Curves are means over
        seeds, bands are 95 % intervals. On the dotted line a score is no better than chance;
        below it members are less suspicious than others.
    """
    tasks = panels(areas, [])
    columns = fitting(3)
    figure, grid = small_multiples(len(tasks), columns)
    looks, shown = _looks(areas), {}
    for axes, (title, task) in zip(grid, tasks, strict=True):
        entitle(axes, title)
        for score, rows in task.groupby("score"):
            rows, look = rows.sort_values("size"), looks[str(score)]
            band = {"color": look["color"], "alpha": 0.13, "linewidth": 0}
            axes.fill_between(rows["size"], rows["auc_low"], rows["auc_high"], **band)
            (shown[look["label"]],) = axes.plot(rows["size"], rows["auc"], **look)
        axes.axhline(0.5, **_CHANCE)
        axes.set_ylim(-0.04, 1.04)
        symlog_sizes(axes, float(areas["size"].min()), float(areas["size"].max()))
        axes.set_xlim(left=0.8 * float(areas["size"].min()))
    _label(grid, columns, "size of the collective", "area under ROC")
    legend(figure, list(shown.values()), list(shown))
    return figure


@styled
def plot_roc(curves: pd.DataFrame) -> Figure:
    """ROC curves of suspicion scores, a panel for each task and size.

    Arguments:
        curves: Result of :func:`results.stats.suspicion.mean_curves`, of one learner.

    Returns:
        The figure. A point of a curve is a number of suspected points: the suspected share of
        members against that of all others. Curves are means over seeds, bands are 95 % intervals.
        The dotted line is that of a random choice.
    """
    tasks = [
        ([*title, percent(size)], task[task["size"] == size])
        for title, task in panels(curves, [])
        for size in sorted(task["size"].unique())
    ]
    columns = fitting(3)
    figure, grid = small_multiples(len(tasks), columns)
    looks, shown = _looks(curves), {}
    for axes, (title, task) in zip(grid, tasks, strict=True):
        entitle(axes, title)
        for score, rows in task.groupby("score"):
            look = {k: v for k, v in looks[str(score)].items() if k != "marker"}
            rows = rows.sort_values("others")
            band = {"color": look["color"], "alpha": 0.13, "linewidth": 0}
            axes.fill_between(rows["others"], rows["low"], rows["high"], **band)
            (shown[look["label"]],) = axes.plot(rows["others"], rows["found"], **look)
        axes.plot([0, 1], [0, 1], **_CHANCE)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    _label(grid, columns, "suspected share of others", "share of members")
    legend(figure, list(shown.values()), list(shown))
    return figure


def _looks(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return the style of each score as arguments of ``Axes.plot``."""
    short = display(table["score"])
    return {
        score: {
            "color": COLOURS[i % len(COLOURS)],
            "marker": MARKERS[i % len(MARKERS)],
            "label": short[score],
        }
        for i, score in enumerate(sorted(short))
    }


def _label(grid: list[Axes], columns: int, below: str, beside: str) -> None:
    for axes in grid[-columns:]:
        axes.set_xlabel(below)
    for axes in grid[::columns]:
        axes.set_ylabel(beside)
