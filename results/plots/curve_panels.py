"""Panels of curves, one curve a learner."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from results.display_names import labels
from results.plots.axes import GREY, entitle, explained, legend, panels, small_multiples
from results.plots.learner_styles import looks
from results.plots.style import fitting
from results.stats.frames import WAYS

#: The mark of a mean from which failed trials are missing.
FAILED: dict[str, Any] = {
    "color": "#c00000",
    "marker": "x",
    "linestyle": "none",
    "markersize": 5,
    "zorder": 5,
    "label": "some failed",
}
# The most learners that are drawn in colour.
_MANY = 14
_BACK: dict[str, Any] = {"color": "0.75", "linewidth": 0.6, "zorder": 1}


def curve_panels(
    curves: pd.DataFrame,
    draw: Callable[[Axes, pd.DataFrame, dict[str, Any]], None],
    y: str,
    column: str,
) -> Figure:
    """Draw panels with a curve a learner, axis labels outside, and one legend below.

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`.
        draw: The function that draws one curve: of axes, its rows and its line style.
        y: The label of the vertical axis.
        column: The column that is drawn.
    """
    tasks = panels(curves, [])
    columns = min(3, len(curves.groupby(["strategy", *WAYS])))
    if columns == 3 and curves["validation"].nunique() == 2:
        columns = 2  # clean beside contaminated
    if len(tasks) in (2, 4):
        columns = 2
    columns = fitting(columns)
    figure, grid = small_multiples(len(tasks), columns)
    if not tasks:
        return figure
    short, styles = labels(curves["learner"]), looks(curves["learner"])
    coloured = _coloured(curves, column)
    if len(coloured) < len(short):
        remark = f"{len(coloured)} of {len(short)} learners in colour, the others in grey"
        figure.suptitle(remark, x=0.99, ha="right", color=GREY)
    for i, (axes, (title, task)) in enumerate(zip(grid, tasks, strict=True)):
        entitle(axes, title)
        axes.set_xlabel("size of the collective" if i + columns >= len(tasks) else "")
        axes.set_ylabel(y if i % columns == 0 else "")
        for learner, curve in task.groupby("learner"):
            if learner in coloured:
                line = {**styles[str(learner)].line(), "label": short[str(learner)]}
                draw(axes, curve.sort_values("size"), line)
            else:
                back = curve.sort_values("size")
                axes.plot(back["size"], back[column], **_BACK, label=f"_{short[str(learner)]}")
    names = sorted(coloured, key=short.__getitem__)
    handles = [Line2D([], [], **styles[name].line(), label=short[name]) for name in names]
    drawn = [line for axes in grid for line in axes.lines]
    if any(line.get_label() == FAILED["label"] for line in drawn):
        handles.append(Line2D([], [], **FAILED))
    handles += explained(grid)
    legend(figure, handles, [str(handle.get_label()) for handle in handles])
    return figure


def _coloured(curves: pd.DataFrame, column: str) -> set[str]:
    """Return the learners to draw in colour: all, or of many an even selection by their means."""
    order = curves.groupby("learner")[column].mean().sort_values(kind="stable").index
    if len(order) <= _MANY:
        return set(order)
    return {str(order[i]) for i in np.linspace(0, len(order) - 1, _MANY).round().astype(int)}
