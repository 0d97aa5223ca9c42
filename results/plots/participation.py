"""The net gain of a member against the size of the collective."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from results.display_names import display
from results.plots.axes import entitle, legend, panels, small_multiples, symlog_sizes
from results.plots.learner_styles import looks
from results.plots.style import fitting, styled


@styled
def plot_gains(table: pd.DataFrame, prices: Sequence[float] = ()) -> Figure:
    """Net gain of a member against the size of the collective, a curve a learner.

    Arguments:
        table: Result of :func:`results.stats.participation.mean_gains`.
        prices: Prices of taking part, in units of the value of full success.

    Returns:
        The figure, with a panel for each task. Curves are means over seeds, bands are 95 %
        intervals. Taking part pays where a curve is above the dotted line of the price.
    """
    tasks = panels(table, [])
    columns = fitting(len(tasks) if len(tasks) <= 4 else 3)
    figure, grid = small_multiples(len(tasks), columns)
    short, styles = display(table["learner"]), looks(table["learner"].unique())
    smallest, largest = float(table["size"].min()), float(table["size"].max())
    for axes, (title, task) in zip(grid, tasks, strict=True):
        entitle(axes, title)
        for price in (0.0, *prices):
            axes.axhline(price, color="0.5", linestyle=":" if price else "-", linewidth=0.7)
        for learner, rows in task.groupby("learner"):
            rows, look = rows.sort_values("size"), styles[str(learner)].line()
            band = {"color": look["color"], "alpha": 0.13, "linewidth": 0}
            axes.fill_between(rows["size"], rows["low"], rows["high"], **band)
            axes.plot(rows["size"], rows["gain"], **look)
        axes.set_ylim(min(-0.15, float(table["low"].min()) - 0.04), 1.04)
        symlog_sizes(axes, smallest, largest)
        axes.set_xlim(left=0.8 * smallest)
    for axes in grid[-columns:]:
        axes.set_xlabel("size of the collective")
    for axes in grid[::columns]:
        axes.set_ylabel("net gain of a member")
    handles = [Line2D([], [], **look.line()) for look in styles.values()]
    texts = [short[name] for name in styles]
    priced = Line2D([], [], color="0.5", linestyle=":", linewidth=0.7)
    legend(figure, [*handles, priced], [*texts, "price"])
    return figure
