"""A run's records, as they ship."""

from pathlib import Path
from typing import Annotated

import typer

from bench.errors import BenchError
from commands.shared import Run, about_of, app, folder_of, grid_of, notes, records_of


@app.command()
def publish(
    run: Run,
    out: Annotated[
        Path | None,
        typer.Option(help="A .parquet file; beside the grid of that name, if left."),
    ] = None,
) -> None:
    """Write the records of a finished run for `compare --grid`, with what it was.

    Example: `python run_bench.py publish learners`
    """
    from bench import published, sweep
    from bench.store import Store

    folder = folder_of(run)
    grid, about = grid_of(folder), about_of(folder)
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
    published.write(records, about, path)
    failed = int((records["status"] != "ok").sum())
    notes.print(
        f"wrote {len(records)} records, {failed} of them failed, to {path} "
        f"({path.stat().st_size / 1024:.0f} KB)"
    )
