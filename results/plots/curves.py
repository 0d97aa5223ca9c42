"""Curves and critical masses to figures. A figure is returned, and saved by the caller."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from results.display_names import labels
from results.plots.axes import (
    DAGGER,
    dagger,
    entitle,
    explained,
    legend,
    log_sizes,
    panels,
    small_multiples,
    symlog_sizes,
)
from results.plots.learner_styles import looks
from results.plots.style import fitting, styled
from results.stats.curves import learns
from results.stats.frames import WAYS

_GREY = "#777777"
_RED = "#c00000"
# More learners than this are not told apart by their colours.
_MANY = 14
_BACK: dict[str, Any] = {"color": "0.75", "linewidth": 0.6, "zorder": 1}
_FAILED: dict[str, Any] = {
    "color": _RED,
    "marker": "x",
    "linestyle": "none",
    "markersize": 5,
    "zorder": 5,
    "label": "some failed",
}


@styled
def plot_curves(curves: pd.DataFrame, planned: int | None = None) -> Figure:
    """Success against the size of the collective: a panel a task, a curve a learner.

    Arguments:
        curves: What :func:`results.stats.curves.success_curves` returns.
        planned: The number of trials of the grid; None adds up what the curves know of.

    Returns:
        The figure. Bands are 95 % intervals; where all seeds agree, and where there is one
        seed, there is none. A cross marks
        a mean over survivors, where trials failed. A dagger ends the curve of a learner whose
        accuracy without a collective is, in the mean, not above that of a constant answer: it
        says nothing of what the learner makes of a collective. What is missing is said above
        the panels.
    """
    smallest = curves.loc[curves["size"] > 0, "size"]
    linear = float(smallest.min()) if len(smallest) else 1e-3
    figure = _multiples(curves, _success, "success", "mean")
    for axes in figure.axes:
        axes.set_ylim(-0.04, 1.04)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        symlog_sizes(axes, linear, float(curves["size"].max()))
    _remarks(figure, curves, planned)
    return figure


@styled
def plot_effective_size(curves: pd.DataFrame) -> Figure:
    r"""The share of the weight that went to the members, against their share of the people.

    Above the diagonal a learner listened to the collective more than to others:
    :math:`\alpha_\mathrm{eff} > \alpha`. Learners that report no weights are left out, and so are
    sizes at which members had none.

    Arguments:
        curves: What :func:`results.stats.curves.success_curves` returns.
    """
    curves = curves[(curves["size"] > 0) & (curves["effective_size"] > 0)]

    figure = _multiples(curves, _effective, "effective size", "effective_size")
    if not figure.axes:
        figure.text(0.5, 0.5, "no learner reports its weights", ha="center", va="center")
        return figure
    ends = np.array([curves["size"].min(), curves["size"].max()])
    top = max(ends[1], curves["effective_size"].max())
    bottom = min(ends[0], curves["effective_size"].min())
    for axes in figure.axes:
        axes.plot(ends, ends, color=_GREY, linewidth=0.8, zorder=1, label="_diagonal")
        log_sizes(axes.xaxis, ends[0], ends[1])
        log_sizes(axes.yaxis, bottom, top)
    return figure


@styled
def plot_critical(critical: pd.DataFrame) -> Figure:
    """Critical masses: a panel a task and level, a row a learner, the smallest on top.

    Arguments:
        critical: What :func:`results.stats.critical_mass.critical_mass` returns.

    Returns:
        The figure. An arrow stands for an open end: beyond the largest size, or below the
        smallest; rows without a finite estimate say why. A dagger marks a learner whose accuracy
        without a collective is not above that of a constant answer.
    """
    first, last = critical["smallest"].min(), critical["largest"].max()
    first, last = (first, last) if first > 0 else (1e-3, 1.0)  # controls alone have no sizes
    tasks = panels(critical, ["level"])
    columns = min(fitting(2), len(tasks))
    heights = [0.55 + 0.17 * len(task) for _, task in tasks]
    figure, grid = small_multiples(len(tasks), columns, heights)
    short, styles = labels(critical["learner"]), looks(critical["learner"])
    for axes, (title, task) in zip(grid, tasks, strict=True):
        task = task.sort_values(["estimate", "low", "high", "learner"])
        entitle(axes, title)
        axes.set_yticks(range(len(task)), _names(task, short))
        axes.set_ylim(len(task) - 0.4, -0.6)
        axes.grid(False, axis="y")
        for y, (_, row) in enumerate(task.iterrows()):
            _dot(axes, y, row.to_dict(), styles[row["learner"]].line(), (first, last))
        log_sizes(axes.xaxis, first, last, room=0.12)
        axes.tick_params("y", length=0)
    for axes in grid[-columns:]:
        axes.set_xlabel("critical mass")
    _note(figure, grid)
    return figure


@styled
def plot_areas(areas: pd.DataFrame) -> Figure:
    """The ranking: area under each success curve over log size, the most followed on top.

    Arguments:
        areas: What :func:`results.stats.curves.area` returns.

    Returns:
        The figure. Bars are 95 % intervals over seeds. A dagger marks a learner whose accuracy
        without a collective is not above that of a constant answer.
    """
    tasks = panels(areas, [])
    heights = [0.55 + 0.14 * len(task) for _, task in tasks]
    figure, grid = small_multiples(len(tasks), 2, heights)
    short, styles = labels(areas["learner"]), looks(areas["learner"])
    for axes, (title, task) in zip(grid, tasks, strict=True):
        task = task.sort_values(["area", "learner"], ascending=[False, True])
        entitle(axes, title)
        axes.set_yticks(range(len(task)), _names(task, short), fontsize=7)
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
    for axes in grid[-fitting(2) :]:
        axes.set_xlabel("area under the success curve")
    _note(figure, grid)
    return figure


def _names(task: pd.DataFrame, short: dict[str, str]) -> list[str]:
    """The names of rows, with a dagger behind those who do not learn."""
    pairs = zip(task["learner"], task["learns"], strict=True)
    return [short[name] + ("" if able else f" {DAGGER}") for name, able in pairs]


def _note(figure: Figure, grid: list[Axes]) -> None:
    """Below panels without a legend: what daggers in them mean."""
    handles = explained(grid)
    legend(figure, handles, [str(handle.get_label()) for handle in handles])


def _success(axes: Axes, curve: pd.DataFrame, line: dict[str, Any]) -> None:
    sizes, mean = curve["size"].to_numpy(float), curve["mean"].to_numpy(float)
    by_t = (curve["interval"] == "t").to_numpy()
    low, high = (np.where(by_t, curve[end], mean) for end in ("low", "high"))
    axes.fill_between(sizes, low, high, color=line["color"], alpha=0.13, linewidth=0)
    axes.plot(sizes, mean, **line)
    if not learns(curve):
        dagger(axes, sizes[-1], mean[-1], line["color"])
    lost = curve[curve["biased"] & (curve["seeds"] > 0)]
    if len(lost):
        axes.plot(lost["size"], lost["mean"], **_FAILED)


def _effective(axes: Axes, curve: pd.DataFrame, line: dict[str, Any]) -> None:
    mean, low = curve["effective_size"], curve["effective_size_low"]
    # A band that reaches 0 has no lower end on a log axis.
    low = low.where((low > 0) | low.isna(), mean / 1e3)
    high = curve["effective_size_high"]
    axes.fill_between(curve["size"], low, high, color=line["color"], alpha=0.13, linewidth=0)
    axes.plot(curve["size"], mean, **line)


def _dot(
    axes: Axes, y: int, row: dict[Any, Any], line: dict[str, Any], ends: tuple[float, float]
) -> None:
    """One learner's estimate and interval; whatever lies outside the sizes is an arrow."""
    if row["reached"] == "unknown":
        axes.annotate("unknown", (ends[0], y), va="center", color=_GREY, fontsize=7)
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
    said = {"beyond": "not reached", "below": "below all sizes", "control": "without a collective"}
    style: dict[str, Any] = {"va": "center", "color": _GREY, "fontsize": 7}
    third, middle = (ends[0] * (ends[1] / ends[0]) ** share for share in (0.3, 0.5))
    if row["reached"] == "beyond" and low >= third:
        place, style = (low, -6), style | {"ha": "right"}
    elif row["reached"] != "beyond" and high <= middle:
        place, style = (high, 6), style | {"ha": "left"}
    else:  # the interval leaves no room beside it
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
        place, style = (middle, 0), style | {"ha": "center", "bbox": paper}
    axes.annotate(
        said[row["reached"]], (place[0], y), (place[1], 0), textcoords="offset points", **style
    )


def _front(curves: pd.DataFrame, column: str) -> set[str]:
    """The learners to draw in colour: all, or, of many, some from the most to the least."""
    order = curves.groupby("learner")[column].mean().sort_values(kind="stable").index
    if len(order) <= _MANY:
        return set(order)
    return {str(order[i]) for i in np.linspace(0, len(order) - 1, _MANY).round().astype(int)}


def _multiples(
    curves: pd.DataFrame,
    draw: Callable[[Axes, pd.DataFrame, dict[str, Any]], None],
    y: str,
    column: str,
) -> Figure:
    """Panels with a curve a learner, axis labels outside, and one legend below."""
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
    front = _front(curves, column)
    if len(front) < len(short):
        said = f"{len(front)} of {len(short)} learners in colour, the others in grey"
        figure.suptitle(said, x=0.99, ha="right", color=_GREY)
    for i, (axes, (title, task)) in enumerate(zip(grid, tasks, strict=True)):
        entitle(axes, title)
        axes.set_xlabel("size of the collective" if i + columns >= len(tasks) else "")
        axes.set_ylabel(y if i % columns == 0 else "")
        for learner, curve in task.groupby("learner"):
            if learner in front:
                line = {**styles[str(learner)].line(), "label": short[str(learner)]}
                draw(axes, curve.sort_values("size"), line)
            else:
                back = curve.sort_values("size")
                axes.plot(back["size"], back[column], **_BACK, label=f"_{short[str(learner)]}")
    names = sorted(front, key=short.__getitem__)
    handles = [Line2D([], [], **styles[name].line(), label=short[name]) for name in names]
    drawn = [line for axes in grid for line in axes.lines]
    if any(line.get_label() == _FAILED["label"] for line in drawn):
        handles.append(Line2D([], [], **_FAILED))
    handles += explained(grid)
    legend(figure, handles, [str(handle.get_label()) for handle in handles])
    return figure


def _remarks(figure: Figure, curves: pd.DataFrame, planned: int | None) -> None:
    """Above the panels: what is missing."""
    done = int((curves["seeds"] + curves["failed"]).sum())
    wanted = int(curves["planned"].sum()) if planned is None else planned
    said = [f"unfinished: {done} of {wanted} trials"] if done < wanted else []
    if (curves["seeds"] == 1).any():
        said.append("no interval where there is one seed")
    if said:
        before = [figure.get_suptitle()] if figure.get_suptitle() else []
        figure.suptitle("; ".join(before + said), x=0.99, ha="right", color=_RED)
