"""Effects of learners on collectives, over datasets."""

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import display
from results.plots.axes import small_multiples
from results.plots.learner_styles import looks
from results.plots.style import fitting, styled
from results.stats.frontier import PLACES

#: The titles of panels.
_TITLES = {
    "small": "small collectives",
    "middle": "at ERM's critical mass",
    "large": "large collectives",
}


@styled
def plot_effects(table: pd.DataFrame) -> Figure:
    """Mean gains in success over ERM: a row a learner, a panel a size relative to ERM's curve.

    Arguments:
        table: Rows of one strategy of :func:`results.stats.effects.effects`.

    Returns:
        The figure, with the learners that followed collectives most on top. Bars are 95 %
        intervals over datasets. Filled marks are wins and losses, corrected for all learners and
        sizes; open marks are not told apart from ERM, or equal to it.
    """
    shown = [place for place in PLACES if place in set(table["place"])]
    order = list(dict.fromkeys(table["learner"]))
    columns = min(fitting(3), max(len(shown), 1))
    height = 0.55 + 0.15 * len(order)
    figure, grid = small_multiples(len(shown), columns, [height] * len(shown))
    short, styles = display(table["learner"]), looks(table["learner"])
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
        axes.set_xlabel("success, less ERM's")
    return figure
