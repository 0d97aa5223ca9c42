"""Everything that a run's records give, written into its folder."""

import difflib
import hashlib
import json
from pathlib import Path

import pandas as pd

from results.plots.bounds import plot_promises, plot_strategies
from results.plots.constructiveness import constructiveness, plot_pairs
from results.plots.cost import plot_cost
from results.plots.curves import plot_areas, plot_critical, plot_curves, plot_effective_size
from results.plots.dynamics import dynamics, plot_dynamics
from results.plots.heat import plot_heat
from results.plots.rank_diagram import plot_ranks
from results.plots.style import ENDINGS, save
from results.report.latex import macros
from results.report.tables import render
from results.stats.bound_slack import BOUND, promised
from results.stats.critical_mass import critical_mass
from results.stats.curves import area, success_curves
from results.stats.frames import CELL, PANEL
from results.stats.intervals import Interval, written
from results.stats.ranks import field, mean_ranks

LEVELS = (0.5, 0.9)
MANIFEST = "manifest.json"


def summary(records: pd.DataFrame, levels: tuple[float, ...] = LEVELS) -> pd.DataFrame:
    """A row for each learner in each panel: its critical masses and its area, to read.

    Sorted by area within a panel: the learner that follows the smallest collectives comes first.
    """
    curves = success_curves(records)
    critical = critical_mass(curves, levels, records)
    texts = critical.pivot(index=CELL, columns="level", values="text")
    texts.columns = [f"critical mass at {level:g}" for level in texts.columns]
    areas = area(records).set_index(CELL)
    names = ["area", "low", "high", "interval"]
    inside = [
        written(Interval(*row), seeds)
        for *row, seeds in zip(*(areas[name] for name in [*names, "seeds"]), strict=True)
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
    tables = {"curves": curves, "critical": critical_mass(curves, LEVELS, records)}
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
    critical = critical_mass(curves, LEVELS, records)
    areas, heat = area(records), critical[critical["level"] == LEVELS[0]]
    weighed = curves[curves["effective_size"].notna()]
    traced = dynamics(records) if "epochs" in records else pd.DataFrame()
    ranks, pairs = mean_ranks(field(records)), constructiveness(records)
    promises = promised(records) if any(str(c).startswith(BOUND) for c in records) else traced[:0]
    draw = {
        "success": (lambda: plot_curves(curves, planned), curves),
        "ranking": (lambda: plot_areas(areas), areas),
        "critical": (lambda: plot_critical(critical), critical),
        "heat": (lambda: plot_heat(heat), heat),
        "effective_size": (lambda: plot_effective_size(weighed), weighed),
        "cost": (lambda: plot_cost(curves), curves),
        "promises": (lambda: plot_promises(promises), promises),
        "pairs": (lambda: plot_pairs(pairs), pairs),
        "ranks": (lambda: plot_ranks(ranks), ranks),
        "dynamics": (lambda: plot_dynamics(traced), traced),
    }
    if only is not None and only not in draw:
        near = difflib.get_close_matches(only, draw, n=1, cutoff=0.0)[0]
        raise ValueError(
            f"there is no figure {only!r}. Did you mean {near!r}? Allowed: {', '.join(draw)}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (figure, table) in draw.items():
        if only not in (None, name):
            continue
        if len(table):
            paths += save(figure(), folder / name)
            (folder / f"{name}.csv").write_text(render(table, "csv"))
            continue
        # What these records do not allow is not left there from others.
        for ending in (*ENDINGS, "csv"):
            (folder / f"{name}.{ending}").unlink(missing_ok=True)
    if only is None:
        (folder / "numbers.tex").write_text(macros(critical, areas))
        paths.append(folder / "numbers.tex")
    return [*paths, write_manifest(folder)]


def write_manifest(folder: Path) -> Path:
    """Write ``manifest.json``: the SHA-256 of all files beside it."""
    files = [p for p in sorted(folder.iterdir()) if p.is_file() and p.name != MANIFEST]
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    (folder / MANIFEST).write_text(json.dumps(hashes, indent=1) + "\n")
    return folder / MANIFEST


def differing(one: Path, other: Path) -> list[str]:
    """The names of files in the other folder that are not the same in the one, by manifests."""
    here, there = (json.loads((folder / MANIFEST).read_text()) for folder in (one, other))
    return sorted(name for name in there if here.get(name) != there[name])


def write_bounds(records: pd.DataFrame, promised: pd.DataFrame, folder: Path) -> list[Path]:
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
