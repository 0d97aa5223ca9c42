"""Strategies beside each other."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import display, titles
from results.plots.axes import GREY, at_shares, entitle, small_multiples
from results.plots.control import is_control
from results.plots.learner_styles import COLOURS, MARKERS
from results.plots.style import styled
from results.plots.success_axes import outer_labels, shared_legend, size_axes
from results.stats.frames import WAYS

_CONTROL = {"color": GREY, "marker": "", "linestyle": ":"}


@styled
def plot_strategies(curves: pd.DataFrame) -> Figure:
    """Success against the size of the collective: a panel a learner, a curve a strategy.

    Where members are not a uniform sample, a curve is a strategy and a way of recruitment.

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`.

    Returns:
        The figure. Bands are 95 % t intervals over seeds.
    """
    curves = at_shares(curves).assign(curve=_curve_names(curves))
    control = set(curves.loc[is_control(curves), "curve"])
    ways = [way for way in WAYS if way != "recruitment"]
    tasks = list(curves.groupby(["dataset", *ways, "learner"]))
    shown = [i for i, way in enumerate(ways, 1) if curves[way].nunique() > 1]
    beside = {sum(task[0] == name for task, _ in tasks) for name in curves["dataset"].unique()}
    row_a_dataset = len(beside) == 1 and len(tasks) > max(beside)  # a dataset a row
    columns = max(beside) if row_a_dataset else 2 if len(tasks) in (2, 4) else 3
    figure, grid = small_multiples(len(tasks), min(columns, 3))
    short, data = display(curves["learner"]), display(curves["dataset"])
    texts = curves.sort_values(["strategy", "recruitment"], kind="stable")["curve"].unique()
    looks_of = {
        text: {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        for i, text in enumerate(text for text in texts if text not in control)
    } | dict.fromkeys(control, _CONTROL)
    for axes, (names, task) in zip(grid, tasks, strict=True):
        entitle(
            axes, [data[str(names[0])], *(str(names[i]) for i in shown), short[str(names[-1])]]
        )
        for (_, _, text), curve in task.groupby(["strategy", "recruitment", "curve"]):
            curve, look = curve.sort_values("size"), looks_of[text]
            by_t = (curve["interval"] == "t").to_numpy()
            low, high = (curve[end].where(by_t, curve["mean"]) for end in ("low", "high"))
            axes.fill_between(
                curve["size"], low, high, color=look["color"], alpha=0.13, linewidth=0
            )
            line: dict[str, Any] = {**look, "markersize": 3.5, "label": text}
            axes.plot(curve["size"], curve["mean"], **line)
        size_axes(axes, task["size"])
    outer_labels(grid)
    shared_legend(figure, grid)
    return figure


def _curve_names(curves: pd.DataFrame) -> list[str]:
    """Return the name of each row's curve: the strategy, and the recruitment if not uniform."""
    names = titles(curves)
    texts = []
    for data, strategy, recruitment in zip(
        curves["dataset"], curves["strategy"], curves["recruitment"], strict=True
    ):
        text = names[data, strategy]
        texts.append(text if recruitment == "uniform" else f"{text}, recruitment by {recruitment}")
    return texts
