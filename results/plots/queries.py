"""Success of collectives at test time against the number of their queries."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from results.display_names import display
from results.plots.axes import entitle, legend, small_multiples
from results.plots.learner_styles import looks
from results.plots.style import fitting, styled

_TITLES = {"universal": "by a proxy", "random": "at random"}


@styled
def plot_queries(table: pd.DataFrame) -> Figure:
    """Success at test time against the number of queries, a curve a learner.

    Arguments:
        table: Result of :func:`results.stats.queries.mean_success`.

    Returns:
        The figure, with two panels for each dataset: perturbations that members compute from a
        proxy, and random directions of the same norm. Curves are means over seeds, bands are 95 %
        intervals. Dotted lines are the success of points as they are.
    """
    datasets = display(table["dataset"])
    cells = [(data, way) for data in datasets for way in _TITLES]
    columns = fitting(len(cells) if len(cells) <= 4 else 2)
    figure, grid = small_multiples(len(cells), columns)
    short, styles = display(table["learner"]), looks(table["learner"])
    budgets = sorted(table["budget"].unique())
    shown = {}
    for axes, (data, way) in zip(grid, cells, strict=True):
        entitle(axes, [datasets[data], _TITLES[way]])
        here = table[table["dataset"] == data]
        for learner, rows in here.groupby("learner"):
            look = styles[str(learner)].line()
            rows = rows.sort_values("budget")
            plain = rows[rows["way"] == "none"]
            axes.plot(plain["budget"], plain["success"], ":", color=look["color"], linewidth=0.7)
            rows = rows[rows["way"] == way]
            band = {"color": look["color"], "alpha": 0.13, "linewidth": 0}
            axes.fill_between(rows["budget"], rows["low"], rows["high"], **band)
            (shown[short[str(learner)]],) = axes.plot(rows["budget"], rows["success"], **look)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator([float(budget) for budget in budgets]))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylim(-0.04, 1.04)
    for axes in grid[-columns:]:
        axes.set_xlabel("queries")
    for axes in grid[::columns]:
        axes.set_ylabel("success")
    legend(figure, list(shown.values()), list(shown))
    return figure
