"""Critical masses of all learners against all strategies at a glance."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from results.display_names import display
from results.plots.axes import legend, level_text, log_sizes, panels, percent
from results.plots.control import without_control
from results.plots.registry import register_figure
from results.plots.style import inches, styled
from results.stats.analysis import LEVELS, Analysis
from results.stats.mass_text import AT_ZERO

#: The fill of cells without an estimate, by ``reached``; None is a cell that was not run.
_FILLS: dict[str | None, dict[str, Any]] = {
    "control": {"facecolor": "#f6e3c5", "edgecolor": "white"},
    "beyond": {"facecolor": "#dddddd", "edgecolor": "white"},
    None: {"facecolor": "white", "edgecolor": "#999999", "hatch": "////"},
}
#: The entry of such cells in the legend.
_NAMES: dict[str | None, str] = {
    "control": AT_ZERO,
    "beyond": "not reached at any size",
    None: "not run",
}
#: Inches that a letter is wide.
_LETTER = 0.06


def _first_level(analysis: Analysis) -> pd.DataFrame:
    """Return the critical masses of the lowest level that runs report."""
    return without_control(analysis.critical[analysis.critical["level"] == LEVELS[0]])


@register_figure("heat", _first_level, order=4)
@styled
def plot_heat(critical: pd.DataFrame) -> Figure:
    """Critical masses: a row a learner, a column a task.

    Arguments:
        critical: Result of :func:`results.stats.critical_mass.critical_mass`, of one level.

    Returns:
        The figure. Cells show the estimates; darker ones are smaller. Rows are in the order of
        their mean critical mass, the smallest on top, where a level that is not reached counts as
        the largest size and tasks that were not run do not count.
    """
    tasks, table = _tasks(critical)
    if not len(table):
        return Figure(figsize=(inches(), 1.3))
    order = _order(table)
    # A third of the width is for the learners' names, some of it for the colour bar.
    fit = int(inches() * 0.58 / len(tasks) / _LETTER)
    written, level = _written(tasks, fit)
    letters = max(len(line) for task in written for line in task.split("\n"))
    height = 1.5 + 0.17 * len(order) + (0.0 if level else _LETTER * letters)
    figure = Figure(figsize=(inches(), height))
    axes = figure.subplots()
    first, last = critical["smallest"].min(), critical["largest"].max()
    ends = (float(first), float(last)) if 0 < first < last else (1e-3, 1.0)
    norm = LogNorm(*ends)
    found = {(row["learner"], row["task"]): row for row in table.to_dict("records")}
    cells = np.full((len(order), len(tasks)), np.nan)
    size = 6.5 if fit >= 6 else 0.0  # the estimates fit their cells, or none is written
    filled: set[str | None] = set()
    for y, learner in enumerate(order):
        for x, task in enumerate(tasks):
            row = found.get((learner, task))
            reached = None if row is None or row["reached"] == "unknown" else row["reached"]
            if row is not None and reached in ("inside", "below"):
                cells[y, x] = max(row["estimate"], row["smallest"])
                if size:
                    # Cells keep their colours on a dark page, and so do their numbers.
                    ink = "#fefefe" if norm(cells[y, x]) < 0.5 else "#010101"
                    text = _cell_text(row)
                    axes.text(x, y, text, ha="center", va="center", fontsize=size, color=ink)
            else:
                _fill(axes, x, y, reached)
                filled.add(reached)
    axes.imshow(cells, aspect="auto", cmap="cividis", norm=norm)
    axes.set_xticks(range(len(tasks)), written, rotation=0 if level else 90)
    axes.set_yticks(range(len(order)), order)
    axes.tick_params(length=0)
    axes.grid(False)
    axes.set_title(f"critical mass at {level_text(critical, critical['level'].iloc[0])}")
    bar = figure.colorbar(ScalarMappable(norm, "cividis"), ax=axes, fraction=0.05, pad=0.02)
    bar.outline.set_visible(False)
    log_sizes(bar.ax.yaxis, *ends, room=0.0)
    bar.set_label("critical mass")
    shown = [kind for kind in _FILLS if kind in filled]
    patches = [Rectangle((0, 0), 1, 1, linewidth=0.4, **_FILLS[kind]) for kind in shown]
    legend(figure, patches, [_NAMES[kind] for kind in shown])
    return figure


def _tasks(critical: pd.DataFrame) -> tuple[list[str], pd.DataFrame]:
    """Return the names of all tasks, and the table with short learners and a column ``task``."""
    named = [part.assign(task="\n".join(title)) for title, part in panels(critical, [])]
    table = pd.concat(named) if named else critical.assign(task="")
    table = table.assign(learner=table["learner"].map(display(critical["learner"])))
    return list(dict.fromkeys(table["task"])), table


def _order(table: pd.DataFrame) -> list[str]:
    """Return the learners, the smallest mean critical mass in decades first."""
    known = table[table["reached"] != "unknown"]
    mass = known["estimate"].clip(known["smallest"], known["largest"]).astype(float)
    means = mass.map(np.log10).groupby(known["learner"]).mean()
    means = means.reindex(sorted(table["learner"].unique()))
    return [str(name) for name in means.sort_values(kind="stable").index]


def _fill(axes: Axes, x: int, y: int, reached: str | None) -> None:
    """Fill a cell that has no estimate."""
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, linewidth=0, **_FILLS[reached]))


def _written(tasks: Sequence[str], fit: int) -> tuple[list[str], bool]:
    """Wrap the names of tasks after ``fit`` letters; longer words make all of them vertical.

    Returns:
        The wrapped names, and whether they are horizontal.
    """
    lines = [line for task in tasks for line in task.split("\n")]
    level = all(len(word) <= fit for line in lines for word in line.split())
    most = fit if level else max(24, max(map(len, lines)) // 2 + 4)
    broken = [[textwrap.fill(line, most) for line in task.split("\n")] for task in tasks]
    return ["\n".join(parts) for parts in broken], level


def _cell_text(row: Any) -> str:
    """Return the text of a cell that has an estimate."""
    if row["reached"] == "below":
        return f"\N{LESS-THAN OR EQUAL TO} {percent(row['smallest'])}"
    return percent(float(f"{row['estimate']:.2g}"))
