"""The effect of other collectives on the success of one collective."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import display
from results.plots.axes import entitle, legend, small_multiples, symlog_sizes
from results.plots.learner_styles import looks
from results.plots.registry import register_figure
from results.plots.style import fitting, styled
from results.stats.constructiveness import constructiveness
from results.stats.frames import WAYS


@register_figure("pairs", lambda analysis: constructiveness(analysis.records), order=8)
@styled
def plot_pairs(table: pd.DataFrame) -> Figure:
    """Effect of other collectives on a collective's success: a panel a pair, a curve a learner.

    Arguments:
        table: Result of :func:`results.stats.constructiveness.constructiveness`.

    Returns:
        The figure. Curves are the success with the others less the success alone, with 95 %
        intervals over paired seeds. Below zero the others harm the collective.
    """
    tasks = list(table.groupby(["dataset", "strategy", *WAYS]))
    columns = min(fitting(2), max(len(tasks), 1))
    figure, grid = small_multiples(len(tasks), columns)
    short, styles = display(table["learner"]), looks(table["learner"])
    names, data = display(table["strategy"]), display(table["dataset"])
    shown: dict[str, Any] = {}
    for axes, (key, task) in zip(grid, tasks, strict=True):
        entitle(axes, [data[str(key[0])], names[str(key[1])]])
        axes.axhline(0, color="0.5", linewidth=0.8)
        for learner, curve in task.groupby("learner"):
            curve, look = curve.sort_values("size"), styles[str(learner)].line()
            axes.fill_between(
                curve["size"],
                curve["low"],
                curve["high"],
                color=look["color"],
                alpha=0.13,
                linewidth=0,
            )
            (line,) = axes.plot(curve["size"], curve["difference"], **look | {"markersize": 3.5})
            shown[short[str(learner)]] = line
        axes.set_ylim(-1.04, 1.04)
        positive = task.loc[task["size"] > 0, "size"]
        symlog_sizes(axes, float(positive.min()), float(positive.max()))
    for axes in grid[-columns:]:
        axes.set_xlabel("size of all together")
    for axes in grid[::columns]:
        axes.set_ylabel("together less alone")
    legend(figure, list(shown.values()), list(shown))
    return figure
