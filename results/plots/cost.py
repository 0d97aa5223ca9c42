"""The cost of a collective's success to the firm."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from results.display_names import display
from results.plots.axes import dagger, entitle, explained, legend, panels, small_multiples
from results.plots.control import without_control
from results.plots.curve_panels import BACK, in_order, others
from results.plots.learner_styles import coloured
from results.plots.registry import register_figure
from results.plots.style import fitting, styled
from results.stats.analysis import Analysis
from results.stats.curves import learns
from results.stats.frames import CELL

#: The columns that are drawn.
_DRAWN = ["accuracy", "mean", "low", "high", "interval", "seeds", "lift"]
#: The least step that an arrow shows.
_STILL = 0.01
#: Where a path begins.
_RING: dict[str, Any] = {
    "marker": "o",
    "markersize": 7,
    "fillstyle": "none",
    "markeredgewidth": 0.7,
    "linestyle": "none",
}


def _accurate(analysis: Analysis) -> pd.DataFrame:
    """Return what the figure draws of the curves of learners whose accuracy is known."""
    curves = without_control(analysis.curves)
    if "accuracy" not in curves:
        return curves.iloc[:0]
    return curves.loc[curves["accuracy"].notna(), [*CELL, "size", *_DRAWN]]


@register_figure("cost", _accurate, order=6)
@styled
def plot_cost(curves: pd.DataFrame) -> Figure:
    """Success against the accuracy on untouched test data: a panel a task, a path a learner.

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`.

    Returns:
        The figure. A path leads from no collective (ringed) to the largest one (arrow), through
        the means over seeds at each size, with the 95 % intervals of success. Panels share one
        range of accuracies. Points far to the right cost the firm nothing. Grey paths are further
        learners. A dagger marks a learner whose accuracy without a collective is not above that
        of a constant answer.
    """
    tasks = panels(curves, [])
    columns = min(fitting(2), max(len(tasks), 1))
    figure, grid = small_multiples(len(tasks), columns)
    short, styles = display(curves["learner"]), coloured(curves, "mean")
    for axes, (title, task) in zip(grid, tasks, strict=True):
        entitle(axes, title)
        for learner, curve in task.groupby("learner"):
            curve = curve.sort_values("size")
            if learner in styles:
                _draw(axes, curve, styles[str(learner)].line())
            else:
                axes.plot(curve["accuracy"], curve["mean"], **BACK)
        axes.set_ylim(-0.04, 1.04)
        axes.set_xlim(*_range(curves["accuracy"]))
    for axes in grid[-columns:]:
        axes.set_xlabel("test accuracy")
    for axes in grid[::columns]:
        axes.set_ylabel("success")
    lines = [Line2D([], [], **styles[n].line(), label=short[n]) for n in in_order(styles)]
    alone = Line2D([], [], color="0.3", label="no collective", **_RING)
    handles = [*lines, alone, *explained(grid)]
    texts = [str(handle.get_label()) for handle in handles]
    legend(figure, handles, texts, title=others(short, styles))
    return figure


def _draw(axes: Axes, curve: pd.DataFrame, line: dict[str, Any]) -> None:
    """Draw the path of one learner, with an arrow where it ends."""
    colour = line["color"]
    sure = curve[curve["interval"] == "t"]
    axes.vlines(
        sure["accuracy"], sure["low"], sure["high"], color=colour, linewidth=0.6, alpha=0.4
    )
    axes.plot(curve["accuracy"], curve["mean"], **line | {"markersize": 2.5, "linewidth": 0.8})
    points = curve[["accuracy", "mean"]].dropna().to_numpy(float)
    if not len(points):
        return
    moved = points[np.abs(points - points[-1]).max(axis=1) > _STILL]
    if len(moved):
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 0.8, "mutation_scale": 8}
        arrow |= {"shrinkA": 0, "shrinkB": 0}
        axes.annotate("", points[-1], moved[-1], arrowprops=arrow)
    axes.plot(*points[0], color=colour, **_RING)
    if not learns(curve):
        dagger(axes, float(points[0, 0]), float(points[0, 1]), colour)


def _range(accuracies: pd.Series) -> tuple[float, float]:
    """Return the ends of an axis of accuracies: at least a tenth, so that noise fills no panel."""
    low, high = float(accuracies.min()), float(accuracies.max())
    if not low <= high:
        return 0.0, 1.0
    room = max(0.1, 1.06 * (high - low)) / 2
    return (low + high) / 2 - room, (low + high) / 2 + room
