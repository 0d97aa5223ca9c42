"""A run on one page."""

from pathlib import Path
from typing import Annotated

import typer

from commands.shared import Epoch, Run, Select, about_of, app, folder_of, notes, records_of


@app.command()
def report(
    run: Run,
    out: Annotated[
        Path | None, typer.Option(help="The page; report.html in the run's folder, if left.")
    ] = None,
    select: Select = None,
    epoch: Epoch = None,
) -> None:
    """Write one HTML page of a run that needs nothing else: figures, tables, commands.

    Example: `python run_bench.py report quick`
    """
    from results.report import page

    folder = folder_of(run)
    text = page(records_of(folder, select, epoch), about_of(folder), folder.name)
    path = out or folder / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    notes.print(f"wrote {path} ({len(text) / 1e6:.1f} MB)")
