"""Commands that publish the records of a run, and rank learners by published records."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.options import Above, Format, Level, Run, Value
from bench.cli.shared import (
    all_records,
    app,
    description_of,
    folder_of,
    grid_of,
    grid_records,
    notes,
    valued,
    writing,
)
from bench.core.errors import BenchError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from results.stats.ranks import Field


@app.command()
def publish(
    run: Run,
    out: Annotated[
        Path | None,
        typer.Option(help="A .parquet file (default: the published file of the grid)."),
    ] = None,
    unfinished: Annotated[
        bool, typer.Option(help="Write what there is, to go on with `run --from` another time.")
    ] = False,
) -> None:
    """Write the records of a finished run, with its description, for `compare --grid`.

    The tuning trials go into a second file beside the first one.

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
    if plan["left"] and not unfinished:
        raise BenchError(
            f"{plan['left']} of {plan['trials']} trials of {folder} are missing or were made by "
            f"other code: run it with --rerun-stale first, or add --unfinished"
        )
    path = out or published.folder() / f"{about['grid']}.parquet"
    if path.suffix != ".parquet":
        raise BenchError(f"{path} does not end in .parquet")
    records = grid_records(folder)
    with writing(path):
        published.write(records, about, path)
    _publish_tuning(folder, about, path)
    failed = int((records["status"] != "ok").sum())
    notes.print(
        f"wrote {len(records)} records, {failed} of them failed, to {path} "
        f"({path.stat().st_size / 1024:.0f} KB)"
    )
    counts = records["environment"].value_counts(dropna=False).to_dict()
    if mixed := manifest.mixture(counts, about.get("environments") or {}):
        notes.print(f"the records are of {mixed}", soft_wrap=True)


def _publish_tuning(folder: Path, about: dict[str, Any], path: Path) -> None:
    """Write the tuning trials of a run beside its published records, if it has some."""
    from bench.records import entries, manifest, published

    records = _tuning(folder, about)
    file = published.tuning_file(path)
    if records is None:
        file.unlink(missing_ok=True)
        return
    environments = manifest.read(folder / entries.TUNING).get("environments")
    description = about | {"environments": environments}
    published.write(records, description, file, *published.FIRM)
    notes.print(f"wrote the records of {len(records)} tuning trials to {file}")


def _tuning(folder: Path, about: dict[str, Any]) -> "pd.DataFrame | None":
    """Return the tuning trials of a run by learners of its grid; None if it has none."""
    from bench.records import entries

    folder = folder / entries.TUNING
    tried = entries.read(folder, entries.TRIED) if about.get("tune") else None
    return None if tried is None else entries.by_entry(all_records(folder), tried)


@app.command()
def leaderboard(
    what: Annotated[
        str, typer.Argument(help="A grid with published records, a .parquet file, or a run.")
    ] = "benchmark",
    strategy: Annotated[
        str | None, typer.Option(help="Class of the collectives' strategies (default: all).")
    ] = None,
    level: Level = 0.5,
    value: Value = "headline",
    above: Above = "control",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the ranks as a figure and a table.")
    ] = None,
    format: Format = None,
) -> None:
    """Print the critical masses of all learners, and mean ranks over eight datasets or more.

    Learners whose accuracy at size 0 is more than .03 below ERM's are shown apart.

    Example: `python run_bench.py leaderboard --format md`
    """
    from results.plots.learner_styles import among
    from results.plots.rank_diagram import plot_ranks
    from results.plots.style import save
    from results.report.leaderboard import RANKED
    from results.report.leaderboard import leaderboard as ranked
    from results.report.leaderboard import read as readable
    from results.report.tables import render
    from results.report.terminal import show
    from results.stats.ranks import FEWEST, field

    records, about = read_records(what)
    records = valued(of_strategy(records, strategy), value)
    outside = unsuited(records)
    compared = field(records, level, outside)
    table = ranked(records, level, outside, above, _kinds(records), compared)
    if not len(table):
        raise BenchError(f"{what} has no two learners with whole curves on the same data")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        ranks = table.loc[table["reason"] == "", RANKED]
        if not len(ranks) or ranks["rank"].isna().any():
            raise BenchError(
                f"mean ranks take {FEWEST} datasets on which learners can be compared, and {what} "
                f"has {int(ranks['datasets'].max()) if len(ranks) else 0}; without --out there "
                "are critical masses"
            )
        with among(records["learner"].unique()):
            paths = [out / "ranks.csv", *save(plot_ranks(ranks), out / "ranks")]
        paths[0].write_text(render(ranks, "csv"), encoding="utf-8")
        notes.print(f"wrote {', '.join(map(str, paths))}")
    if format in ("csv", "json"):
        show(table, format)
        return
    print(f"{caption(records, table, compared, about)}\n")
    show(readable(table, level, above), format)


def read_records(what: str) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Return the published records of a name, or those of a run, and their description."""
    from bench.records import published

    if what in published.ready() or what.endswith(".parquet"):
        return published.read(what)
    folder = folder_of(what)
    return grid_records(folder), description_of(folder)


def of_strategy(records: "pd.DataFrame", strategy: str | None) -> "pd.DataFrame":
    """Return the records of one class of strategies, or all if the class is None.

    Raises:
        BenchError: If there are none of this class; the error names those that there are.
    """
    from results.display_names import parse

    if strategy is None:
        return records
    classes = {text: parse(text)[0] for text in records["strategy"].unique()}
    if strategy not in classes.values():
        raise unknown("strategy in these records", strategy, sorted(set(classes.values())))
    return records[records["strategy"].map(classes) == strategy]


def read_settings(what: str) -> "pd.DataFrame":
    """Return the tuning trials behind the records of a name; the records, if there are none."""
    from bench.records import published

    if what in published.ready() or what.endswith(".parquet"):
        tuning = published.read_tuning(what)
        return (tuning or published.read(what))[0]
    folder = folder_of(what)
    tried = _tuning(folder, description_of(folder))
    return grid_records(folder) if tried is None else tried


def _trait(text: str, name: str) -> Any:
    """Return an attribute of the class that a spec names; None if there is none."""
    from bench.spec.registry import REGISTRY
    from results.display_names import parse

    return getattr(REGISTRY.names.get(parse(text)[0]), name, None)


def unsuited(records: "pd.DataFrame") -> set[tuple[str, str]]:
    """Return the pairs of a dataset and a learner that is not made for its data.

    It is made for another kind of data, or it needs groups where records of the dataset show none.
    """
    grouped = set(records.loc[records["worst_group"].notna(), "dataset"])
    return {
        (dataset, learner)
        for dataset in records["dataset"].unique()
        for learner in records["learner"].unique()
        if _trait(learner, "domain") not in (None, _trait(dataset, "domain"))
        or (_trait(learner, "needs_groups") and dataset not in grouped)
    }


def _kinds(records: "pd.DataFrame") -> dict[str, str]:
    """Return the kind of each dataset's data."""
    return {text: _trait(text, "family") or "other" for text in records["dataset"].unique()}


def caption(
    records: "pd.DataFrame", table: "pd.DataFrame", compared: "Field", about: dict[str, Any]
) -> str:
    """Return a paragraph that says which records a leaderboard ranks.

    Arguments:
        records: The records.
        table: The leaderboard.
        compared: The areas that it ranks.
        about: The description of the records.
    """
    from bench.records import manifest
    from results.display_names import labels, parse
    from results.stats.gate import MARGIN

    named, seeds = labels(records["dataset"]), records["seed"].nunique()
    ranked = [name for text, name in named.items() if text in compared.datasets]
    others = [name for text, name in named.items() if text not in compared.datasets]
    failed, began = int((records["status"] != "ok").sum()), about.get("began")
    lost = sorted(set(records["learner"]) - set(table["learner"]))
    environments = about.get("environments") or {}
    versions = manifest.values(environments, records["environment"].unique())
    count = int((table["reason"] == "").sum())
    facts = [
        f"{datetime.fromtimestamp(began, UTC):%Y-%m-%d}" if began else "",
        *(
            f"{name} {' and '.join(filter(None, versions[name]))}"
            for name in ("version", "torch", "scikit-learn")
            if any(versions.get(name, []))
        ),
        f"{count} learners",
        f"{len(records):,} trials, {seeds} seeds, {failed or 'none'} failed",
        "left out, since not on all of these data, not made for them, or at the level at size 0: "
        f"{', '.join(labels(lost).values())}"
        if lost
        else "",
        f"`run {about['grid']} --seeds {seeds}`" if about.get("grid") else "",
    ]
    strategies = sorted({parse(panel[1])[0] for panel in compared.panels})
    mean = f" (its mean over {' and '.join(strategies)})" if len(strategies) > 1 else ""
    ranks = (
        f"Mean ranks by the area above size 0{mean} over {', '.join(ranked)}, the first followed "
        f"most; in brackets the middle 95 % over datasets and seeds drawn anew{_tests(compared)}"
        + (f"; fewer learners have whole curves on {', '.join(others)}" if others else "")
        if table["rank"].notna().any()
        else f"Learners by name on {', '.join(named.values())}; mean ranks take more datasets"
    )
    apart = len(table) - count
    gate = f"; {apart} below ERM's accuracy by more than {MARGIN} are not ranked" if apart else ""
    return f"{ranks}{gate} ({'; '.join(filter(None, facts))})."


def _tests(compared: "Field") -> str:
    """Return the results of the tests over datasets as text."""
    from results.stats.rank_tests import critical_difference, friedman

    difference = critical_difference(len(compared.learners), len(compared.datasets))
    return (
        f"; Friedman's p = {friedman(compared):.2g}; Nemenyi's critical difference "
        f"{difference:.2f}; verdicts against ERM are win/tie/loss/cannot tell "
        "over datasets"
    )
