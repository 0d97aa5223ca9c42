"""Decision regions and learned densities in a plane: small multiples, learner by size."""

import re
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from results.display_names import display
from results.plots.axes import legend, percent
from results.plots.densities import DEPTH
from results.plots.style import inches, styled
from results.stats.intervals import Array

# The colours of labels: Paul Tol's muted scheme, the collective's label first.
_COLOURS = ("#E69F00", "#88CCEE", "#44AA99", "#DDCC77", "#CC6677", "#AA4499", "#999933", "#332288")
#: The share of a colour in the region of its label.
_TINT = 0.45
_PERSON: dict[str, Any] = {"marker": "o", "markersize": 2.0, "markeredgewidth": 0.3}
_MEMBER: dict[str, Any] = {"marker": "D", "markersize": 2.6, "markeredgewidth": 0.4}
#: Inches of a panel in which people have that size.
_WIDE = 1.3
_NAMES = {"without": "no signal", "with": "signal", "all": ""}
# The width of a letter of a label in points.
_LETTER = 4.5


@styled
def plot_regions(outcomes: pd.DataFrame, nodes: pd.DataFrame, people: pd.DataFrame) -> Figure:
    """Decision regions in a plane: a row a learner, a column a size of the collective.

    Arguments:
        outcomes: A row a learner and size: ``target``, ``success``, ``seed``.
        nodes: A row a learner, size, plane and node: ``x``, ``y``, ``label``.
        people: A row a size, plane and person: ``x``, ``y``, ``label``, ``member``.

    Returns:
        The figure, an illustration from one seed. Colours are labels, and a line surrounds the
        region of the collective's label. If the signal is not a coordinate of the plane, the
        first column shows people without it, at the largest size, and the others people with it:
        dots have it by nature, diamonds are members. A sample of them is drawn. Numbers are the
        collective's success.
    """
    target = outcomes["target"].iloc[0]
    order = sorted(
        map(int, {*nodes["label"], *people["label"]}), key=lambda label: (label != target, label)
    )
    colours = {label: _COLOURS[i % len(_COLOURS)] for i, label in enumerate(order)}
    table = np.array([to_rgb(colours.get(k, "white")) for k in range(max(order) + 1)])
    won = outcomes.set_index(["learner", "size"])["success"]
    figure, grid = _small(nodes, list(dict.fromkeys(nodes["learner"])))
    columns = len({key[1:] for key in grid})
    for (learner, plane, size), (axes, field) in grid.items():
        label, extent = _square(field, "label"), _extent(field)
        image = 1 - _TINT * (1 - table[label.astype(int)])
        axes.imshow(image, origin="lower", extent=extent, interpolation="none", aspect="auto")
        inside = label == target
        if inside.any() and not inside.all():
            xs, ys = np.unique(field["x"]), np.unique(field["y"])
            axes.contour(xs, ys, inside, levels=[0.5], colors="black", linewidths=0.7)
        here = people[(people["size"] == size) & (people["plane"] == plane)]
        _draw_people(axes, here, colours, figure.get_figwidth() / columns / _WIDE)
        axes.set(xlim=extent[:2], ylim=extent[2:])
        if plane != "without":
            box: dict[str, Any] = {
                "facecolor": "white",
                "edgecolor": "none",
                "pad": 1.0,
                "alpha": 0.85,
            }
            text = f"{won[learner, size]:.2f}"
            place: dict[str, Any] = {"ha": "right", "va": "bottom", "transform": axes.transAxes}
            axes.text(0.97, 0.03, text, fontsize=7, bbox=box, **place)
    texts = [f"label {label}{', the goal' if label == target else ''}" for label in order]
    handles: list[Any] = [Patch(facecolor=colours[label]) for label in order]
    dark: dict[str, Any] = {"linestyle": "none", "color": "#444444"}
    handles += [Line2D([], [], **_PERSON, **dark), Line2D([], [], **_MEMBER, **dark)]
    legend(figure, handles, [*texts, "people", "members"])
    return figure


@styled
def plot_learnt(nodes: pd.DataFrame) -> Figure:
    """Log-densities of generative learners, beside the truth where it is known.

    Arguments:
        nodes: A row a learner, size, plane and node: ``x``, ``y``, ``log_density``, ``truth``.

    Returns:
        The figure, from one seed: a row a learner, a column a size, as for decision regions. All
        panels share their colours, down to 8 nats below the highest true density (the highest
        learned one if the truth is unknown).
    """
    known = nodes["truth"].notna().any()
    nodes = nodes[nodes["log_density"].notna()]
    truth = nodes.assign(log_density=nodes["truth"], learner=_TRUTH)
    truth = truth.drop_duplicates(["plane", "size", "x", "y"])
    shown = pd.concat([truth, nodes]) if known else nodes
    figure, grid = _small(shown, list(dict.fromkeys(shown["learner"])), 0.5)
    fields = [field for (who, *_), (_, field) in grid.items() if who == _TRUTH or not known]
    values = np.concatenate([field["log_density"].to_numpy(float) for field in fields])
    top = float(values[np.isfinite(values)].max())
    for axes, field in grid.values():
        image = np.maximum(_square(field, "log_density") - top, -DEPTH)
        drawn = axes.imshow(
            image,
            origin="lower",
            extent=_extent(field),
            interpolation="none",
            aspect="auto",
            vmin=-DEPTH,
            vmax=0.0,
            cmap="cividis",
        )
    if grid:
        figure.colorbar(drawn, ax=figure.axes, fraction=0.03, pad=0.01, label="nats below the top")
    return figure


_TRUTH = "truth"


def _small(
    nodes: pd.DataFrame, learners: Sequence[str], beside: float = 0.0
) -> tuple[Figure, dict[tuple[str, str, float], tuple[Axes, pd.DataFrame]]]:
    """Return a figure with a panel for each learner and column, and each panel with its nodes.

    Arguments:
        nodes: A row a learner, size, plane and node.
        learners: The learners, a row each.
        beside: Inches to leave free beside the panels.
    """
    sizes, planes = sorted(set(nodes["size"])), set(nodes["plane"])
    columns = [("without", sizes[-1])] if "without" in planes else []
    columns += [("all" if "all" in planes else "with", size) for size in sizes]
    side = (inches() - 0.3 - beside) / len(columns)
    figure = Figure(figsize=(inches(), 0.65 + side * len(learners)))
    axes = figure.subplots(len(learners), len(columns), squeeze=False)
    short, grid = display(learners), {}
    parts = dict(list(nodes.groupby(["learner", "plane", "size"])))
    for i, learner in enumerate(learners):
        for j, (plane, size) in enumerate(columns):
            panel = axes[i, j]
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(False)
            panel.set_box_aspect(1)
            panel.grid(False)
            if i == 0:
                panel.set_title(f"{_NAMES[plane]}\nsize {percent(size)}".strip())
            if j == 0:
                panel.set_ylabel(_broken(short[learner], int(side * 72 / _LETTER)))
            grid[learner, plane, size] = panel, parts[learner, plane, size]
    return figure, grid


def _broken(name: str, letters: int) -> str:
    r"""Break a long name before capitals and brackets.

    Example:
        >>> _broken("RandomForest", 9), _broken("RandomForest", 12)
        ('Random\nForest', 'RandomForest')
    """
    if len(name) <= letters:
        return name
    words = re.sub(r"(?<=[a-z0-9)])(?=[A-Z(])|(?<==)", " ", name)
    return textwrap.fill(words, letters, break_long_words=False)


def _square(field: pd.DataFrame, column: str) -> Array:
    """Return a column as an image, the lowest row first."""
    return field.pivot(index="y", columns="x", values=column).to_numpy(float)


def _extent(field: pd.DataFrame) -> tuple[float, float, float, float]:
    """Return the edges of the image, half a cell beyond the nodes."""
    edges = []
    for name in ("x", "y"):
        places = np.unique(field[name].to_numpy(float))
        half = (places[-1] - places[0]) / max(len(places) - 1, 1) / 2
        edges += [float(places[0] - half), float(places[-1] + half)]
    return edges[0], edges[1], edges[2], edges[3]


def _draw_people(axes: Axes, people: pd.DataFrame, colours: dict[int, str], scale: float) -> None:
    """Draw people as dots and members as diamonds, smaller in smaller panels."""
    for label, colour in colours.items():
        for style, member in ((_PERSON, False), (_MEMBER, True)):
            shown = people[(people["label"] == label) & (people["member"] == member)]
            edge = "black" if member else "#444444"
            dots = style | {"linestyle": "none", "color": colour, "markeredgecolor": edge}
            dots["markersize"] *= min(1.0, scale) ** 0.5
            axes.plot(shown["x"], shown["y"], **dots)
