"""Success against the round, for firms that update their models."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from results.display_names import display
from results.plots.axes import entitle, legend, percent, small_multiples
from results.plots.learner_styles import looks
from results.plots.style import fitting, styled

_ACTING: dict[str, Any] = {"facecolor": "#e8e8e8", "edgecolor": "none"}


@styled
def plot_rounds(curves: pd.DataFrame) -> Figure:
    """Success against the round: a panel a campaign and size, a curve an update rule.

    Arguments:
        curves: Result of :func:`results.stats.rounds.round_curves`; with a column ``title`` where
            campaigns have names.

    Returns:
        The figure. The height of the grey area is the share of the collective that acts in the
        round. Bands are 95 % intervals over seeds.
    """
    names = display(curves["strategy"])
    named = curves if "title" in curves else curves.assign(title=curves["strategy"].map(names))
    tasks = list(named.groupby(["dataset", "title", "size"], sort=False))
    columns = fitting(3)
    figure, grid = small_multiples(len(tasks), columns)
    short, styles = display(curves["learner"]), looks(curves["learner"].unique())
    data = display(curves["dataset"])
    for axes, ((name, title, size), task) in zip(grid, tasks, strict=True):
        where = [data[str(name)]] if len(data) > 1 else []
        members = [f"{percent(float(str(size)))} members"] if curves["size"].nunique() > 1 else []
        entitle(axes, [*where, str(title), *members])
        shares = task.drop_duplicates("round").sort_values("round")
        axes.bar(shares["round"], shares["acting"], width=1.0, zorder=0, **_ACTING)
        for rule, curve in task.groupby("learner"):
            curve, look = curve.sort_values("round"), styles[str(rule)].line()
            band = {"color": look["color"], "alpha": 0.13, "linewidth": 0}
            axes.fill_between(curve["round"], curve["low"], curve["high"], **band)
            axes.plot(curve["round"], curve["mean"], **look)
        axes.set_ylim(-0.04, 1.04)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in grid[-columns:]:
        axes.set_xlabel("round")
    for axes in grid[::columns]:
        axes.set_ylabel("success")
    handles = [Line2D([], [], **look.line()) for look in styles.values()]
    texts = [short[name] for name in styles]
    legend(figure, [*handles, Patch(**_ACTING)], [*texts, "members who act"])
    return figure
