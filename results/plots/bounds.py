"""Figures of strategies: beside what they were promised, and beside each other."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.display_names import abbreviate, labels, within
from results.plots.axes import entitle, legend, panels, small_multiples, symlog_sizes
from results.plots.learner_styles import COLOURS, MARKERS, looks
from results.plots.style import styled
from results.stats.frames import WAYS

#: How a bound is drawn, and what it is called.
_LINES: dict[str, tuple[Any, str]] = {
    "exact": ("-", "promised, law known"),
    "sample": ((0, (4, 1.5)), "promised from members' data"),
    "plugin": ((0, (1, 1.5)), "estimate by overlap"),
}


@styled
def plot_promises(promised: pd.DataFrame) -> Figure:
    """Success against the size of the collective, over what theory promises: a panel a task.

    Arguments:
        promised: What :func:`results.stats.bound_slack.promised` returns.

    Returns:
        The figure. Curves are means over seeds, promises are black: what lies below one was
        achieved by a firm that it does not hold for, or by none.
    """
    tasks = panels(promised, [])
    figure, grid = small_multiples(len(tasks), 2 if len(tasks) in (2, 4) else 3)
    short, styles = labels(promised["learner"]), looks(promised["learner"])
    for axes, (title, task) in zip(grid, tasks, strict=True):
        entitle(axes, title)
        for learner, own in task.groupby("learner"):
            mean = own.groupby("size")["success"].mean()
            line = styles[str(learner)].line() | {"markersize": 3.5}
            axes.plot(mean.index, mean, **line, label=short[str(learner)])
        for name, (dash, text) in _LINES.items():
            mean = task[task["bound"] == name].groupby("size")["promised"].mean()
            if len(mean):
                axes.plot(mean.index, mean, "k", linestyle=dash, linewidth=1.0, label=text)
        _sizes(axes, task["size"])
    _legend(figure, grid)
    return figure


@styled
def plot_strategies(curves: pd.DataFrame) -> Figure:
    """Success against the size of the collective: a panel a learner, a curve a strategy.

    Where members are not anybody, a curve is a strategy and a way of recruitment.

    Arguments:
        curves: What :func:`results.stats.curves.success_curves` returns.

    Returns:
        The figure; bands are 95 % t intervals over seeds, where there are some.
    """
    curves = curves.assign(curve=_told_apart(curves))
    ways = [way for way in WAYS if way != "recruitment"]
    tasks = list(curves.groupby(["dataset", *ways, "learner"]))
    told = [i for i, way in enumerate(ways, 1) if curves[way].nunique() > 1]
    beside = {sum(task[0] == name for task, _ in tasks) for name in curves["dataset"].unique()}
    alike = len(beside) == 1 and len(tasks) > max(beside)  # a dataset a row
    columns = max(beside) if alike else 2 if len(tasks) in (2, 4) else 3
    figure, grid = small_multiples(len(tasks), min(columns, 3))
    short, data = labels(curves["learner"]), labels(curves["dataset"])
    texts = curves.sort_values(["strategy", "recruitment"], kind="stable")["curve"].unique()
    looks_of = {
        text: {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        for i, text in enumerate(texts)
    }
    for axes, (names, task) in zip(grid, tasks, strict=True):
        entitle(axes, [data[str(names[0])], *(str(names[i]) for i in told), short[str(names[-1])]])
        for (_, _, text), curve in task.groupby(["strategy", "recruitment", "curve"]):
            curve, look = curve.sort_values("size"), looks_of[text]
            by_t = (curve["interval"] == "t").to_numpy()
            low, high = (curve[end].where(by_t, curve["mean"]) for end in ("low", "high"))
            axes.fill_between(
                curve["size"], low, high, color=look["color"], alpha=0.13, linewidth=0
            )
            line: dict[str, Any] = {**look, "markersize": 3.5, "label": text}
            axes.plot(curve["size"], curve["mean"], **line)
        _sizes(axes, task["size"])
    _legend(figure, grid)
    return figure


def _told_apart(curves: pd.DataFrame) -> list[str]:
    """What each row's curve is called: the strategy, and who joins where that differs."""
    names = within(curves, "dataset", "strategy")
    short = abbreviate({name: name for name in names.values()})
    told = []
    for data, strategy, found in zip(
        curves["dataset"], curves["strategy"], curves["recruitment"], strict=True
    ):
        text = short[names[data, strategy]]
        told.append(text if found == "uniform" else f"{text}, by {found}")
    return told


def _sizes(axes: Axes, sizes: "pd.Series[float]") -> None:
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    smallest = sizes[sizes > 0].min()
    symlog_sizes(axes, float(smallest) if smallest == smallest else 1e-3, float(sizes.max()))


def _legend(figure: Figure, grid: list[Axes]) -> None:
    """One legend below for all panels, and what the axes are."""
    shown = {text: line for axes in grid for line, text in zip(*_handles(axes), strict=True)}
    legend(figure, list(shown.values()), list(shown))
    places = [axes.get_subplotspec() for axes in grid]
    last = max((place.rowspan.stop for place in places if place), default=0)
    for axes, place in zip(grid, places, strict=True):
        axes.set_xlabel("size of the collective" if place and place.rowspan.stop == last else "")
        axes.set_ylabel("success" if place and place.colspan.start == 0 else "")


def _handles(axes: Axes) -> tuple[list[Any], list[str]]:
    handles, texts = axes.get_legend_handles_labels()
    return handles, texts
