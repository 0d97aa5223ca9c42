"""Accuracy with blocks of points randomised, by the size of the collective."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import display
from results.plots.axes import entitle, legend, percent, small_multiples
from results.plots.learner_styles import COLOURS, MARKERS
from results.plots.style import fitting, styled


@styled
def plot_blocks(table: pd.DataFrame, chance: float = 0.5) -> Figure:
    """Accuracy with blocks of points randomised, by the size of the collective.

    Arguments:
        table: Result of :func:`results.stats.blocks.mean_accuracies`.
        chance: The accuracy of an answer without information.

    Returns:
        The figure, with a panel for each dataset, and a mark for each size and block. Marks are
        means over seeds, bars are 95 % intervals; on the dotted line the answer is that of
        chance.
    """
    names = display(table["dataset"])
    columns = fitting(min(len(names), 3))
    figure, grid = small_multiples(len(names), columns)
    blocks = list(dict.fromkeys(table["randomised"]))
    shown: dict[str, Any] = {}
    sizes = sorted(table["size"].unique())
    for axes, (data, name) in zip(grid, names.items(), strict=True):
        entitle(axes, [name])
        axes.axhline(chance, color="0.5", linestyle=":", linewidth=0.8)
        for i, block in enumerate(blocks):
            rows = table[(table["dataset"] == data) & (table["randomised"] == block)]
            if not len(rows):
                continue
            rows = rows.sort_values("size")
            places = [
                sizes.index(size) + 0.16 * (i - (len(blocks) - 1) / 2) for size in rows["size"]
            ]
            ends = [rows["accuracy"] - rows["low"], rows["high"] - rows["accuracy"]]
            look: dict[str, Any] = {
                "color": COLOURS[i % len(COLOURS)],
                "marker": MARKERS[i % len(MARKERS)],
            }
            shown[block] = axes.errorbar(
                places, rows["accuracy"], ends, linestyle="none", linewidth=1.0, **look
            )
        axes.set_ylim(-0.04, 1.04)
        axes.set_xticks(range(len(sizes)), [percent(size) for size in sizes])
    for axes in grid[-columns:]:
        axes.set_xlabel("size of the collective")
    for axes in grid[::columns]:
        axes.set_ylabel("accuracy")
    texts = ["points as they are" if b == "none" else f"{b} block randomised" for b in shown]
    legend(figure, [*shown.values()], texts)
    return figure
