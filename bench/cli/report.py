"""The command that writes the HTML report of a run."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import OUTPUT, Drawing, Epoch, Run, Select, processes
from bench.cli.shared import (
    app,
    description_of,
    folder_of,
    notes,
    planned_count,
    records_of,
    writing,
)


@app.command()
def report(
    run: Run,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File of the page (default: report.html in the run's folder).",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    select: Select = None,
    epoch: Epoch = None,
    jobs: Drawing = None,
) -> None:
    """Write a self-contained HTML page of a run with its figures, tables and commands.

    Example: `python run_bench.py report quick`
    """
    import pandas as pd

    from bench.records import manifest
    from results.report.html import page

    folder = folder_of(run)
    records = records_of(folder, select, epoch)
    about = description_of(folder) | {"trials": planned_count(folder, records)}
    counts = records["environment"].value_counts(dropna=False).to_dict()
    about["mixture"] = manifest.mixture(counts, about.get("environments") or {}) or None
    reading = [*(("--select", select) if select else ()), *(("--epoch", epoch) if epoch else ())]
    chosen = folder / "choices.csv"
    choices = pd.read_csv(chosen) if chosen.is_file() else None
    with notes.status("drawing figures"):
        text = page(records, about, folder.name, reading, choices, processes(jobs))
    path = out or folder / "report.html"
    with writing(path):
        path.write_text(text, encoding="utf-8")
    notes.print(f"wrote {path} ({len(text) / 1e6:.1f} MB)")
