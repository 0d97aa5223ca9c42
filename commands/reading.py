"""What the records of a run say."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.errors import BenchError
from commands.shared import (
    Epoch,
    Format,
    Rule,
    Run,
    Select,
    about_of,
    app,
    folder_of,
    records_of,
)

if TYPE_CHECKING:
    pass


@app.command()
def curves(run: Run, select: Select = None, epoch: Epoch = None, format: Format = None) -> None:
    """Success curves: mean success at each size with its 95 % interval over seeds.

    Example: `python run_bench.py curves quick --format csv`
    """
    from results.curves import success_curves
    from results.frames import CELL
    from results.terminal import show, with_interval

    table = success_curves(records_of(folder_of(run), select, epoch))
    short = [*CELL, "size", "mean", "low", "high"]
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
    from results.critical import critical_mass
    from results.curves import success_curves
    from results.outputs import LEVELS, summary
    from results.terminal import brief, plain, show

    records, levels = records_of(folder_of(run), select, epoch), tuple(level or LEVELS)
    if format in ("csv", "json"):
        show(critical_mass(success_curves(records), levels), format)
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
    from results.selection import choices as counted
    from results.terminal import plain, show

    show(plain(counted(records_of(folder_of(run), select))), format)


@app.command()
def figures(
    run: Run,
    only: Annotated[str | None, typer.Option(help="One figure, by name.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to; the run's figures/, if left.")
    ] = None,
    select: Select = None,
    epoch: Epoch = None,
) -> None:
    """Draw all figures of a run from its records, PNG and SVG, each with its table.

    Example: `python run_bench.py figures quick --only success`
    """
    from results.outputs import write_figures

    folder = folder_of(run)
    planned = about_of(folder).get("trials")
    try:
        paths = write_figures(
            records_of(folder, select, epoch), out or folder / "figures", planned, only
        )
    except ValueError as error:
        raise BenchError(str(error)) from error
    for path in paths:
        print(path)
