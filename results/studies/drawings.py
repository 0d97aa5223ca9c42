"""Figures that studies share: from the records of some cells to a figure and its table."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from results.plots.axes import entitle, legend, small_multiples
from results.plots.effective_size import plot_effective_size
from results.plots.promises import plot_promises, plot_promises_of_strategies
from results.plots.strategies import plot_strategies
from results.plots.style import inches, styled
from results.plots.success import plot_curves
from results.stats.bound_slack import promised
from results.stats.curves import success_curves
from results.studies.base import Drawing
from results.studies.measures import by_epoch, pick

#: The colour of a verdict, distinct with any colour vision.
COLOURS = {
    "holds": "#117733",
    "fails": "#CC6677",
    "undecided": "#777777",
    "left out": "#BBBBBB",
}
# The share of a figure's width that claims take.
_CLAIM = 0.5
_KINDS = {"share": "shares", "difference": "differences of shares", "decades": "decades"}


def curves(**wanted: Any) -> Drawing:
    """Return the drawing of success against size, a curve a learner."""
    return lambda records: _drawn(plot_curves, success_curves(pick(records, **wanted)))


def effective_sizes(**wanted: Any) -> Drawing:
    """Return the drawing of effective size against size."""

    def draw(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
        table = success_curves(pick(records, **wanted))
        return _drawn(plot_effective_size, table[table["effective_size"].notna()])

    return draw


def strategies(**wanted: Any) -> Drawing:
    """Return the drawing of success against size, a curve a strategy."""
    return lambda records: _drawn(plot_strategies, success_curves(pick(records, **wanted)))


def promises(bounds: Sequence[str], **wanted: Any) -> Drawing:
    """Return the drawing of success over some of the bounds, a curve a learner."""
    return _promises(plot_promises, bounds, **wanted)


def promises_of_strategies(bounds: Sequence[str], **wanted: Any) -> Drawing:
    """Return the drawing of success over some of the bounds, a curve a strategy."""
    return _promises(plot_promises_of_strategies, bounds, **wanted)


def _promises(plot: Any, bounds: Sequence[str], **wanted: Any) -> Drawing:
    """Return the drawing of success over some of the bounds by a plot."""

    def draw(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
        chosen = pick(records, **wanted)
        table = promised(chosen[chosen["status"] == "ok"].drop(columns="epochs"))
        return _drawn(plot, table[table["bound"].isin(bounds)])

    return draw


def epochs(after: Sequence[int], **wanted: Any) -> Drawing:
    """Return the drawing of success against size after some epochs, a curve an epoch."""

    def draw(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
        return _drawn(plot_curves, success_curves(by_epoch(pick(records, **wanted), after)))

    return draw


def _drawn(plot: Any, table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    return plot(table), table


@styled
def plot_verdicts(verdicts: pd.DataFrame) -> Figure:
    """Draw effects with their 95 % intervals, a row a claim; the claimed side is shaded.

    Arguments:
        verdicts: Rows of the result of :meth:`Study.verdicts`.

    Returns:
        The figure, with a panel for each scale. Effects whose seeds agree have no bar. Numbers
        are those of the claims in the table.
    """
    kinds = [(k, t) for k, t in verdicts.groupby("scale", sort=False) if len(t)]
    letters = int(inches() * _CLAIM / 0.055)
    says = {
        i: textwrap.fill(f"{number}. {claim}", letters, subsequent_indent="   ")
        for i, number, claim in verdicts[["number", "claim"]].itertuples()
    }
    # Rows are as tall as their text, in inches.
    tall = {i: 0.08 + 0.115 * (1 + text.count("\n")) for i, text in says.items()}
    heights = [0.45 + sum(tall[i] for i in table.index) for _, table in kinds]
    figure, grid = small_multiples(len(kinds), 1, heights)
    for axes, (kind, table) in zip(grid, kinds, strict=True):
        entitle(axes, [_KINDS[str(kind)]])
        known = table[["effect", "low", "high"]].to_numpy(float)
        reach = (
            max(1.0, abs(known[abs(known) < 1e6]).max(initial=0.0)) if kind == "decades" else 1.0
        )
        first, last = -0.05 if kind == "share" else -1.05 * reach, 1.05 * reach
        axes.set_xlim(first, last)
        rows = np.array([tall[i] for i in table.index])
        ends = np.cumsum(rows)
        places = ends - rows / 2
        axes.set_ylim(ends[-1] + 0.02, -0.02)
        axes.grid(False, axis="y")
        axes.tick_params("y", length=0)
        for y, row in zip(places, table.to_dict("records"), strict=True):
            colour = COLOURS[row["verdict"]]
            low, high = max(row["above"], first), min(row["below"], last)
            axes.fill_betweenx([y - 0.07, y + 0.07], low, high, color="#eeeeee", linewidth=0)
            if row["interval"] == "t":
                bar = [max(row["low"], first), min(row["high"], last)]
                axes.plot(bar, [y, y], color=colour, linewidth=1.4, solid_capstyle="butt")
            axes.plot([row["effect"]], [y], **_mark(row["verdict"]))
        axes.axvline(0, color="0.6", linewidth=0.6, zorder=0.5)
        axes.set_yticks(places, [says[i] for i in table.index], ha="left")
        # Claims begin at the left edge of the figure, below each other.
        axes.tick_params("y", pad=inches() * _CLAIM * 72)
    words = [word for word in COLOURS if word in set(verdicts["verdict"])]
    handles: list[Artist] = [Line2D([], [], **_mark(word)) for word in words]
    shaded = Patch(facecolor="#eeeeee", edgecolor="none")
    legend(figure, [*handles, shaded], [*words, "what is claimed"])
    return figure


def _mark(word: str) -> dict[str, Any]:
    """Return the mark of a verdict as arguments of ``Axes.plot``."""
    marker = {"holds": "o", "fails": "X", "undecided": "D", "left out": "_"}[word]
    return {"marker": marker, "linestyle": "none", "color": COLOURS[word], "markersize": 4.5}
