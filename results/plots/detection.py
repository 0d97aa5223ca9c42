"""Detection of members by learners that flag training rows."""

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import display
from results.plots.axes import at_shares, entitle, legend, panels, small_multiples, symlog_sizes
from results.plots.learner_styles import looks
from results.plots.registry import register_figure
from results.plots.style import fitting, styled
from results.stats.analysis import Analysis
from results.stats.frames import CELL, number

#: The columns that are drawn, with the titles of their panels.
_TITLES = {
    "flagged": "flagged share of all rows",
    "precision": "members among flagged rows",
    "recall": "flagged share of members",
}


def _flagging(analysis: Analysis) -> pd.DataFrame:
    """Return the curves of learners that flag training rows."""
    curves = analysis.curves[number(analysis.curves, "flagged").notna()]
    if not len(curves):
        return curves
    ends = [f"{name}{end}" for name in _TITLES for end in ("", "_low", "_high")]
    return curves[[*CELL, "size", "share", "seeds", *ends]]


@register_figure("detection", _flagging, order=11)
@styled
def plot_detection(curves: pd.DataFrame) -> Figure:
    """Detection of members by learners that flag training rows as hard or harmful.

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`, of learners that flag
            rows.

    Returns:
        The figure. Each task has three panels: the flagged share of all training rows, the
        members' share of flagged rows (precision), and the flagged share of members (recall).
        Curves are means over seeds, bands are 95 % intervals. On the dotted line flagged rows
        are a random sample of all rows: precision is the members' share.
    """
    curves = at_shares(curves)
    tasks = panels(curves, [])
    columns = fitting(len(_TITLES))
    figure, grid = small_multiples(len(tasks) * len(_TITLES), columns)
    short, styles = display(curves["learner"]), looks(curves["learner"])
    positive = curves.loc[curves["size"] > 0, "size"]
    smallest = float(positive.min()) if len(positive) else 1e-3
    shown = {}
    cells = [(name, *task) for task in tasks for name in _TITLES]
    for axes, (name, title, task) in zip(grid, cells, strict=True):
        entitle(axes, [_TITLES[name], *title])
        for learner, rows in task.groupby("learner"):
            rows, line = rows.sort_values("size"), styles[str(learner)].line()
            low, high = rows[f"{name}_low"], rows[f"{name}_high"]
            band = {"color": line["color"], "alpha": 0.13, "linewidth": 0}
            axes.fill_between(rows["size"], low, high, **band)
            (shown[short[str(learner)]],) = axes.plot(rows["size"], rows[name], **line)
        if name == "precision":
            sizes = sorted(curves["size"].unique())
            axes.plot(sizes, sizes, color="0.5", linestyle=":", linewidth=0.8, zorder=1)
        axes.set_ylim(-0.04, 1.04)
        symlog_sizes(axes, smallest, float(curves["size"].max()))
    for axes in grid[-columns:]:
        axes.set_xlabel("size of the collective")
    for axes in grid[::columns]:
        axes.set_ylabel("share")
    legend(figure, list(shown.values()), list(shown))
    return figure
