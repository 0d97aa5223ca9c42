"""What the records of a run say."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli.shared import (
    Epoch,
    Format,
    Rule,
    Run,
    Select,
    app,
    folder_of,
    notes,
    planned,
    records_of,
)
from bench.core.errors import BenchError


@app.command()
def curves(run: Run, select: Select = None, epoch: Epoch = None, format: Format = None) -> None:
    """Success curves: mean success at each size with its 95 % interval over seeds.

    Example: `python run_bench.py curves quick --format csv`
    """
    from results.report.terminal import show, with_interval
    from results.stats.curves import success_curves
    from results.stats.frames import CELL

    table = success_curves(records_of(folder_of(run), select, epoch))
    short = [*CELL, "size", "mean", "low", "high", "interval"]
    short += ["seeds", "failed", "accuracy", "effective_size"]
    full = format in ("csv", "json")
    show(table if full else with_interval(table[short], "mean", "success"), format)


@app.command()
def critical(
    run: Run,
    level: Annotated[
        list[float] | None, typer.Option(min=0, max=1, help="A level of success. Repeatable.")
    ] = None,
    select: Select = None,
    epoch: Epoch = None,
    format: Format = None,
) -> None:
    """Critical masses: the smallest collective that reaches a level, with 95 % intervals.

    Example: `python run_bench.py critical quick --level 0.5 --level 0.9`
    """
    from results.report.outputs import LEVELS, summary
    from results.report.terminal import brief, plain, show
    from results.stats.critical_mass import critical_mass
    from results.stats.curves import success_curves

    records, levels = records_of(folder_of(run), select, epoch), tuple(level or LEVELS)
    if format in ("csv", "json"):
        show(critical_mass(success_curves(records), levels, records), format)
    else:
        table = plain(summary(records, levels))
        show(table if format == "md" else brief(table), format)


@app.command()
def choices(
    run: Run,
    select: Annotated[Rule, typer.Option(help="By what the firm chooses.")] = "accuracy",
    format: Format = None,
) -> None:
    """Which variant of a learner firms choose on their validation data, and how often.

    Example: `python run_bench.py choices searched --select loss`
    """
    from results.report.terminal import plain, show
    from results.stats.selection import choices as counted

    table = counted(records_of(folder_of(run), select))
    if not len(table):
        raise BenchError(f"{run} has no learner with several variants to choose from")
    show(plain(table), format)


@app.command()
def figures(
    run: Run,
    only: Annotated[str | None, typer.Option(help="One figure, by name.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to; the run's figures/, if left.")
    ] = None,
    width: Annotated[
        Literal["one", "two"], typer.Option(help="Columns of a page that figures are wide.")
    ] = "two",
    check: Annotated[
        bool, typer.Option(help="Draw again in another process, and compare all bytes.")
    ] = False,
    select: Select = None,
    epoch: Epoch = None,
) -> None:
    """Draw all figures of a run from its records: PNG, SVG and PDF, each with its table.

    Beside them lie numbers.tex, with a macro for each number, and manifest.json, with the SHA-256
    of all files.

    Example: `python run_bench.py figures quick --only success --width one`
    """
    from results.plots.style import columns
    from results.report.outputs import differing, write_figures

    folder = folder_of(run)
    records, place = records_of(folder, select, epoch), out or folder / "figures"
    try:
        with columns(width):
            paths = write_figures(records, place, planned(folder, records), only)
    except ValueError as error:
        raise BenchError(str(error)) from error
    for path in paths:
        print(path)
    if not check:
        return
    with tempfile.TemporaryDirectory() as other:
        # The same command, but for where it draws.
        words = [w for w in sys.argv[1:] if w != "--check"] + ["--out", other]
        again = [sys.executable, "-c", "import run_bench; run_bench.main()", *words]
        if subprocess.run(again, check=False, stdout=subprocess.DEVNULL).returncode:
            raise BenchError("another process could not draw them again; it says why above")
        wrong = differing(place, Path(other))
    if wrong:
        raise BenchError(f"drawn again, these have other bytes: {', '.join(wrong)}")
    notes.print("drawn again by another process: all bytes are the same")
