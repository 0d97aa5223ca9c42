"""Panels of curves, one curve a learner."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from results.display_names import display, parse
from results.plots.axes import entitle, explained, legend, panels, small_multiples
from results.plots.learner_styles import Look, coloured, sequence
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
#: The curve of a learner that is not drawn in colour.
BACK: dict[str, Any] = {"color": "0.78", "linewidth": 0.6, "zorder": 1}


def curve_panels(
    curves: pd.DataFrame,
    draw: Callable[[Axes, pd.DataFrame, dict[str, Any]], None],
    y: str,
    column: str,
    more: Callable[[list[Axes]], list[Any]] = lambda grid: [],
) -> Figure:
    """Draw panels with a curve a learner, axis labels outside, and one legend below.

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`.
        draw: The function that draws one curve: of axes, its rows and its line style.
        y: The label of the vertical axis.
        column: The column that is drawn.
        more: Further entries of the legend, as a function of the panels.
    """
    tasks = panels(curves, [])
    columns = min(3, len(curves.groupby(["strategy", *WAYS])))
    if columns == 3 and curves["validation"].nunique() == 2:
        columns = 2  # clean beside contaminated
    if columns == 1:
        columns = 3  # datasets beside each other
    if len(tasks) in (2, 4):
        columns = 2
    columns = max(1, min(fitting(columns), len(tasks)))
    figure, grid = small_multiples(len(tasks), columns)
    if not tasks:
        return figure
    short, styles = display(curves["learner"]), coloured(curves, column)
    for i, (axes, (title, task)) in enumerate(zip(grid, tasks, strict=True)):
        entitle(axes, title)
        axes.set_xlabel("size of the collective" if i + columns >= len(tasks) else "")
        axes.set_ylabel(y if i % columns == 0 else "")
        for learner, curve in task.groupby("learner"):
            if learner in styles:
                line = {**styles[str(learner)].line(), "label": short[str(learner)]}
                draw(axes, curve.sort_values("size"), line)
            else:
                back = curve.sort_values("size")
                axes.plot(back["size"], back[column], **BACK, label=f"_{short[str(learner)]}")
    handles: list[Any] = [
        Line2D([], [], **styles[name].line(), label=short[name]) for name in in_order(styles)
    ]
    drawn = [line for axes in grid for line in axes.lines]
    if any(line.get_label() == FAILED["label"] for line in drawn):
        handles.append(Line2D([], [], **FAILED))
    handles += [*more(grid), *explained(grid)]
    texts = [str(handle.get_label()) for handle in handles]
    legend(figure, handles, texts, title=others(short, styles))
    return figure


def others(short: Mapping[str, str], styles: Mapping[str, Look]) -> str | None:
    """Return the title of a legend that leaves out learners in grey; None if there are none."""
    if len(styles) == len(short):
        return None
    grey = len(short) - len(styles)
    rest = "the other one" if grey == 1 else "the others"
    return f"{len(styles)} of {len(short)} learners in colour, {rest} in grey"


def in_order(styles: Mapping[str, Look]) -> list[str]:
    """Return learners in the order of a legend: by class, and variants by their number."""
    names = list(styles)
    variants = {name: [n for n in names if parse(n)[0] == parse(name)[0]] for name in names}
    values = {name: (sequence(variants[name]) or {}).get(name, 0.0) for name in names}
    return sorted(names, key=lambda name: (parse(name)[0], values[name], name))
