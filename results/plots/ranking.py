"""Areas under the success curves."""

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import display
from results.plots.axes import ROWS, dagger_note, entitle, learner_names, panels, small_multiples
from results.plots.control import without_control
from results.plots.learner_styles import looks
from results.plots.registry import register_figure
from results.plots.style import fitting, styled


@register_figure("ranking", lambda analysis: without_control(analysis.areas), order=2)
@styled
def plot_areas(areas: pd.DataFrame) -> Figure:
    """The ranking: area under each success curve over log size, the largest area first.

    Arguments:
        areas: Result of :func:`results.stats.curves.area`.

    Returns:
        The figure. Bars are 95 % intervals over seeds. A dagger marks a learner whose accuracy
        without a collective is not above that of a constant answer.
    """
    tasks = panels(areas, [])
    columns = min(fitting(2, ROWS), max(len(tasks), 1))
    heights = [0.55 + 0.14 * len(task) for _, task in tasks]
    figure, grid = small_multiples(len(tasks), columns, heights)
    short, styles = display(areas["learner"]), looks(areas["learner"])
    for axes, (title, task) in zip(grid, tasks, strict=True):
        task = task.sort_values(["area", "learner"], ascending=[False, True])
        entitle(axes, title)
        axes.set_yticks(range(len(task)), learner_names(task, short), fontsize=7)
        axes.set_ylim(len(task) - 0.4, -0.6)
        axes.set_xlim(-0.03, 1.03)
        axes.grid(False, axis="y")
        axes.tick_params("y", length=0)
        for y, (_, row) in enumerate(task.iterrows()):
            line = styles[row["learner"]].line() | {"markersize": 4, "markeredgewidth": 1.0}
            if row["interval"] == "t":
                ends = [row["low"], row["high"]]
                axes.plot(ends, [y, y], color=line["color"], solid_capstyle="butt", linewidth=1.2)
            axes.plot([row["area"]], [y], **line | {"linestyle": "none"})
    for axes in grid[-columns:]:
        axes.set_xlabel("area under the success curve")
    dagger_note(figure, grid)
    return figure
