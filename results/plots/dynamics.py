"""Success and effective size while a learner trains."""

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import labels, within
from results.plots.axes import entitle, legend, percent, small_multiples
from results.plots.learner_styles import COLOURS
from results.plots.style import fitting, styled
from results.stats.frames import CELL, KEY, WAYS
from results.stats.intervals import bounded

#: No more sizes than can be told apart.
SIZES = 5


def by_epoch(records: pd.DataFrame) -> pd.DataFrame:
    """A row for each trial and epoch, of learners that recorded their epochs.

    Arguments:
        records: One row a trial, with a dictionary of lists as ``epochs``, or none.

    Returns:
        The key's columns, ``epoch`` (from 1 on), ``success`` and ``effective_size``.
    """
    rows = []
    kept = records[[isinstance(e, dict) for e in records["epochs"]]] if len(records) else records
    for row in kept.to_dict("records"):
        told = row["epochs"]
        weighed = told.get("effective_size", [None] * len(told["success"]))
        for epoch, (won, size) in enumerate(zip(told["success"], weighed, strict=True), 1):
            rows.append(
                {
                    **{name: row[name] for name in KEY},
                    "epoch": epoch,
                    "success": won,
                    "effective_size": size,
                }
            )
    return pd.DataFrame(rows, columns=[*KEY, "epoch", "success", "effective_size"])


def dynamics(records: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds after each epoch, with the 95 % interval of success.

    Returns:
        A row for each cell, size and epoch: ``mean``, ``low``, ``high``, ``effective_size``
        (of the mean seed) and ``seeds``.
    """
    rows = []
    for key, own in by_epoch(records).groupby([*CELL, "size", "epoch"]):
        mean, low, high, _ = bounded(own["success"].to_numpy(float))
        weighed = own["effective_size"].astype(float).mean()
        values = [*key, mean, low, high, weighed, len(own)]
        rows.append(dict(zip(_NAMES, values, strict=True)))
    return pd.DataFrame(rows, columns=_NAMES)


_NAMES = [*CELL, "size", "epoch", "mean", "low", "high", "effective_size", "seeds"]


@styled
def plot_dynamics(table: pd.DataFrame) -> Figure:
    """Success after each epoch: a panel a task and learner, a curve a size of the collective.

    Arguments:
        table: What :func:`dynamics` returns.

    Returns:
        The figure. Bands are 95 % intervals over seeds; dashed lines are the effective size,
        the members' share of the weight, of learners that report it.
    """
    tasks = list(table.groupby(CELL))
    columns = min(fitting(2), max(len(tasks), 1))
    figure, grid = small_multiples(len(tasks), columns)
    data, learners = labels(table["dataset"]), labels(table["learner"])
    strategies = within(table, "dataset", "strategy")
    sizes = sorted(table["size"].unique())
    chosen = [sizes[round(i * (len(sizes) - 1) / (SIZES - 1))] for i in range(SIZES)]
    colours = dict(zip(dict.fromkeys(chosen), COLOURS, strict=False))
    shown = {}
    extra = [name for name in WAYS if table[name].nunique() > 1]
    for axes, (key, task) in zip(grid, tasks, strict=True):
        cell = dict(zip(CELL, map(str, key), strict=True))
        names = [cell[name] for name in extra]
        strategy = strategies[cell["dataset"], cell["strategy"]]
        entitle(axes, [data[cell["dataset"]], *names, strategy, learners[cell["learner"]]])
        for size, colour in colours.items():
            own = task[task["size"] == size].sort_values("epoch")
            axes.fill_between(
                own["epoch"], own["low"], own["high"], color=colour, alpha=0.15, linewidth=0
            )
            (line,) = axes.plot(own["epoch"], own["mean"], color=colour)
            if own["effective_size"].notna().any():
                axes.plot(
                    own["epoch"],
                    own["effective_size"],
                    color=colour,
                    linestyle="--",
                    linewidth=0.8,
                )
            shown[percent(float(size))] = line
        axes.set_ylim(-0.04, 1.04)
        axes.set_xlabel("epoch")
    for axes in grid[::columns]:
        axes.set_ylabel("success")
    legend(figure, list(shown.values()), list(shown))
    return figure
