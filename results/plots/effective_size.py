"""Effective size against the size of the collective."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from results.plots.axes import GREY, at_shares, log_sizes
from results.plots.control import without_control
from results.plots.curve_panels import curve_panels
from results.plots.registry import register_figure
from results.plots.style import styled
from results.stats.analysis import Analysis
from results.stats.frames import number

_DIAGONAL: dict[str, Any] = {"color": GREY, "linewidth": 0.8, "zorder": 1}


def _weighted(analysis: Analysis) -> pd.DataFrame:
    """Return the curves of learners that report the weights of their samples."""
    curves = without_control(analysis.curves)
    return curves[number(curves, "effective_size").notna()]


@register_figure("effective_size", _weighted, order=5)
@styled
def plot_effective_size(curves: pd.DataFrame) -> Figure:
    r"""The members' share of all training weight, against their share of the people.

    On the diagonal all samples weigh the same. Above it a learner gives members more weight than
    others: :math:`\alpha_\mathrm{eff} > \alpha`. The figure leaves out learners that report no
    weights, and sizes at which members had no weight.

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`.
    """
    curves = at_shares(curves)
    curves = curves[(curves["size"] > 0) & (curves["effective_size"] > 0)]
    figure = curve_panels(curves, _draw, "effective size", "effective_size", _diagonal)
    if not figure.axes:
        figure.text(0.5, 0.5, "no learner reports its weights", ha="center", va="center")
        return figure
    ends = np.array([curves["size"].min(), curves["size"].max()])
    top = max(ends[1], curves["effective_size"].max())
    bottom = min(ends[0], curves["effective_size"].min())
    for axes in figure.axes:
        axes.plot(ends, ends, **_DIAGONAL, label="_diagonal")
        log_sizes(axes.xaxis, ends[0], ends[1])
        log_sizes(axes.yaxis, bottom, top)
    return figure


def _diagonal(grid: list[Axes]) -> list[Any]:
    """Return the legend's entry of the diagonal."""
    return [Line2D([], [], **_DIAGONAL, label="equal weights")] if grid else []


def _draw(axes: Axes, curve: pd.DataFrame, line: dict[str, Any]) -> None:
    """Draw the effective size of one learner with its intervals."""
    mean, low = curve["effective_size"], curve["effective_size_low"]
    # A band that reaches 0 has no lower end on a log axis.
    low = low.where((low > 0) | low.isna(), mean / 1e3)
    high = curve["effective_size_high"]
    axes.fill_between(curve["size"], low, high, color=line["color"], alpha=0.13, linewidth=0)
    axes.plot(curve["size"], mean, **line)
