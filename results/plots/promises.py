"""Success beside its theoretical bounds."""

from collections.abc import Collection
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from results.display_names import display, titles
from results.plots.axes import entitle, legend, panels, small_multiples
from results.plots.control import without_control
from results.plots.curve_panels import BACK, in_order, others
from results.plots.learner_styles import COLOURS, MARKERS, coloured
from results.plots.registry import register_figure
from results.plots.style import styled
from results.plots.success_axes import outer_labels, size_axes
from results.stats.analysis import Analysis
from results.stats.bound_slack import BOUND, promised

#: The line and the name of each bound.
BOUNDS: dict[str, tuple[Any, str]] = {
    "exact": ("-", "exact lower bound"),
    "sample": ((0, (4, 1.5)), "finite-sample lower bound"),
    "plugin": ((0, (1, 1.5)), "heuristic, no bound"),
}


def _bounds(analysis: Analysis) -> pd.DataFrame:
    """Return the success of trials that have bounds, beside their bounds."""
    named = any(str(name).startswith(BOUND) for name in analysis.records)
    return promised(without_control(analysis.records)) if named else pd.DataFrame()


@register_figure("promises", _bounds, order=7)
@styled
def plot_promises(promised: pd.DataFrame) -> Figure:
    """Success against the size of the collective, beside its theoretical bounds: a panel a task.

    Arguments:
        promised: Result of :func:`results.stats.bound_slack.promised`.

    Returns:
        The figure. Curves are means over seeds. Black lines are bounds, and a heuristic that
        is no bound. A learner whose success lies below a bound does not fulfil the bound's
        assumptions. Grey curves are further learners.
    """
    tasks = panels(promised, [])
    figure, grid = small_multiples(len(tasks), 2 if len(tasks) in (2, 4) else 3)
    short, styles = display(promised["learner"]), coloured(promised, "success")
    for axes, (title, task) in zip(grid, tasks, strict=True):
        entitle(axes, title)
        for learner, rows in task.groupby("learner"):
            mean = rows.groupby("size")["success"].mean()
            if learner in styles:
                axes.plot(mean.index, mean, **styles[str(learner)].line() | {"markersize": 3.5})
            else:
                axes.plot(mean.index, mean, **BACK)
        for name, (dash, _) in BOUNDS.items():
            mean = task[task["bound"] == name].groupby("size")["promised"].mean()
            axes.plot(mean.index, mean, "k", linestyle=dash, linewidth=1.0)
        size_axes(axes, task["size"])
    outer_labels(grid)
    lines = [Line2D([], [], **styles[n].line(), label=short[n]) for n in in_order(styles)]
    texts = [str(line.get_label()) for line in lines]
    legend(figure, lines, texts, title=others(short, styles) or "learners")
    bounds_legend(figure, promised["bound"].unique())
    return figure


def bounds_legend(figure: Figure, bounds: Collection[str], colour: str = "black") -> None:
    """Draw the legend of bounds above the panels."""
    shown = [BOUNDS[name] for name in BOUNDS if name in bounds]
    lines = [Line2D([], [], color=colour, linestyle=dash, linewidth=1.0) for dash, _ in shown]
    legend(figure, lines, [text for _, text in shown], "upper")


@styled
def plot_promises_of_strategies(promised: pd.DataFrame) -> Figure:
    """Success beside its theoretical bounds: a panel a dataset and learner, a colour a strategy.

    Arguments:
        promised: Result of :func:`results.stats.bound_slack.promised`.

    Returns:
        The figure. Curves with marks are success, means over seeds; lines without marks are the
        bounds of the strategy of that colour.
    """
    tasks = list(promised.groupby(["dataset", "learner"]))
    figure, grid = small_multiples(len(tasks), 2)
    data, learners = display(promised["dataset"]), display(promised["learner"])
    strategies = titles(promised)
    names = sorted(set(strategies.values()))
    looks_of: dict[str, dict[str, Any]] = {
        name: {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        for i, name in enumerate(names)
    }
    for axes, ((dataset, learner), task) in zip(grid, tasks, strict=True):
        entitle(axes, [data[str(dataset)], learners[str(learner)]])
        for (strategy, bound), rows in task.groupby(["strategy", "bound"]):
            line = looks_of[strategies[str(dataset), str(strategy)]]
            means = rows.groupby("size")[["success", "promised"]].mean()
            axes.plot(means.index, means["success"], **line, markersize=3.5, linewidth=0.8)
            dash = {"linestyle": BOUNDS[str(bound)][0], "marker": ""}
            axes.plot(means.index, means["promised"], **line | dash)
        size_axes(axes, task["size"])
    outer_labels(grid)
    lines = [Line2D([], [], **looks_of[name], linewidth=0.8) for name in names]
    legend(figure, lines, names)
    bounds_legend(figure, promised["bound"].unique(), "0.3")
    return figure
