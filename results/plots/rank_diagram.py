"""Mean ranks of learners over datasets."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from results.display_names import labels
from results.plots.axes import DAGGER, explained, legend
from results.plots.learner_styles import looks
from results.plots.style import inches, styled


@styled
def plot_ranks(ranks: pd.DataFrame) -> Figure:
    """Mean ranks by area over datasets, a row a learner: the first is followed most.

    Arguments:
        ranks: What :func:`results.stats.ranks.mean_ranks` returns.

    Returns:
        The figure. Bars are the middle 95 % of mean ranks over datasets, and seeds in them,
        drawn anew together. A dagger marks a learner whose accuracy without a collective is, on
        some of them, not above that of a constant answer.
    """
    figure = Figure(figsize=(inches(), 0.7 + 0.16 * max(len(ranks), 1)))
    axes = figure.subplots()
    short, styles = labels(ranks["learner"]), looks(ranks["learner"])
    for y, row in enumerate(ranks.to_dict("records")):
        look = styles[row["learner"]].line() | {"linestyle": "none"}
        axes.plot([row["low"], row["high"]], [y, y], color=look["color"], linewidth=1.2)
        axes.plot([row["rank"]], [y], **look)
    able = zip(ranks["learner"], ranks["learns"], strict=True)
    names = [short[name] + ("" if learns else f" {DAGGER}") for name, learns in able]
    axes.set_yticks(range(len(ranks)), names)
    axes.set_ylim(len(ranks) - 0.4, -0.6)
    axes.tick_params("y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(False, axis="y")
    count = int(ranks["datasets"].iloc[0]) if len(ranks) else 0
    axes.set_xlabel(f"mean rank over {count} dataset{'' if count == 1 else 's'}")
    handles = explained([axes])
    legend(figure, handles, [str(handle.get_label()) for handle in handles])
    return figure
