"""Commands that print tables and draw figures of a run's records."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

import bench
from bench.cli.options import Epoch, Format, Rule, Run, Select, Width
from bench.cli.shared import app, folder_of, notes, planned_count, records_of
from bench.core.errors import BenchError


@app.command()
def curves(run: Run, select: Select = None, epoch: Epoch = None, format: Format = None) -> None:
    """Print success curves: mean success at each size with its 95 % interval over seeds.

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
        list[float] | None, typer.Option(min=0, max=1, help="Level of success. Repeatable.")
    ] = None,
    select: Select = None,
    epoch: Epoch = None,
    format: Format = None,
) -> None:
    """Print critical masses: the smallest sizes that reach a level, with 95 % intervals.

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
    select: Annotated[Rule, typer.Option(help="Measure by which the firm chooses.")] = "accuracy",
    format: Format = None,
) -> None:
    """Print how often firms choose each hyper-parameter setting on their validation data.

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
    only: Annotated[str | None, typer.Option(help="Name of the only figure to draw.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for figures (default: figures/ in the run's folder)."),
    ] = None,
    width: Width = "two",
    check: Annotated[
        bool,
        typer.Option(help="Draw the figures again in another process, and compare all bytes."),
    ] = False,
    select: Select = None,
    epoch: Epoch = None,
) -> None:
    """Draw all figures of a run from its records: PNG, SVG and PDF, each with its table.

    The folder also gets numbers.tex, with a macro for each number, and manifest.json, with the
    SHA-256 of all files.

    Example: `python run_bench.py figures quick --only success --width one`
    """
    from results.plots.style import columns
    from results.report.outputs import FiguresFailed, differing, write_figures

    folder = folder_of(run)
    records, place = records_of(folder, select, epoch), out or folder / "figures"
    try:
        with columns(width):
            paths = write_figures(records, place, planned_count(folder, records), only)
    except (ValueError, FiguresFailed) as error:
        raise BenchError(str(error)) from error
    for path in paths:
        print(path)
    if not check:
        return
    with tempfile.TemporaryDirectory() as other:
        # The command is the same except for the folder of the figures.
        words = [w for w in sys.argv[1:] if w != "--check"] + ["--out", other]
        # The script's own folder comes first on the path, and the current folder isn't on it.
        script = Path(bench.__file__).parents[1] / "run_bench.py"
        again = [sys.executable, str(script), *words]
        if subprocess.run(again, check=False, stdout=subprocess.DEVNULL).returncode:
            raise BenchError("another process could not draw the figures; its error is above")
        wrong = differing(place, Path(other))
    if wrong:
        raise BenchError(f"drawn again, these figures have other bytes: {', '.join(wrong)}")
    notes.print("drawn again by another process: all bytes are the same")
