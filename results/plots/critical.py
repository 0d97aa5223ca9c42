"""Critical masses with their intervals."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.display_names import display
from results.plots.axes import (
    GREY,
    ROWS,
    dagger_note,
    entitle,
    learner_names,
    log_sizes,
    panels,
    percent,
    small_multiples,
)
from results.plots.control import without_control
from results.plots.learner_styles import looks
from results.plots.registry import register_figure
from results.plots.style import fitting, styled
from results.stats.mass_text import AT_ZERO


@register_figure("critical", lambda analysis: without_control(analysis.critical), order=3)
@styled
def plot_critical(critical: pd.DataFrame) -> Figure:
    """Critical masses: a panel a task and level, a row a learner, the smallest mass first.

    Arguments:
        critical: Result of :func:`results.stats.critical_mass.critical_mass`.

    Returns:
        The figure. An arrow is an open end: above the largest size, or below the smallest. Rows
        without a finite estimate say why. A dagger marks a learner whose accuracy
        without a collective is not above that of a constant answer.
    """
    first, last = critical["smallest"].min(), critical["largest"].max()
    first, last = (first, last) if first > 0 else (1e-3, 1.0)  # controls alone have no sizes
    tasks = panels(critical, ["level"])
    columns = min(fitting(2, ROWS), len(tasks))
    heights = [0.55 + 0.17 * len(task) for _, task in tasks]
    figure, grid = small_multiples(len(tasks), columns, heights)
    short, styles = display(critical["learner"]), looks(critical["learner"])
    for axes, (title, task) in zip(grid, tasks, strict=True):
        task = task.sort_values(["estimate", "low", "high", "learner"])
        entitle(axes, title)
        axes.set_yticks(range(len(task)), learner_names(task, short))
        axes.set_ylim(len(task) - 0.4, -0.6)
        axes.grid(False, axis="y")
        for y, (_, row) in enumerate(task.iterrows()):
            _draw(axes, y, row.to_dict(), styles[row["learner"]].line(), (first, last))
        log_sizes(axes.xaxis, first, last, room=0.12)
        axes.tick_params("y", length=0)
    for axes in grid[-columns:]:
        axes.set_xlabel("critical mass")
    dagger_note(figure, grid)
    return figure


def _draw(
    axes: Axes, y: int, row: dict[Any, Any], line: dict[str, Any], ends: tuple[float, float]
) -> None:
    """Draw one learner's estimate and interval, with arrows at the ends of the sizes."""
    if row["reached"] == "unknown":
        axes.annotate("unknown", (ends[0], y), va="center", color=GREY, fontsize=7)
        return
    low, high = np.clip([row["low"], row["high"]], *ends)
    axes.plot([low, high], [y, y], color=line["color"], solid_capstyle="butt", linewidth=1.4)
    for open_end, edge, arrow in (
        (row["low"] == 0, ends[0], "<"),
        (np.isinf(row["high"]), ends[1], ">"),
    ):
        if open_end:
            axes.plot([edge], [y], arrow, color=line["color"], markersize=4.5, clip_on=False)
    if row["reached"] == "inside":
        dot = line | {"linestyle": "none", "markersize": 5, "markeredgewidth": 1.1}
        axes.plot([row["estimate"]], [y], **dot)
        return
    texts = {
        "beyond": "not reached",
        "below": f"at or below {percent(row['smallest'])}",
        "control": AT_ZERO,
    }
    style: dict[str, Any] = {"va": "center", "color": GREY, "fontsize": 7}
    third, middle = (ends[0] * (ends[1] / ends[0]) ** share for share in (0.3, 0.5))
    if row["reached"] == "beyond" and low >= third:
        place, style = (low, -6), style | {"ha": "right"}
    elif row["reached"] != "beyond" and high <= middle:
        place, style = (high, 6), style | {"ha": "left"}
    else:  # there is no room beside the interval
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
        place, style = (middle, 0), style | {"ha": "center", "bbox": paper}
    axes.annotate(
        texts[row["reached"]], (place[0], y), (place[1], 0), textcoords="offset points", **style
    )
