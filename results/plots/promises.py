"""Success beside its theoretical bounds."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import labels
from results.plots.axes import entitle, panels, small_multiples
from results.plots.learner_styles import looks
from results.plots.registry import register_figure
from results.plots.style import styled
from results.plots.success_axes import outer_labels, size_axes
from results.stats.analysis import Analysis
from results.stats.bound_slack import BOUND, promised

#: The line and the name of each bound.
_LINES: dict[str, tuple[Any, str]] = {
    "exact": ("-", "bound, distribution known"),
    "sample": ((0, (4, 1.5)), "bound from members' data"),
    "plugin": ((0, (1, 1.5)), "estimate by overlap"),
}


def _bounds(analysis: Analysis) -> pd.DataFrame:
    """Return the success of trials that have bounds, beside their bounds."""
    named = any(str(name).startswith(BOUND) for name in analysis.records)
    return promised(analysis.records) if named else pd.DataFrame()


@register_figure("promises", _bounds, order=7)
@styled
def plot_promises(promised: pd.DataFrame) -> Figure:
    """Success against the size of the collective, beside its theoretical bounds: a panel a task.

    Arguments:
        promised: Result of :func:`results.stats.bound_slack.promised`.

    Returns:
        The figure. Curves are means over seeds, bounds are black. A learner whose success lies
        below a bound does not fulfil the bound's assumptions.
    """
    tasks = panels(promised, [])
    figure, grid = small_multiples(len(tasks), 2 if len(tasks) in (2, 4) else 3)
    short, styles = labels(promised["learner"]), looks(promised["learner"])
    for axes, (title, task) in zip(grid, tasks, strict=True):
        entitle(axes, title)
        for learner, rows in task.groupby("learner"):
            mean = rows.groupby("size")["success"].mean()
            line = styles[str(learner)].line() | {"markersize": 3.5}
            axes.plot(mean.index, mean, **line, label=short[str(learner)])
        for name, (dash, text) in _LINES.items():
            mean = task[task["bound"] == name].groupby("size")["promised"].mean()
            if len(mean):
                axes.plot(mean.index, mean, "k", linestyle=dash, linewidth=1.0, label=text)
        size_axes(axes, task["size"])
    outer_labels(figure, grid)
    return figure
