"""The command that compares learners with ERM's frontier over its own settings."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import Format, Level, StrategyClass, Value
from bench.cli.publish import of_strategy, read_settings
from bench.cli.shared import app, notes, valued
from bench.core.errors import BenchError

#: Settings that lose more accuracy are not drawn.
DRAWN = 0.1


@app.command()
def frontier(
    what: Annotated[
        str,
        typer.Argument(
            help="A grid with published records, a .parquet file, or a run. Settings are those "
            "that were tried in tuning, or those of the records if learners were not tuned."
        ),
    ] = "benchmark",
    strategy: StrategyClass = "FeatureLabel",
    level: Level = 0.5,
    value: Value = "headline",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the figure of all settings, their table, and this table."),
    ] = None,
    format: Format = None,
) -> None:
    """Print how far each learner is above the frontier of ERM's own settings, over datasets.

    Longer training and another optimiser change success too. The frontier is the largest gain of
    ERM's settings that lose no more accuracy. Settings that lose more than .03 do not count.

    Example: `python run_bench.py frontier benchmark --out frontier`
    """
    from results.plots.frontier import plot_frontier
    from results.plots.style import save
    from results.report.frontier import read as readable
    from results.report.tables import render
    from results.report.terminal import show
    from results.stats.frontier import frontier as found
    from results.stats.frontier import over_datasets

    settings = found(valued(of_strategy(read_settings(what), strategy), value), level)
    table = over_datasets(settings)
    if not len(table):
        raise BenchError(
            f"{what} has no task with settings of ERM and of another learner that is as accurate: "
            "run the grid with --tune"
        )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        paths = [out / "settings.csv", out / "frontier.csv"]
        for path, rows in zip(paths, (settings, table), strict=True):
            path.write_text(render(rows, "csv"), encoding="utf-8")
        drawn = settings[settings["loss"] <= DRAWN]
        paths += save(plot_frontier(drawn), out / "frontier")
        notes.print(f"wrote {', '.join(map(str, paths))}")
    if format in ("csv", "json"):
        show(table.drop(columns="strategy"), format)
        return
    print(
        f"{strategy}: success above the frontier of ERM's settings, means over datasets, 95 % "
        f"intervals. Wins and losses are by sign flips over datasets, corrected for all learners; "
        f"the whole interval of a tie is within .05.\n"
    )
    show(readable(table), format)
