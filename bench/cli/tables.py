"""Commands that print tables and draw figures of a run's records."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import bench
from bench.cli.options import (
    Above,
    Drawing,
    Epoch,
    Format,
    Rule,
    Run,
    Select,
    Value,
    Width,
    processes,
)
from bench.cli.shared import (
    all_records,
    app,
    folder_of,
    grid_of,
    notes,
    planned_count,
    records_of,
)
from bench.core.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

    from results.studies.base import Study


@app.command()
def curves(
    run: Run,
    value: Value = "headline",
    select: Select = None,
    epoch: Epoch = None,
    format: Format = None,
) -> None:
    """Print success curves: mean success at each size with its 95 % interval over seeds.

    Example: `python run_bench.py curves quick --format csv`
    """
    from results.report.terminal import show, with_interval
    from results.stats.curves import success_curves
    from results.stats.frames import CELL

    records = records_of(folder_of(run), select, epoch, value)
    table = success_curves(records)
    short = [*CELL, "size", "members", "mean", "low", "high", "interval", "success_all"]
    short += ["seeds", "failed", "accuracy", "effective_size"]
    full = format in ("csv", "json")
    names = records["measured"].unique()
    name = names[0] if len(names) == 1 else value
    # Success itself needs no second column of the same numbers.
    short = [column for column in short if name != "success" or column != "success_all"]
    show(table if full else with_interval(table[short], "mean", name), format)


@app.command()
def critical(
    run: Run,
    level: Annotated[
        list[float] | None, typer.Option(min=0, max=1, help="Level of success. Repeatable.")
    ] = None,
    value: Value = "headline",
    above: Above = "control",
    select: Select = None,
    epoch: Epoch = None,
    format: Format = None,
) -> None:
    """Print critical masses: the smallest sizes that reach a level, with 95 % intervals.

    A level of .5 is reached where success is half of the way from its value at size 0 to 1; with
    --above zero, where success is one half. Accuracy is that at size 0.

    Example: `python run_bench.py critical quick --level 0.5 --level 0.9`
    """
    from results.report.outputs import summary
    from results.report.terminal import brief, plain, show
    from results.stats.analysis import LEVELS, Analysis

    records = records_of(folder_of(run), select, epoch, value)
    analysis = Analysis(records, levels=level or LEVELS, above=above)
    if format in ("csv", "json"):
        show(analysis.critical, format)
    else:
        table = plain(summary(analysis))
        show(table if format in ("md", "latex") else brief(table), format)


@app.command()
def choices(
    run: Run,
    select: Annotated[Rule, typer.Option(help="Measure by which the firm chooses.")] = "accuracy",
    format: Format = None,
) -> None:
    """Print how often firms choose each hyper-parameter setting on their validation data.

    For a run whose learners were tuned, print the setting of each learner on each dataset.

    Example: `python run_bench.py choices searched --select loss`
    """
    from bench.records import entries
    from results.report.terminal import plain, show
    from results.stats.selection import choices as counted

    tuned = entries.read(folder_of(run), entries.CHOICES)
    if tuned is not None:
        show(plain(tuned[tuned["rule"] == select].drop(columns="rule")), format)
        return
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
    learners: Annotated[
        list[str] | None,
        typer.Option(help="Learners to draw in colour, separated by commas. Repeatable."),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(help="Draw the figures again in another process, and compare all bytes."),
    ] = False,
    value: Value = "headline",
    select: Select = None,
    epoch: Epoch = None,
    jobs: Drawing = None,
) -> None:
    """Draw all figures of a run from its records: PNG, SVG and PDF, each with its table.

    Of the run of a study these are the figures of the study. Each has its caption beside it. The
    folder also gets numbers.tex, with a macro for each number, and manifest.json, with the
    SHA-256 of all files.

    Example: `python run_bench.py figures quick --only success --width neurips`
    """
    from bench.spec.parsing import split_specs
    from results.plots.learner_styles import highlighting
    from results.plots.style import columns
    from results.report.outputs import FiguresFailed, differing

    folder = folder_of(run)
    study, place = _study_of(folder), out or folder / "figures"
    # Claims name the values that they are about.
    value = "success" if study is not None and value == "headline" else value
    records = records_of(folder, select, epoch, value)
    try:
        with columns(width), highlighting(split_specs(learners)):
            paths = _draw(study, folder, records, place, only, processes(jobs))
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


def _study_of(folder: Path) -> "Study | None":
    """Return the study that a folder is of, by its grid or by its records."""
    from results.studies.outputs import study_of, study_of_measurements

    grid = grid_of(folder)
    return study_of_measurements(all_records(folder)) if grid is None else study_of(grid)


def _draw(
    study: "Study | None",
    folder: Path,
    records: "pd.DataFrame",
    place: Path,
    only: str | None,
    jobs: int,
) -> list[Path]:
    """Draw the figures of a run, or of the study that it is of, and return their paths."""
    from results.report.outputs import write_figures
    from results.stats.analysis import Analysis
    from results.studies.outputs import write_study_figures

    if study is None:
        analysis = Analysis(records, planned_count(folder, records))
        return write_figures(analysis, place, only, jobs)
    return write_study_figures(study, records, study.verdicts(records), place, only)
