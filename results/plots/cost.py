"""The cost of a collective's success to the firm."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from results.display_names import labels
from results.plots.axes import dagger, entitle, explained, legend, panels, small_multiples
from results.plots.learner_styles import looks
from results.plots.registry import register_figure
from results.plots.style import fitting, styled
from results.stats.analysis import Analysis
from results.stats.curves import learns
from results.stats.frames import number

#: Where a path begins.
_RING: dict[str, Any] = {
    "marker": "o",
    "markersize": 7,
    "fillstyle": "none",
    "markeredgewidth": 0.7,
    "linestyle": "none",
}


def _accurate(analysis: Analysis) -> pd.DataFrame:
    """Return the curves of learners whose accuracy is known."""
    return analysis.curves[number(analysis.curves, "accuracy").notna()]


@register_figure("cost", _accurate, order=6)
@styled
def plot_cost(curves: pd.DataFrame) -> Figure:
    """Success against the accuracy on untouched test data: a panel a task, a path a learner.

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`.

    Returns:
        The figure. A path leads from no collective (ringed) to the largest one, through the
        means over seeds at each size, with the 95 % intervals of success. Points far to the
        right cost the firm nothing. A dagger marks a learner whose accuracy without a collective
        is not above that of a constant answer.
    """
    tasks = panels(curves, [])
    columns = min(fitting(2), max(len(tasks), 1))
    figure, grid = small_multiples(len(tasks), columns)
    short, styles = labels(curves["learner"]), looks(curves["learner"])
    shown = {}
    for axes, (title, task) in zip(grid, tasks, strict=True):
        entitle(axes, title)
        for learner, curve in task.groupby("learner"):
            curve = curve.sort_values("size")
            line = styles[str(learner)].line() | {"markersize": 2.5, "linewidth": 0.8}
            sure = curve[curve["interval"] == "t"]
            axes.vlines(
                sure["accuracy"],
                sure["low"],
                sure["high"],
                color=line["color"],
                linewidth=0.6,
                alpha=0.4,
            )
            (path,) = axes.plot(curve["accuracy"], curve["mean"], **line)
            start = curve.iloc[0]
            axes.plot(start["accuracy"], start["mean"], color=line["color"], **_RING)
            if not learns(curve):
                dagger(axes, start["accuracy"], start["mean"], line["color"])
            shown[short[str(learner)]] = path
        axes.set_ylim(-0.04, 1.04)
        _widen(axes)
    for axes in grid[-columns:]:
        axes.set_xlabel("accuracy on untouched data")
    for axes in grid[::columns]:
        axes.set_ylabel("success")
    alone = Line2D([], [], color="0.3", label="no collective", **_RING)
    shown |= {str(handle.get_label()): handle for handle in (alone, *explained(grid))}
    legend(figure, list(shown.values()), list(shown))
    return figure


def _widen(axes: Axes) -> None:
    """Widen an axis of accuracies to at least a tenth, so that noise does not fill a panel."""
    low, high = axes.get_xlim()
    missing = max(0.0, 0.1 - (high - low)) / 2
    axes.set_xlim(low - missing, high + missing)
