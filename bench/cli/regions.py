"""What classifiers look like in a plane, at a few sizes of the collective."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli.shared import SHARES, Axis, Data, Format, Plugins, app, notes, numbers, plug
from bench.core.errors import BenchError


@app.command()
def regions(
    dataset: Annotated[str, typer.Option(help="The dataset, with points in columns.")] = "Planar",
    learners: Axis = None,
    strategy: Annotated[str, typer.Option(help="What members do.")] = "FeatureLabel",
    sizes: Annotated[str, typer.Option(help="Sizes, by commas.")] = "0,0.01,0.05,0.2",
    seed: Annotated[int, typer.Option(min=0, help="The seed.")] = 0,
    columns: Annotated[str, typer.Option(help="The two columns of the plane, from 0.")] = "0,1",
    nodes: Annotated[int, typer.Option(min=2, max=400, help="Nodes on each side.")] = 100,
    width: Annotated[
        Literal["one", "two"], typer.Option(help="Columns of a page that figures are wide.")
    ] = "two",
    out: Annotated[Path, typer.Option(help="The folder for figures and tables.")] = Path(
        "runs/regions"
    ),
    data: Data = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Draw decision regions, and the densities that generative learners learn, in a plane.

    The trials are run again, as they would be in a grid: they are those of their records.

    Example: `python run_bench.py regions --dataset "Planar(shape='2spirals')" --sizes 0,.05,.2`
    """
    from bench.diagnostics.decision_regions import look
    from bench.spec.grid import Grid, Part
    from bench.spec.parsing import pieces
    from results.plots.decision_regions import plot_learnt, plot_regions
    from results.plots.style import columns as wide
    from results.plots.style import save
    from results.report.tables import render
    from results.report.terminal import show

    plug(plugin)
    firms = tuple(pieces(learners) or ["ERM", "KNN", "RandomForest", "Generative"])
    shares = sorted(set(numbers("--sizes", sizes, SHARES)))
    pair = sorted(set(numbers("--columns", columns, "two columns")))
    if not all(0 <= share <= 1 for share in shares):
        raise BenchError(f"--sizes {sizes} are not all between 0 and 1")
    if len(pair) != 2 or any(number != int(number) for number in pair):
        raise BenchError(f"--columns {columns} are not two numbers of columns")
    part = Part((dataset,), firms, (strategy,), tuple(shares), seed + 1)
    trials = [t for t in Grid("regions", (part,)).trials() if t.seed == seed and t.size in shares]
    outcomes, asked, people = look(trials, (int(pair[0]), int(pair[1])), nodes)
    with wide(width):
        figures = {"regions": plot_regions(outcomes, asked, people)}
        if asked["log_density"].notna().any():
            figures["densities"] = plot_learnt(asked)
    out.mkdir(parents=True, exist_ok=True)
    tables = {"regions": asked, "people": people, "outcomes": outcomes}
    paths = [path for name, figure in figures.items() for path in save(figure, out / name)]
    for name, table in tables.items():
        paths.append(out / f"{name}.csv")
        paths[-1].write_text(render(table, "csv"))
    show(outcomes, format)
    notes.print(f"wrote {', '.join(map(str, paths))}", soft_wrap=True)
