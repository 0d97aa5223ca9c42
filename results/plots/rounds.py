"""Success of a collective round by round, for firms that update their models."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from results.display_names import display
from results.plots.axes import entitle, legend, percent, small_multiples
from results.plots.learner_styles import looks
from results.plots.style import styled

_ACTING: dict[str, Any] = {"facecolor": "#eeeeee", "edgecolor": "none", "zorder": 0}


@styled
def plot_rounds(curves: pd.DataFrame, first: int, last: int) -> Figure:
    """Success against the round: a panel a size, a curve an update rule.

    Arguments:
        curves: Result of :func:`results.stats.rounds.round_curves`.
        first: The first round in which members act.
        last: The last one.

    Returns:
        The figure. The rounds in which members act are shaded. Bands are 95 % intervals over
        seeds.
    """
    tasks = list(curves.groupby(["dataset", "strategy", "size"]))
    figure, grid = small_multiples(len(tasks), 3)
    short, styles = display(curves["learner"]), looks(curves["learner"].unique())
    data = display(curves["dataset"])
    for axes, ((name, _, size), task) in zip(grid, tasks, strict=True):
        entitle(axes, [data[str(name)], f"{percent(float(str(size)))} members"])
        axes.axvspan(first - 0.5, last + 0.5, **_ACTING)
        for rule, curve in task.groupby("learner"):
            curve, look = curve.sort_values("round"), styles[str(rule)].line()
            axes.fill_between(
                curve["round"],
                curve["low"],
                curve["high"],
                color=look["color"],
                alpha=0.13,
                linewidth=0,
            )
            axes.plot(curve["round"], curve["mean"], **look)
        axes.set_ylim(-0.04, 1.04)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("round")
        axes.set_ylabel("success")
    handles = [Line2D([], [], **look.line()) for look in styles.values()]
    texts = [short[name] for name in styles]
    legend(figure, [*handles, Patch(**_ACTING)], [*texts, "rounds in which members act"])
    return figure
