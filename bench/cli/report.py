"""A run on one page."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.shared import (
    Epoch,
    Run,
    Select,
    about_of,
    app,
    folder_of,
    notes,
    planned,
    records_of,
    writing,
)


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
    from results.report.html import page

    folder = folder_of(run)
    records = records_of(folder, select, epoch)
    about = about_of(folder) | {"trials": planned(folder, records)}
    reading = [*(("--select", select) if select else ()), *(("--epoch", epoch) if epoch else ())]
    text = page(records, about, folder.name, reading)
    path = out or folder / "report.html"
    with writing(path):
        path.write_text(text)
    notes.print(f"wrote {path} ({len(text) / 1e6:.1f} MB)")
