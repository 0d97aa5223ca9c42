"""Mean ranks of learners over datasets."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from results.display_names import labels
from results.plots.axes import dagger_note, learner_names
from results.plots.learner_styles import looks
from results.plots.registry import register_figure
from results.plots.style import inches, styled
from results.stats.analysis import Analysis
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
        of the seeds in them. A dagger marks a learner whose accuracy without a collective is, on
        some datasets, not above that of a constant answer.
    """
    figure = Figure(figsize=(inches(), 0.7 + 0.16 * max(len(ranks), 1)))
    axes = figure.subplots()
    short, styles = labels(ranks["learner"]), looks(ranks["learner"])
    for y, row in enumerate(ranks.to_dict("records")):
        look = styles[row["learner"]].line() | {"linestyle": "none"}
        axes.plot([row["low"], row["high"]], [y, y], color=look["color"], linewidth=1.2)
        axes.plot([row["rank"]], [y], **look)
    axes.set_yticks(range(len(ranks)), learner_names(ranks, short))
    axes.set_ylim(len(ranks) - 0.4, -0.6)
    axes.tick_params("y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(False, axis="y")
    count = int(ranks["datasets"].iloc[0]) if len(ranks) else 0
    axes.set_xlabel(f"mean rank over {count} dataset{'' if count == 1 else 's'}")
    dagger_note(figure, [axes])
    return figure
