"""Figures of strategies: beside what they were promised, and beside each other."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.axes import entitle, legend, panels, small_multiples, symlog_sizes
from results.curves import success_curves
from results.frames import WAYS
from results.house import house, save
from results.labels import labels
from results.styles import COLOURS, MARKERS, looks
from results.tables import render

#: How a bound is drawn, and what it is called.
_LINES: dict[str, tuple[Any, str]] = {
    "exact": ("-", "promised, law known"),
    "sample": ((0, (4, 1.5)), "promised from members' data"),
    "plugin": ((0, (1, 1.5)), "estimate by overlap"),
}


@house
def plot_promises(promised: pd.DataFrame) -> Figure:
    """Success against the size of the collective, over what theory promises: a panel a task.

    Arguments:
        promised: What :func:`results.slack.promised` returns.

    Returns:
        The figure. Curves are means over seeds, promises are black: what lies below one was
        achieved by a firm that it does not hold for, or by none.
    """
    tasks = panels(promised, [])
    figure, grid = small_multiples(len(tasks), 2 if len(tasks) in (2, 4) else 3)
    short, styles = labels(promised["learner"]), looks(promised["learner"])
    for axes, (title, task) in zip(grid, tasks, strict=True):
        entitle(axes, title)
        for learner, own in task.groupby("learner"):
            mean = own.groupby("size")["success"].mean()
            line = styles[str(learner)].line() | {"markersize": 3.5}
            axes.plot(mean.index, mean, **line, label=short[str(learner)])
        for name, (dash, text) in _LINES.items():
            mean = task[task["bound"] == name].groupby("size")["promised"].mean()
            if len(mean):
                axes.plot(mean.index, mean, "k", linestyle=dash, linewidth=1.0, label=text)
        _sizes(axes, task["size"])
    _legend(figure, grid)
    return figure


@house
def plot_strategies(curves: pd.DataFrame) -> Figure:
    """Success against the size of the collective: a panel a learner, a curve a strategy.

    Arguments:
        curves: What :func:`results.curves.success_curves` returns.

    Returns:
        The figure; bands are 95 % t intervals over seeds, where there are some.
    """
    tasks = list(curves.groupby(["dataset", *WAYS, "learner"]))
    told = [i for i, way in enumerate(WAYS, 1) if curves[way].nunique() > 1]
    figure, grid = small_multiples(len(tasks), 2 if len(tasks) in (2, 4) else 3)
    short, data = labels(curves["learner"]), labels(curves["dataset"])
    strategies = terse(labels(curves["strategy"]))
    looks_of = {
        name: {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
        for i, name in enumerate(sorted(strategies))
    }
    for axes, (names, task) in zip(grid, tasks, strict=True):
        entitle(axes, [data[str(names[0])], *(str(names[i]) for i in told), short[str(names[-1])]])
        for strategy, curve in task.groupby("strategy"):
            curve, look = curve.sort_values("size"), looks_of[str(strategy)]
            by_t = (curve["interval"] == "t").to_numpy()
            low, high = (curve[end].where(by_t, curve["mean"]) for end in ("low", "high"))
            axes.fill_between(
                curve["size"], low, high, color=look["color"], alpha=0.13, linewidth=0
            )
            line: dict[str, Any] = {**look, "markersize": 3.5, "label": strategies[str(strategy)]}
            axes.plot(curve["size"], curve["mean"], **line)
        _sizes(axes, task["size"])
    _legend(figure, grid)
    return figure


def terse(texts: dict[str, str]) -> dict[str, str]:
    """Labels in which a signal is a letter, and what is zero is left out, unless they collide.

    Example:
        >>> plant = "FeatureLabel(signal=Patch(size=2), label=1)"
        >>> noisy = f"Noisy(of={plant}, dropout=0.0, wrong_signal=0.0)"
        >>> list(terse({"a": noisy, "b": noisy.replace("out=0.0", "out=0.5")}).values())
        ['Noisy(FeatureLabel(g, label=1))', 'Noisy(FeatureLabel(g, label=1), dropout=0.5)']
    """
    letters: dict[str, str] = {}

    def shorter(text: str) -> str:
        while found := re.search(r"\bsignal=", text):
            start, place = found.span()
            end, depth = place, 0
            while end < len(text) and (depth or text[end] not in ",)"):
                depth += (text[end] == "(") - (text[end] == ")")
                end += 1
            letter = letters.setdefault(text[place:end], "gkqruvw"[len(letters) % 7])
            text = text[:start] + letter + text[end:]
        text = re.sub(r", \w+=0\.0\b|\b\w+=0\.0, ", "", text)
        return re.sub(r"\bof=", "", text)

    made = {name: shorter(text) for name, text in sorted(texts.items())}
    return made if len(set(made.values())) == len(texts) else dict(texts)


def write(records: pd.DataFrame, promised: pd.DataFrame, folder: Path) -> list[Path]:
    """Draw both figures, each with the table that it draws beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    curves, paths = success_curves(records), []
    for name, figure, table in (
        ("promises", plot_promises(promised), promised),
        ("strategies", plot_strategies(curves), curves),
    ):
        paths += save(figure, folder / name)
        (folder / f"{name}.csv").write_text(render(table, "csv"))
    return paths


def _sizes(axes: Axes, sizes: "pd.Series[float]") -> None:
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    smallest = sizes[sizes > 0].min()
    symlog_sizes(axes, float(smallest) if smallest == smallest else 1e-3, float(sizes.max()))


def _legend(figure: Figure, grid: list[Axes]) -> None:
    """One legend below for all panels, and what the axes are."""
    shown = {text: line for axes in grid for line, text in zip(*_handles(axes), strict=True)}
    legend(figure, list(shown.values()), list(shown))
    places = [axes.get_subplotspec() for axes in grid]
    last = max((place.rowspan.stop for place in places if place), default=0)
    for axes, place in zip(grid, places, strict=True):
        axes.set_xlabel("size of the collective" if place and place.rowspan.stop == last else "")
        axes.set_ylabel("success" if place and place.colspan.start == 0 else "")


def _handles(axes: Axes) -> tuple[list[Any], list[str]]:
    handles, texts = axes.get_legend_handles_labels()
    return handles, texts
