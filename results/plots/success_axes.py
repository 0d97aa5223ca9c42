"""Axes and legend of figures of success against size."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.plots.axes import legend, symlog_sizes


def size_axes(axes: Axes, sizes: "pd.Series[float]") -> None:
    """Set the axes of success against size."""
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    smallest = sizes[sizes > 0].min()
    symlog_sizes(axes, float(smallest) if smallest == smallest else 1e-3, float(sizes.max()))


def outer_labels(grid: list[Axes]) -> None:
    """Label the outer axes."""
    places = [axes.get_subplotspec() for axes in grid]
    last = max((place.rowspan.stop for place in places if place), default=0)
    for axes, place in zip(grid, places, strict=True):
        axes.set_xlabel("size of the collective" if place and place.rowspan.stop == last else "")
        axes.set_ylabel("success" if place and place.colspan.start == 0 else "")


def shared_legend(figure: Figure, grid: list[Axes]) -> None:
    """Draw one legend for the labelled curves of all panels."""
    shown = {
        text: line
        for axes in grid
        for line, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    legend(figure, list(shown.values()), list(shown))
