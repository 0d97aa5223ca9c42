"""Mean ranks of learners over datasets."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from results.display_names import display
from results.plots.axes import dagger_note, learner_names
from results.plots.learner_styles import looks
from results.plots.registry import register_figure
from results.plots.style import inches, styled
from results.stats.analysis import Analysis
from results.stats.rank_tests import alike, critical_difference
from results.stats.ranks import field, mean_ranks


def _over_datasets(analysis: Analysis) -> pd.DataFrame:
    """Return mean ranks; none, where there are too few datasets to average over."""
    return mean_ranks(field(analysis.records))


@register_figure("ranks", _over_datasets, order=9)
@styled
def plot_ranks(ranks: pd.DataFrame) -> Figure:
    """Mean ranks by area over datasets: a row a learner, the largest areas first.

    Arguments:
        ranks: Result of :func:`results.stats.ranks.mean_ranks`.

    Returns:
        The figure. Bars are the middle 95 % of mean ranks over bootstrap samples of datasets and
        of the seeds in them. The bar on top is the critical difference of Nemenyi's test at level
        .05; lines at the right join learners whose mean ranks differ by less. A dagger marks a
        learner whose accuracy without a collective is, on some datasets, not above that of a
        constant answer.
    """
    figure = Figure(figsize=(inches(), 0.9 + 0.16 * max(len(ranks), 1)))
    axes = figure.subplots()
    short, styles = display(ranks["learner"]), looks(ranks["learner"])
    for y, row in enumerate(ranks.to_dict("records")):
        look = styles[row["learner"]].line() | {"linestyle": "none"}
        axes.plot([row["low"], row["high"]], [y, y], color=look["color"], linewidth=1.2)
        axes.plot([row["rank"]], [y], **look)
    axes.set_yticks(range(len(ranks)), learner_names(ranks, short))
    axes.set_ylim(len(ranks) - 0.4, -0.6)
    _draw_difference(axes, ranks)
    axes.tick_params("y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(False, axis="y")
    count = int(ranks["datasets"].iloc[0]) if len(ranks) else 0
    axes.set_xlabel(f"mean rank over {count} dataset{'' if count == 1 else 's'}")
    dagger_note(figure, [axes])
    return figure


def _draw_difference(axes: Axes, ranks: pd.DataFrame) -> None:
    """Draw the critical difference above the rows, and a line beside rows that do not differ."""
    if len(ranks) < 2:
        return
    difference = critical_difference(len(ranks), int(ranks["datasets"].iloc[0]))
    if difference != difference:
        return
    across, along = axes.get_xaxis_transform(), axes.get_yaxis_transform()
    first = float(ranks["low"].min())
    bar: dict[str, Any] = {"color": "0.3", "transform": across, "clip_on": False, "linewidth": 1.0}
    axes.plot([first, first + difference], [1.03, 1.03], "|-", **bar)
    axes.annotate(
        "critical difference",
        (first + difference, 1.03),
        (4, 0),
        xycoords=across,
        textcoords="offset points",
        va="center",
        annotation_clip=False,
    )
    line: dict[str, Any] = {"color": "0.3", "transform": along, "clip_on": False, "linewidth": 1.6}
    for i, (top, bottom) in enumerate(alike(ranks["rank"].tolist(), difference)):
        axes.plot([1.01 + 0.012 * i] * 2, [top - 0.25, bottom + 0.25], **line)
