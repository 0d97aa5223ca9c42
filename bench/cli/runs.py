"""Commands for folders of runs: status, merge and export."""

import hashlib
import json
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from algorithms.runtime.paths import root
from bench.cli.options import Data, Format, Plugins, Run
from bench.cli.shared import (
    all_records,
    app,
    description_of,
    folder_of,
    load_plugins_of,
    notes,
    writing,
)
from bench.core.code_cache import cached_by_code
from bench.core.errors import BenchError

if TYPE_CHECKING:
    from bench.execution.run_status import Panel


@app.command()
def status(run: Run, data: Data = None, plugin: Plugins = None, format: Format = None) -> None:
    """Print how far a run is: trials done, failed, stale and left, for each learner.

    Example: `python run_bench.py status quick`
    """
    import pandas as pd

    from bench.execution.run_status import count
    from bench.execution.runtime_estimate import format_duration
    from bench.records import manifest
    from bench.records.store import Store
    from bench.spec.shard import Shard
    from results.report.terminal import show

    folder = folder_of(run)
    if not plugin:
        load_plugins_of(folder)
    about = description_of(folder)
    if "parts" not in about:
        raise BenchError(f"{folder} has no about.json that says what its grid is")
    share = Shard.read(about["shard"]) if about.get("shard") else None
    store = Store(folder)
    learners = count(_panels(folder, about["parts"]), store.have(), share)
    names = ("trials", "done", "failed", "stale", "left")
    rows = [{"learner": l} | {n: counts[n] for n in names} for l, counts in learners.items()]
    show(pd.DataFrame(rows), format)
    mixed = manifest.mixture(store.environments(), about.get("environments") or {})
    if mixed:
        notes.print(f"the records are of {mixed}", soft_wrap=True)
    left, done = (sum(counts[name] for counts in learners.values()) for name in ("left", "done"))
    if not left:
        return
    # The speed of the latest run is its records so far over the time until the latest record.
    latest = (folder / "records.jsonl").stat().st_mtime
    seconds, new = latest - about.get("began", latest), done - about.get("had", 0)
    if seconds > 0 and new > 0:
        rest, age = format_duration(left * seconds / new), max(time.time() - latest, 0)
        notes.print(
            f"{new / seconds:.3g} trials a second; {rest} left at that rate; "
            f"the latest record is {format_duration(age)} old"
        )
    words = about.get("command", [])
    if words[:1] == ["merge"]:
        notes.print("to go on: finish the runs that were merged, and merge them again")
    else:
        notes.print(f"to go on: python run_bench.py {shlex.join(words)}", soft_wrap=True)


def _panels(folder: Path, parts: list[dict[str, Any]]) -> "list[Panel]":
    """Return the panels of a run's grid, from a file if neither code nor data have changed."""
    from bench.execution.run_status import Panel, describe, is_current

    text = json.dumps([str(root()), parts])
    name = f"status-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"
    where = str(folder / "about.json")
    described = cached_by_code(name, lambda: describe(parts, where), is_current)
    return [Panel.read(table) for table in described["panels"]]


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
