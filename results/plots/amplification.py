"""Amplification of a song against the size of the collective that promotes it."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from results.plots.axes import GREY, log_sizes
from results.plots.curve_panels import curve_panels
from results.plots.style import styled

#: Amplifications that have a tick, as far as they are needed.
_TICKS = (0, 1, 2, 5, 10, 20, 50, 100, 1000)


@styled
def plot_amplification(curves: pd.DataFrame) -> Figure:
    """Amplification against the size of the collective: a panel a placement, a curve a firm.

    Arguments:
        curves: Result of :func:`results.stats.amplification.amplification_curves`.

    Returns:
        The figure. Amplification is the song's share of recommendations over its share of the
        training data; the dotted line, at 1, is that of a firm that recommends songs in
        proportion to their counts. The axis is linear below 1 and logarithmic above. Bands are
        95 % t intervals over seeds.
    """
    shown = curves[curves["size"] > 0].dropna(subset=["amplification"])
    highest = float(np.nanmax(shown["amplification"].to_numpy(), initial=1.0))
    figure = curve_panels(shown, _draw, "amplification", "amplification")
    for axes in figure.axes:
        axes.axhline(1.0, color=GREY, linestyle=":", linewidth=0.9, zorder=0.5)
        axes.set_yscale("symlog", linthresh=1.0, linscale=0.5)
        axes.set_ylim(-0.1, 1.6 * highest)
        ticks = [tick for tick in _TICKS if tick <= 1.6 * highest]
        axes.yaxis.set_major_locator(FixedLocator(ticks))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())
        log_sizes(axes.xaxis, float(shown["size"].min()), float(shown["size"].max()))
    return figure


def _draw(axes: Axes, curve: pd.DataFrame, line: dict[str, Any]) -> None:
    """Draw the amplification by one firm with its intervals."""
    sizes, mean = curve["size"].to_numpy(float), curve["amplification"].to_numpy(float)
    by_t = (curve["interval"] == "t").to_numpy()
    low, high = (np.where(by_t, curve[end], mean) for end in ("low", "high"))
    axes.fill_between(sizes, low, high, color=line["color"], alpha=0.13, linewidth=0)
    axes.plot(sizes, mean, **line)
