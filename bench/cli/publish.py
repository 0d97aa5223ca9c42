"""Commands that publish the records of a run, and rank learners by published records."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.options import Format, Level, Run
from bench.cli.shared import app, description_of, folder_of, grid_of, notes, records_of, writing
from bench.core.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd


@app.command()
def publish(
    run: Run,
    out: Annotated[
        Path | None,
        typer.Option(help="A .parquet file (default: the published file of the grid)."),
    ] = None,
) -> None:
    """Write the records of a finished run, with its description, for `compare --grid`.

    Example: `python run_bench.py publish learners`
    """
    from bench.execution import sweep
    from bench.records import manifest, published
    from bench.records.store import Store

    folder = folder_of(run)
    grid, about = grid_of(folder), description_of(folder)
    if grid is None:
        raise BenchError(f"{folder} has no about.json that says what its grid is")
    plan = sweep.plan(grid.trials(), sweep.Todo(Store(folder).have(), rerun_stale=True))
    if plan["left"]:
        raise BenchError(
            f"{plan['left']} of {plan['trials']} trials of {folder} are missing or were made by "
            f"other code: run it with --rerun-stale first"
        )
    path = out or published.folder() / f"{about['grid']}.parquet"
    if path.suffix != ".parquet":
        raise BenchError(f"{path} does not end in .parquet")
    records = records_of(folder)
    with writing(path):
        published.write(records, about, path)
    failed = int((records["status"] != "ok").sum())
    notes.print(
        f"wrote {len(records)} records, {failed} of them failed, to {path} "
        f"({path.stat().st_size / 1024:.0f} KB)"
    )
    counts = records["environment"].value_counts(dropna=False).to_dict()
    if mixed := manifest.mixture(counts, about.get("environments") or {}):
        notes.print(f"the records are of {mixed}", soft_wrap=True)


@app.command()
def leaderboard(
    what: Annotated[
        str, typer.Argument(help="A grid with published records, a .parquet file, or a run.")
    ] = "learners",
    level: Level = 0.5,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the ranks as a figure and a table.")
    ] = None,
    format: Format = None,
) -> None:
    """Print the critical masses of all learners, and mean ranks over eight datasets or more.

    Example: `python run_bench.py leaderboard --format md`
    """
    from results.plots.rank_diagram import plot_ranks
    from results.plots.style import save
    from results.report.leaderboard import RANKED
    from results.report.leaderboard import leaderboard as ranked
    from results.report.leaderboard import read as readable
    from results.report.tables import render
    from results.report.terminal import show
    from results.stats.ranks import FEWEST

    records, about = _read_records(what)
    table = ranked(records, level, _outside_domain(records))
    if not len(table):
        raise BenchError(f"{what} has no two learners with whole curves on the same data")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        ranks = table[RANKED]
        if ranks["rank"].isna().any():
            raise BenchError(
                f"mean ranks take {FEWEST} datasets on which learners can be compared, and {what} "
                f"has {ranks['datasets'].iloc[0]}; without --out there are critical masses"
            )
        paths = [out / "ranks.csv", *save(plot_ranks(ranks), out / "ranks")]
        paths[0].write_text(render(ranks, "csv"), encoding="utf-8")
        notes.print(f"wrote {', '.join(map(str, paths))}")
    if format in ("csv", "json"):
        show(table, format)
        return
    print(f"{_caption(records, table, about)}\n")
    show(readable(table, level), format)


def _read_records(what: str) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Return the published records of a name, or those of a run, and their description."""
    from bench.records import published

    if what in published.ready() or what.endswith(".parquet"):
        return published.read(what)
    folder = folder_of(what)
    return records_of(folder), description_of(folder)


def _outside_domain(records: "pd.DataFrame") -> set[tuple[str, str]]:
    """Return the pairs of a dataset and a learner that is made for another kind of data."""
    from bench.spec.registry import REGISTRY
    from results.display_names import parse

    def domain(text: str) -> str | None:
        return getattr(REGISTRY.names.get(parse(text)[0]), "domain", None)

    return {
        (dataset, learner)
        for dataset in records["dataset"].unique()
        for learner in records["learner"].unique()
        if domain(learner) not in (None, domain(dataset))
    }


def _caption(records: "pd.DataFrame", table: "pd.DataFrame", about: dict[str, Any]) -> str:
    """Return a paragraph that says which records a leaderboard ranks."""
    from bench.records import manifest
    from results.display_names import labels
    from results.plots.axes import DAGGER

    datasets, seeds = ", ".join(labels(records["dataset"]).values()), records["seed"].nunique()
    failed, began = int((records["status"] != "ok").sum()), about.get("began")
    lost = sorted(set(records["learner"]) - set(table["learner"]))
    environments = about.get("environments") or {}
    versions = manifest.values(environments, records["environment"].unique())
    facts = [
        f"{datetime.fromtimestamp(began, UTC):%Y-%m-%d}" if began else "",
        *(
            f"{name} {' and '.join(filter(None, versions[name]))}"
            for name in ("version", "torch", "scikit-learn")
            if any(versions.get(name, []))
        ),
        f"{len(table)} learners",
        f"{len(records):,} trials, {seeds} seeds, {failed or 'none'} failed",
        "left out, since not on all of these data, made for other data, or at the level without "
        f"a collective: {', '.join(labels(lost).values())}"
        if lost
        else "",
        f"`run {about['grid']} --seeds {seeds}`" if about.get("grid") else "",
    ]
    ranks = (
        f"Mean ranks by the area above the control over {datasets}, the first followed most; in "
        "brackets the middle 95 % over datasets and seeds drawn anew"
        if table["rank"].notna().any()
        else f"Learners by name on {datasets}; mean ranks take more datasets"
    )
    return (
        f"{ranks}; {DAGGER}: no better than a constant answer there, without a collective "
        f"({'; '.join(filter(None, facts))})."
    )
