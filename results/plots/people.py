"""Numbers of people that collectives take, against numbers of all people."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from results.display_names import labels
from results.plots.axes import entitle, legend, small_multiples
from results.plots.learner_styles import looks
from results.plots.style import fitting, styled


@styled
def plot_people(table: pd.DataFrame) -> Figure:
    """Critical masses in people against the number of all people, a curve a learner.

    Arguments:
        table: Result of :func:`results.stats.people.critical_people`.

    Returns:
        The figure, with a panel for each task. Bars are 95 % intervals over seeds. Level curves
        take a number of people, whatever the number of all people is; curves parallel to the grey
        lines take a share of them.
    """
    tasks = list(table.groupby(["data", "strategy"]))
    columns = min(fitting(2), max(len(tasks), 1))
    figure, grid = small_multiples(len(tasks), columns)
    short, styles, data = labels(table["learner"]), looks(table["learner"]), labels(table["data"])
    shown = {}
    for axes, ((name, _), task) in zip(grid, tasks, strict=True):
        entitle(axes, [data[str(name)]])
        n = np.sort(task["n"].unique())
        low, high = 0.7 * task["people"].min(), 1.4 * task["people"].max()
        for share in 10.0 ** np.arange(-4, 0.5, 0.5):
            axes.plot(n, share * n, color="0.85", linewidth=0.6, zorder=0.5)
        for learner, rows in task.groupby("learner"):
            look = styles[str(learner)].line() | {"markersize": 3.5}
            axes.vlines(rows["n"], rows["low"], rows["high"], color=look["color"], linewidth=0.8)
            (shown[short[str(learner)]],) = axes.plot(rows["n"], rows["people"], **look)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        axes.set_xticks(n, [f"{value:g}" for value in n], minor=False)
        axes.minorticks_off()
        axes.yaxis.set_major_formatter("{x:g}")
    for axes in grid[-columns:]:
        axes.set_xlabel("all people")
    for axes in grid[::columns]:
        axes.set_ylabel("members needed")
    legend(figure, list(shown.values()), list(shown))
    return figure
