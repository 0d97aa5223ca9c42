"""The command that draws decision regions in a plane at several sizes of the collective."""

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import SHARES, Data, Format, Plugins, Width, parse_numbers
from bench.cli.shared import app, notes, progress_bar
from bench.core.errors import BenchError


@app.command()
def regions(
    dataset: Annotated[
        str, typer.Option(help="Dataset whose points are rows of numbers.")
    ] = "Planar",
    learners: Annotated[
        list[str] | None,
        typer.Option(
            help="Learners, separated by commas (default: ERM,KNN,RandomForest,Generative)."
        ),
    ] = None,
    strategy: Annotated[str, typer.Option(help="Strategy of the members.")] = "FeatureLabel",
    sizes: Annotated[
        str,
        typer.Option(
            help="Sizes of the collective as shares of the training set, separated by commas."
        ),
    ] = "0,0.01,0.05,0.2",
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
    columns: Annotated[
        str, typer.Option(help="Two columns of the data that span the plane, counted from 0.")
    ] = "0,1",
    nodes: Annotated[int, typer.Option(min=2, max=400, help="Grid nodes on each side.")] = 100,
    width: Width = "two",
    out: Annotated[Path, typer.Option(help="Folder for figures and tables.")] = Path(
        "runs/regions"
    ),
    data: Data = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Draw decision regions, and the densities that generative learners estimate, in a plane.

    The trials are the same as in a grid with these settings; they are run again for the figure.

    Example: `python run_bench.py regions --dataset "Planar(shape='2spirals')" --sizes 0,.05,.2`
    """
    from bench.diagnostics.decision_regions import look
    from bench.spec.grid import Grid, Part
    from bench.spec.parsing import split_specs
    from results.plots.decision_regions import plot_learnt, plot_regions
    from results.plots.style import columns as wide
    from results.plots.style import save
    from results.report.tables import render
    from results.report.terminal import show

    specs = tuple(split_specs(learners) or ["ERM", "KNN", "RandomForest", "Generative"])
    shares = sorted(set(parse_numbers("--sizes", sizes, SHARES)))
    pair = sorted(set(parse_numbers("--columns", columns, "two columns")))
    if not all(0 <= share <= 1 for share in shares):
        raise BenchError(f"--sizes {sizes} are not all between 0 and 1")
    if len(pair) != 2 or any(number != int(number) for number in pair):
        raise BenchError(f"--columns {columns} are not two numbers of columns")
    part = Part((dataset,), specs, (strategy,), tuple(shares), seed + 1)
    trials = [t for t in Grid("regions", (part,)).trials() if t.seed == seed and t.size in shares]
    with progress_bar(len(trials), "trials") as advance:
        plane = int(pair[0]), int(pair[1])
        outcomes, predictions, people = look(trials, plane, nodes, watch=advance)
    with wide(width):
        figures = {"regions": plot_regions(outcomes, predictions, people)}
        if predictions["log_density"].notna().any():
            figures["densities"] = plot_learnt(predictions)
    out.mkdir(parents=True, exist_ok=True)
    tables = {"regions": predictions, "people": people, "outcomes": outcomes}
    paths = [path for name, figure in figures.items() for path in save(figure, out / name)]
    for name, table in tables.items():
        paths.append(out / f"{name}.csv")
        paths[-1].write_text(render(table, "csv"), encoding="utf-8")
    show(outcomes, format)
    notes.print(f"wrote {', '.join(map(str, paths))}", soft_wrap=True)
