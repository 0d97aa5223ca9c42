"""Success and effective size while a learner trains."""

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import display, titles
from results.plots.axes import entitle, legend, percent, small_multiples
from results.plots.learner_styles import shades_of
from results.plots.registry import register_figure
from results.plots.style import fitting, styled
from results.stats.dynamics import dynamics
from results.stats.frames import CELL, WAYS

#: The most sizes in a panel.
SIZES = 5


@register_figure("dynamics", lambda analysis: dynamics(analysis.records), order=10)
@styled
def plot_dynamics(table: pd.DataFrame) -> Figure:
    """Success after each epoch: a panel a task and learner, a curve a size of the collective.

    Arguments:
        table: Result of :func:`results.stats.dynamics.dynamics`.

    Returns:
        The figure. Bands are 95 % intervals over seeds; dashed lines are the effective size,
        the members' share of the weight, of learners that report it.
    """
    tasks = list(table.groupby(CELL))
    columns = min(fitting(2), max(len(tasks), 1))
    figure, grid = small_multiples(len(tasks), columns)
    data, learners = display(table["dataset"]), display(table["learner"])
    strategies = titles(table)
    sizes = sorted(table["size"].unique())
    chosen = [sizes[round(i * (len(sizes) - 1) / (SIZES - 1))] for i in range(SIZES)]
    chosen = list(dict.fromkeys(chosen))
    colours = dict(zip(chosen, shades_of(len(chosen)), strict=True))
    shown = {}
    extra = [name for name in WAYS if table[name].nunique() > 1]
    for axes, (key, task) in zip(grid, tasks, strict=True):
        cell = dict(zip(CELL, map(str, key), strict=True))
        names = [cell[name] for name in extra]
        strategy = strategies[cell["dataset"], cell["strategy"]]
        entitle(axes, [data[cell["dataset"]], strategy, *names, learners[cell["learner"]]])
        for size, colour in colours.items():
            curve = task[task["size"] == size].sort_values("epoch")
            axes.fill_between(
                curve["epoch"], curve["low"], curve["high"], color=colour, alpha=0.15, linewidth=0
            )
            (line,) = axes.plot(curve["epoch"], curve["mean"], color=colour)
            if curve["effective_size"].notna().any():
                axes.plot(
                    curve["epoch"],
                    curve["effective_size"],
                    color=colour,
                    linestyle="--",
                    linewidth=0.8,
                )
            shown[percent(float(size))] = line
        axes.set_ylim(-0.04, 1.04)
        axes.set_xlabel("epoch")
    for axes in grid[::columns]:
        axes.set_ylabel("success")
    legend(figure, list(shown.values()), list(shown))
    return figure
