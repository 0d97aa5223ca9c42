"""Success against the size of the collective."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from results.plots.axes import at_shares, dagger, panels, remark, symlog_sizes
from results.plots.control import reference, without_control
from results.plots.curve_panels import FAILED, curve_panels
from results.plots.registry import register_figure
from results.plots.style import styled
from results.stats.curves import learns

#: The band of the control.
_CONTROL: dict[str, Any] = {
    "facecolor": "none",
    "edgecolor": "0.6",
    "hatch": "//////",
    "linewidth": 0.4,
    "zorder": 0.5,
}


@register_figure(
    "success",
    lambda analysis: analysis.curves,
    order=1,
    planned=lambda analysis: analysis.planned,
)
@styled
def plot_curves(curves: pd.DataFrame, planned: int | None = None) -> Figure:
    """Success against the size of the collective: a panel a task, a curve a learner.

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`.
        planned: The number of trials of the grid; None takes the sum over the curves.

    Returns:
        The figure. Bands are 95 % intervals; there is none where all seeds agree, nor for one
        seed. Grey curves are further learners. A hatched band is the control, in which members do
        nothing: the range of its means over learners. A cross marks a mean from which failed
        trials are missing. A dagger ends the curve of a learner whose mean accuracy without a
        collective is not above that of a constant answer: its success says nothing about its
        response to a collective. A remark above the panels says which trials are missing.
    """
    curves = at_shares(curves)
    shown = without_control(curves)
    smallest = shown.loc[shown["size"] > 0, "size"]
    linear = float(smallest.min()) if len(smallest) else 1e-3

    def references(grid: list[Axes]) -> list[Any]:
        """Draw the control in each panel that has one, and return its entry in the legend."""
        if len(shown) == len(curves):
            return []
        tasks = [task for _, task in panels(shown, [])]
        drawn = [_reference(a, reference(curves, t)) for a, t in zip(grid, tasks, strict=True)]
        return [Patch(**_CONTROL, label="control")] if any(drawn) else []

    figure = curve_panels(shown, _draw, "success", "mean", references)
    for axes in figure.axes:
        axes.set_ylim(-0.04, 1.04)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        symlog_sizes(axes, linear, float(shown["size"].max()))
    _remarks(figure, curves, planned)
    return figure


def _draw(axes: Axes, curve: pd.DataFrame, line: dict[str, Any]) -> None:
    """Draw the success of one learner with its intervals."""
    sizes, mean = curve["size"].to_numpy(float), curve["mean"].to_numpy(float)
    by_t = (curve["interval"] == "t").to_numpy()
    low, high = (np.where(by_t, curve[end], mean) for end in ("low", "high"))
    axes.fill_between(sizes, low, high, color=line["color"], alpha=0.13, linewidth=0)
    axes.plot(sizes, mean, **line)
    if not learns(curve):
        dagger(axes, sizes[-1], mean[-1], line["color"])
    lost = curve[curve["biased"] & (curve["seeds"] > 0)]
    if len(lost):
        axes.plot(lost["size"], lost["mean"], **FAILED)


def _reference(axes: Axes, control: pd.DataFrame) -> bool:
    """Draw the control of a panel, and return whether it has one."""
    if len(control):
        axes.fill_between(control.index, control["low"], control["high"], **_CONTROL)
    return bool(len(control))


def _remarks(figure: Figure, curves: pd.DataFrame, planned: int | None) -> None:
    """Write above the panels which trials are missing."""
    done = int((curves["seeds"] + curves["failed"]).sum())
    total = int(curves["planned"].sum()) if planned is None else planned
    remarks = [f"unfinished: {done} of {total} trials"] if done < total else []
    if (curves["seeds"] == 1).any():
        remarks.append("no interval where there is one seed")
    if remarks:
        remark(figure, "; ".join(remarks))
