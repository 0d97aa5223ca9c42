"""Commands for folders of runs: status, merge and export."""

import json
import shlex
import time
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import Data, Format, Plugins, Run
from bench.cli.shared import (
    all_records,
    app,
    description_of,
    folder_of,
    grid_of,
    load_plugins_of,
    notes,
    writing,
)
from bench.core.errors import BenchError


@app.command()
def status(run: Run, data: Data = None, plugin: Plugins = None, format: Format = None) -> None:
    """Print how far a run is: trials done, failed, stale and left, for each learner.

    Example: `python run_bench.py status quick`
    """
    import pandas as pd

    from bench.execution import sweep
    from bench.execution.runtime_estimate import format_duration
    from bench.records import manifest
    from bench.records.store import Store
    from bench.spec.grid import Shard
    from results.report.terminal import show

    folder = folder_of(run)
    if not plugin:
        load_plugins_of(folder)
    about = description_of(folder)
    grid = grid_of(folder)
    if grid is None:
        raise BenchError(f"{folder} has no about.json that says what its grid is")
    share = Shard.read(about["shard"]) if about.get("shard") else None
    store = Store(folder)
    plan = sweep.plan(grid.trials(share), sweep.Todo(store.have()))
    names = ("trials", "done", "failed", "stale", "left")
    rows = [{"learner": l} | {n: counts[n] for n in names} for l, counts in plan.learners.items()]
    show(pd.DataFrame(rows), format)
    mixed = manifest.mixture(store.environments(), about.get("environments") or {})
    if mixed:
        notes.print(f"the records are of {mixed}", soft_wrap=True)
    if not plan["left"]:
        return
    # The speed of the latest run is its records so far over the time until the latest record.
    latest = (folder / "records.jsonl").stat().st_mtime
    seconds, new = latest - about.get("began", latest), plan["done"] - about.get("had", 0)
    if seconds > 0 and new > 0:
        left, age = format_duration(plan["left"] * seconds / new), max(time.time() - latest, 0)
        notes.print(
            f"{new / seconds:.3g} trials a second; {left} left at that rate; "
            f"the latest record is {format_duration(age)} old"
        )
    words = about.get("command", [])
    if words[:1] == ["merge"]:
        notes.print("to go on: finish the runs that were merged, and merge them again")
    else:
        notes.print(f"to go on: python run_bench.py {shlex.join(words)}", soft_wrap=True)


@app.command()
def merge(
    runs: Annotated[
        list[str], typer.Argument(help="Folders of runs, or their names under runs/.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the merged run.")],
) -> None:
    """Merge runs: shards of a grid, or parts of it from several machines.

    Two successful records of one trial that differ raise an alarm, and exit code 1.

    Example: `python run_bench.py merge runs/quick-1-of-2 runs/quick-2-of-2 --out runs/whole`
    """
    from bench.records.merge import environments
    from bench.records.merge import merge as merged

    done = merged([folder_of(run) for run in runs], out)
    notes.print(f"{done.records} records in {out}; {done.twice} were there twice")
    if not done.alarms:
        return
    notes.print(
        f"determinism alarm: {len(done.alarms)} trials have good records that differ in more than "
        f"timings"
    )
    for alarm in done.alarms[:10]:
        notes.print(f"  {tuple(alarm.key)}", markup=False)
        for name, values in alarm.values.items():
            for run, value in zip(alarm.runs, values, strict=True):
                notes.print(f"    {name} = {value!r} in {run}", markup=False)
    for alarm in {(a.runs, a.environments): a for a in done.alarms}.values():
        different = environments(alarm)
        notes.print(f"  environments of {alarm.runs[0]} and {alarm.runs[1]}:", markup=False)
        for name, (one, two) in different.items():
            notes.print(f"    {name}: {one!r} | {two!r}", markup=False)
        if not different:
            notes.print("    they are described alike")
    raise typer.Exit(1)


@app.command()
def export(
    run: Run,
    out: Annotated[Path, typer.Option(help="File that ends in .parquet or .csv.")],
) -> None:
    """Write all records of a run's folder, of all its grids, as one Parquet or CSV table.

    Example: `python run_bench.py export quick --out quick.parquet`
    """
    if out.suffix not in (".parquet", ".csv"):
        raise BenchError(f"{out} ends neither in .parquet nor in .csv")
    frame = all_records(folder_of(run))
    frame["epochs"] = [json.dumps(e) if isinstance(e, dict) else None for e in frame["epochs"]]
    with writing(out):
        if out.suffix == ".csv":
            frame.to_csv(out, index=False)
        else:
            frame.to_parquet(out, index=False)
    notes.print(f"wrote {len(frame)} records to {out}")
