"""Gains in success against losses of accuracy."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.display_names import labels
from results.plots.axes import entitle, legend, panels, percent, small_multiples
from results.plots.learner_styles import looks
from results.plots.registry import register_figure
from results.plots.style import fitting, styled
from results.stats.analysis import Analysis
from results.stats.frontier import frontier


def _of_settings(analysis: Analysis) -> pd.DataFrame:
    """Return the frontier, if ERM and another learner have several settings."""
    table = frontier(analysis.records)
    counts = table.groupby("learner")["setting"].nunique()
    several = counts.get("ERM", 0) > 1 and len(counts) > 1
    return table if several else table.iloc[:0]


@register_figure("frontier", _of_settings, order=10)
@styled
def plot_frontier(table: pd.DataFrame) -> Figure:
    """Gain in success over ERM against loss of accuracy, a mark a setting.

    Arguments:
        table: Result of :func:`results.stats.frontier.frontier`.

    Returns:
        The figure, with a panel for each task and place. The line is the frontier of ERM's own
        settings. Bars are 95 % intervals of gains; settings without a bar are not shown to be
        above the frontier. Places are sizes
        relative to ERM's critical mass: a quarter of it, itself and four times of it.
    """
    ordered = table.sort_values("size")
    places = [f"{place} size: {percent(size)}" for place, size in _pairs(ordered)]
    names = pd.Categorical(places, list(dict.fromkeys(places)), ordered=True)
    tasks = panels(ordered.assign(place=names), ["place"])
    columns = min(fitting(3), max(len(tasks), 1))
    figure, grid = small_multiples(len(tasks), columns)
    short, styles = labels(table["learner"]), looks(table["learner"])
    shown = {}
    for axes, (title, task) in zip(grid, tasks, strict=True):
        entitle(axes, title)
        axes.axhline(0, color="0.7", linewidth=0.6)
        _line(axes, task[task["learner"].map(lambda name: name.startswith("ERM"))])
        for learner, rows in task.groupby("learner"):
            look = styles[str(learner)].line() | {"linestyle": "none", "markersize": 4}
            for row in rows[rows["strengthens"]].to_dict("records"):
                ends = [row["low"], row["high"]]
                axes.plot([row["loss"]] * 2, ends, color=look["color"], linewidth=1.0)
            (mark,) = axes.plot(rows["loss"], rows["lift"], **look)
            shown[short[str(learner)]] = mark
    for axes in grid[-columns:]:
        axes.set_xlabel("accuracy lost against ERM")
    for axes in grid[::columns]:
        axes.set_ylabel("success gained")
    legend(figure, list(shown.values()), list(shown))
    return figure


def _pairs(table: pd.DataFrame) -> Iterable[tuple[str, float]]:
    """Return the place and the size of each row."""
    return zip(table["place"], table["size"], strict=True)


def _line(axes: Axes, erm: pd.DataFrame) -> None:
    """Draw the frontier of ERM's settings: the largest gain at each loss."""
    rows = erm.sort_values("loss")
    axes.step(
        rows["loss"], np.maximum.accumulate(rows["lift"]), where="post", color="0.5", linewidth=1.0
    )
