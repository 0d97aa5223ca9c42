"""Figures of merit of generated images against the share of the training."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import display, within
from results.plots.axes import entitle, legend, percent, small_multiples
from results.plots.learner_styles import COLOURS, MARKERS
from results.plots.style import styled

#: Figure of merit -> its name in a title.
NAMES = {"frechet": "Fréchet distance"}


@styled
def plot_snapshots(table: pd.DataFrame) -> Figure:
    """Figures of merit of generated images against the share of the training steps.

    Arguments:
        table: Result of :func:`results.stats.snapshots.mean_snapshots`.

    Returns:
        The figure, with a row of panels for each set of images, and a curve for each model.
        Curves are means over seeds, bars are 95 % intervals.
    """
    sets, measures = display(table["dataset"]), list(dict.fromkeys(table["measure"]))
    names = within(table, "dataset", "learner")
    models = sorted(set(names.values()))
    figure, grid = small_multiples(len(sets) * len(measures), max(len(measures), 1))
    panels = [(data, measure) for data in sets for measure in measures]
    last = table["snapshot"].max()
    shown: dict[str, Any] = {}
    for axes, (data, measure) in zip(grid, panels, strict=True):
        entitle(axes, [f"{sets[data]}: {NAMES.get(measure, measure)}"])
        here = table[(table["dataset"] == data) & (table["measure"] == measure)]
        label_of = here["learner"].map(lambda text, data=data: names[data, text])
        for i, label in enumerate(models):
            rows = here[label_of == label].sort_values("snapshot")
            if not len(rows):
                continue
            look: dict[str, Any] = {"color": COLOURS[i % len(COLOURS)]}
            # Models beside each other, so that their bars do not hide each other.
            places = rows["snapshot"] / last + 0.012 * (i - (len(models) - 1) / 2)
            ends = [rows["mean"] - rows["low"], rows["high"] - rows["mean"]]
            look |= {"marker": MARKERS[i % len(MARKERS)], "linewidth": 1.0, "elinewidth": 0.7}
            shown[label] = axes.errorbar(places, rows["mean"], ends, **look)
        if measure in NAMES:
            axes.set_ylim(bottom=0)
        else:
            axes.set_ylim(-0.04, 1.04)
        axes.set_xlim(0, 1.05)
        axes.xaxis.set_major_formatter(lambda share, _: percent(share))
    for axes in grid[-len(measures) :] if measures else ():
        axes.set_xlabel("share of the steps")
    legend(figure, list(shown.values()), list(shown))
    return figure
