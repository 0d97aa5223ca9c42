"""The command that says what learners do to collectives."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import Format, Level, StrategyClass, Value
from bench.cli.publish import of_strategy, read_records, unsuited
from bench.cli.shared import app, notes, valued
from bench.core.errors import BenchError


@app.command()
def effects(
    what: Annotated[
        str, typer.Argument(help="A grid with published records, a .parquet file, or a run.")
    ] = "benchmark",
    strategy: StrategyClass = "FeatureLabel",
    level: Level = 0.5,
    value: Value = "headline",
    out: Annotated[
        Path | None, typer.Option(help="Folder for the effects as a figure and a table.")
    ] = None,
    format: Format = None,
) -> None:
    """Print each learner's mean gain in success over ERM, with its interval over datasets.

    Small, middle and large collectives are a quarter of ERM's critical mass on the dataset, that
    mass, and four times of it. Learners count on datasets on which they are as accurate as ERM.

    Example: `python run_bench.py effects benchmark --strategy Erase`
    """
    from results.plots.effects import plot_effects
    from results.plots.learner_styles import among
    from results.plots.style import save
    from results.report.effects import read as readable
    from results.report.tables import render
    from results.report.terminal import show
    from results.stats.effects import effects as found

    records, _ = read_records(what)
    records = valued(of_strategy(records, strategy), value)
    table = found(records, level, unsuited(records))
    if not len(table):
        raise BenchError(
            f"{what} has no task with {strategy} on which ERM and another learner were run and "
            f"ERM reaches {level}"
        )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        with among(records["learner"].unique()):
            paths = [out / "effects.csv", *save(plot_effects(table), out / "effects")]
        paths[0].write_text(render(table, "csv"), encoding="utf-8")
        notes.print(f"wrote {', '.join(map(str, paths))}")
    if format in ("csv", "json"):
        show(table.drop(columns="strategy"), format)
        return
    print(
        f"{strategy}: gains in success over ERM, means over datasets, 95 % intervals. Wins and "
        f"losses are by sign flips over datasets, corrected for all learners and sizes; the whole "
        f"interval of a tie is within .05.\n"
    )
    show(readable(table), format)
