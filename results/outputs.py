"""Everything that a run's records give, written into its folder."""

import difflib
from pathlib import Path

import pandas as pd

from results.critical import critical_mass
from results.curves import area, success_curves
from results.figures import plot_areas, plot_critical, plot_curves, plot_effective_size
from results.frames import CELL, PANEL
from results.house import save
from results.tables import render

LEVELS = (0.5, 0.9)


def summary(records: pd.DataFrame, levels: tuple[float, ...] = LEVELS) -> pd.DataFrame:
    """A row for each learner in each panel: its critical masses and its area, to read.

    Sorted by area within a panel: the learner that follows the smallest collectives comes first.
    """
    curves = success_curves(records)
    critical = critical_mass(curves, levels)
    texts = critical.pivot(index=CELL, columns="level", values="text")
    texts.columns = [f"critical mass at {level:g}" for level in texts.columns]
    areas = area(records).set_index(CELL)
    inside = [
        f"{mean:.3f} [{low:.3f}, {high:.3f}]"
        for mean, low, high in zip(areas["area"], areas["low"], areas["high"], strict=True)
    ]
    areas = areas.assign(inside=inside)
    counts = curves.groupby(CELL)[["seeds", "failed"]].agg({"seeds": "min", "failed": "sum"})
    table = texts.assign(area=areas["inside"], order=areas["area"]).join(counts).reset_index()
    falling = [*[True] * len(PANEL), False]
    table = table.sort_values([*PANEL, "order"], ascending=falling, ignore_index=True)
    return table.drop(columns="order")


def write_tables(records: pd.DataFrame, folder: Path) -> list[Path]:
    """Write ``curves.csv`` and ``critical.csv``."""
    curves = success_curves(records)
    tables = {"curves": curves, "critical": critical_mass(curves, LEVELS)}
    paths = []
    for name, table in tables.items():
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(render(table, "csv"))
    return paths


def write_figures(
    records: pd.DataFrame, folder: Path, planned: int | None = None, only: str | None = None
) -> list[Path]:
    """Draw all figures that the records allow, each with the table that it draws beside it.

    Arguments:
        records: One row a trial.
        folder: Where they go; made if it isn't there.
        planned: The number of trials of the grid: a figure of an unfinished one says so.
        only: The name of one figure; all, if None.

    Raises:
        ValueError: If there is no figure of that name.
    """
    curves = success_curves(records)
    critical = critical_mass(curves, LEVELS)
    areas = area(records)
    weighed = curves[curves["effective_size"].notna()]
    draw = {
        "success": (lambda: plot_curves(curves, planned), curves),
        "ranking": (lambda: plot_areas(areas), areas),
        "critical": (lambda: plot_critical(critical), critical),
        "effective_size": (lambda: plot_effective_size(weighed), weighed),
    }
    if only is not None and only not in draw:
        near = difflib.get_close_matches(only, draw, n=1, cutoff=0.0)[0]
        raise ValueError(
            f"there is no figure {only!r}. Did you mean {near!r}? Allowed: {', '.join(draw)}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (figure, table) in draw.items():
        if only in (None, name) and len(table):
            paths += save(figure(), folder / name)
            (folder / f"{name}.csv").write_text(render(table, "csv"))
    return paths
