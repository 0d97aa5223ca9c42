"""Effects of learners on collectives, over datasets."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.display_names import display, references
from results.plots.axes import small_multiples
from results.plots.learner_styles import looks
from results.plots.style import fitting, styled
from results.stats.effects import PEOPLE
from results.stats.places import PLACES

#: The titles of panels.
_TITLES = {
    "small": "small collectives",
    "middle": "at ERM's critical mass",
    "large": "large collectives",
    PEOPLE: "people needed",
}

#: Intervals over fewer datasets do not set the range of a panel.
_FEW = 4
#: Ratios of people with a tick.
_RATIOS = (0.1, 0.3, 1, 3, 10)


@styled
def plot_effects(table: pd.DataFrame) -> Figure:
    """Mean gains over ERM: a row a learner, a panel a size relative to ERM's curve, or people.

    Arguments:
        table: Rows of one strategy of :func:`results.stats.effects.effects`.

    Returns:
        The figure, with the learners that followed collectives most on top. Bars are 95 %
        intervals over datasets. Filled marks are wins and losses, corrected for all learners and
        sizes; open marks are not told apart from ERM, or equal to it. The last panel has the
        critical mass over ERM's.
    """
    shown = [place for place in [*PLACES, PEOPLE] if place in set(table["place"])]
    order = list(dict.fromkeys(table["learner"]))
    columns = min(fitting(4, 1.3), max(len(shown), 1))
    height = 0.55 + 0.15 * len(order)
    figure, grid = small_multiples(len(shown), columns, [height] * len(shown))
    # ERM has no row, and keeps its colour.
    styles = looks([*order, *references(order).values()])
    short = display(order)
    for i, (axes, place) in enumerate(zip(grid, shown, strict=True)):
        axes.set_title(_TITLES[place])
        axes.axvline(0, color="0.6", linewidth=0.6)
        rows = table[(table["place"] == place) & table["effect"].notna()]
        for learner, row in rows.set_index("learner").iterrows():
            y = order.index(learner)
            look = styles[str(learner)].line() | {
                "linestyle": "none",
                "marker": "o",
                "markersize": 4,
            }
            filled = row["verdict"] in ("win", "loss")
            axes.plot([row["low"], row["high"]], [y, y], color=look["color"], linewidth=1.2)
            look |= {"markerfacecolor": look["color"] if filled else "white"}
            axes.plot([row["effect"]], [y], **look)
        named = i % columns == 0
        axes.set_yticks(range(len(order)), [short[one] for one in order] if named else [])
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.tick_params("y", length=0)
        axes.grid(False, axis="y")
        _set_range(axes, rows, place == PEOPLE)
    return figure


def _set_range(axes: Axes, rows: pd.DataFrame, people: bool) -> None:
    """Set the range of a panel, which longer intervals leave.

    Arguments:
        axes: The axes of the panel.
        rows: Its rows.
        people: Whether effects are decades of people, or differences of success.
    """
    ends = rows.loc[rows["datasets"] >= _FEW, ["low", "high"]].abs().max().max()
    largest = 1.05 * min(ends if ends == ends else 1.0, 1.0)
    axes.set_xlim(-largest, largest)
    if people:
        shown = [number for number in _RATIOS if abs(np.log10(number)) <= largest]
        axes.set_xticks(np.log10(shown), [f"{number:g}" for number in shown])
    axes.set_xlabel("times ERM's" if people else "success, less ERM's")
