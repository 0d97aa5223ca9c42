"""Success curves with which a reader can interact, drawn by Bokeh where it is installed.

Bokeh is optional (the extra ``report``): without it, or without JavaScript, the page has the same
curves as a drawing.
"""

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from results.display_names import display
from results.plots.axes import at_shares, panels, percent
from results.plots.control import without_control
from results.plots.learner_styles import coloured, looks

#: Decades that the axis has between 0 and the smallest size.
_LINEAR = 0.45
#: The height of a chart's panel in pixels.
_HEIGHT = 330
#: What a chart says of the point under the pointer.
_TIPS = [
    ("learner", "@learner"),
    ("size", "@at"),
    ("success", "@mean{0.000} @ends"),
    ("seeds", "@seeds"),
]


@dataclass(frozen=True)
class Chart:
    """A chart on a page.

    Arguments:
        title: The task.
        data: Its description for Bokeh, as JSON that can stand in a page.
    """

    title: str
    data: str


def available() -> bool:
    """Return whether Bokeh is installed."""
    return importlib.util.find_spec("bokeh") is not None


def script() -> str:
    """Return Bokeh's script, which needs no other file and no network."""
    folder = resources.files("bokeh") / "server" / "static" / "js"
    return (folder / "bokeh.min.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Toggle:
    """A button that shows and hides the curves of a learner.

    Arguments:
        learner: The learner's spec, by which curves are found.
        name: Its name.
        colour: Its colour.
        shown: Whether its curves are shown at first.
    """

    learner: str
    name: str
    colour: str
    shown: bool


def toggles(curves: pd.DataFrame) -> list[Toggle]:
    """Return the buttons of all learners; the learners in colour in figures are shown at first.

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`.
    """
    curves = without_control(curves)
    names, styles = display(curves["learner"]), coloured(curves, "mean")
    own = looks(curves["learner"]) | styles
    order = sorted(names, key=lambda text: (text not in styles, names[text]))
    return [Toggle(text, names[text], own[text].colour, text in styles) for text in order]


def charts(curves: pd.DataFrame) -> list[Chart]:
    """Return a chart of success against size for each task; none without Bokeh.

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`.
    """
    curves = without_control(at_shares(curves))
    if not available() or not len(curves):
        return []
    names = display(curves["learner"])
    styles = {toggle.learner: toggle for toggle in toggles(curves)}
    return [
        _chart(" \N{EM DASH} ".join(title), task, names, styles)
        for title, task in panels(curves, [])
    ]


def places(sizes: "pd.Series[float]", smallest: float) -> "np.ndarray[Any, Any]":
    """Return the places of sizes on an axis that is logarithmic, and shows 0.

    Example:
        >>> places(pd.Series([0.0, 0.001, 0.1]), 0.001).tolist()
        [-0.45, 0.0, 2.0]
    """
    values = sizes.to_numpy(float)
    logs = np.log10(np.maximum(values, smallest) / smallest)
    return np.where(values > 0, logs, -_LINEAR)


def _chart(
    title: str, task: pd.DataFrame, names: Mapping[str, str], styles: Mapping[str, Toggle]
) -> Chart:
    """Return the chart of one task.

    Arguments:
        title: Its title.
        task: Its curves.
        names: The name of each learner.
        styles: The button of each learner.
    """
    from bokeh.embed import json_item
    from bokeh.models import HoverTool
    from bokeh.plotting import figure

    positive = task.loc[task["size"] > 0, "size"]
    smallest = float(positive.min()) if len(positive) else 1e-3
    axes = {"x_axis_label": "size of the collective", "y_axis_label": "success"}
    look = {"toolbar_location": None, "tools": "", "sizing_mode": "stretch_width"}
    plot = figure(height=_HEIGHT, y_range=(-0.04, 1.04), **axes, **look)
    plot.yaxis.minor_tick_line_color = None
    dots = []
    for learner, curve in task.groupby("learner"):
        columns = _columns(curve.sort_values("size"), names[str(learner)], smallest)
        dots.append(_curve(plot, columns, styles[str(learner)]))
    sizes = pd.Series(sorted(task["size"].unique()))
    ticks = dict(zip(places(sizes, smallest).tolist(), map(_rounded, sizes), strict=True))
    plot.xaxis.ticker = _apart(list(ticks))
    plot.xaxis.major_label_overrides = ticks
    plot.add_tools(HoverTool(renderers=dots, tooltips=_TIPS))
    data = json.dumps(json_item(plot), separators=(",", ":"))
    return Chart(title, data.replace("<", "\\u003c"))


def _rounded(size: float) -> str:
    """Format a share of members, which is no round number where members were rounded."""
    return percent(float(f"{size:.2g}"))


def _apart(ticks: list[float]) -> list[float]:
    """Return ticks of which no two are so close that their labels overlap."""
    span, kept = max(ticks) - min(ticks) or 1.0, ticks[:1]
    for tick in ticks[1:]:
        if tick - kept[-1] >= 0.12 * span:
            kept.append(tick)
    return kept


def _columns(curve: pd.DataFrame, name: str, smallest: float) -> dict[str, list[Any]]:
    """Return the columns that the curve of a learner draws and says.

    Arguments:
        curve: Its rows, by ascending size.
        name: Its name.
        smallest: The smallest positive size of the task.
    """
    by_t = (curve["interval"] == "t").to_numpy()
    low, high = (np.where(by_t, curve[end], curve["mean"]) for end in ("low", "high"))
    ends = zip(low, high, by_t, strict=True)
    return {
        "x": places(curve["size"], smallest).tolist(),
        "mean": curve["mean"].tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "at": [_rounded(size) for size in curve["size"]],
        "ends": [f"[{a:.3f}, {b:.3f}]" if t else "" for a, b, t in ends],
        "seeds": curve["seeds"].tolist(),
        "learner": [name] * len(curve),
    }


def _curve(plot: Any, columns: Mapping[str, list[Any]], toggle: Toggle) -> Any:
    """Draw a curve with its band and its dots, and return the dots."""
    from bokeh.models import ColumnDataSource

    source = ColumnDataSource(dict(columns))
    look = {"color": toggle.colour, "visible": toggle.shown, "name": toggle.learner}
    plot.varea("x", "low", "high", source=source, alpha=0.12, **look)
    plot.line("x", "mean", source=source, line_width=1.6, **look)
    return plot.scatter("x", "mean", source=source, size=6, **look)
