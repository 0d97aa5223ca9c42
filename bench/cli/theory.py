"""Commands that compare theory with records, and plan the size of a collective."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli.options import Data, Format, Plugins, Run
from bench.cli.shared import app, folder_of, grid_records, notes


@app.command()
def bounds(
    run: Run,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the figures of bounds and of strategies.")
    ] = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Compare theoretical bounds with measured success: violations and slack.

    Only the bound "exact" is a guarantee, and only for an optimal firm. The other bounds are
    estimates from data of the firm and of the members.

    Example: `python run_bench.py bounds quick`
    """
    from results.report.outputs import write_bounds
    from results.report.terminal import plain, show
    from results.stats.bound_slack import promised, violations

    records = grid_records(folder_of(run))
    table = promised(records)
    show(plain(violations(table)), format)
    for path in write_bounds(records, table, out) if out else ():
        notes.print(f"wrote {path}")


@app.command()
def plan(
    dataset: Annotated[str, typer.Option(help="Dataset from whose population the members come.")],
    strategy: Annotated[str, typer.Option(help="Strategy of the members.")] = "FeatureLabel",
    target_success: Annotated[float, typer.Option(min=0, max=1, help="Success to reach.")] = 0.9,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.9999, help="Confidence of the bound.")
    ] = 0.95,
    error: Annotated[
        float, typer.Option(min=0, max=0.99, help="Suboptimality of the firm's classifier.")
    ] = 0.0,
    near: Annotated[
        Literal["tv", "contamination"], typer.Option(help="Meaning of --error.")
    ] = "tv",
    test: Annotated[
        int, typer.Option(min=1, help="Number of people on whom success is measured.")
    ] = 100_000,
    root: Data = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Print how many members suffice by the bound, from the data before the collective acts.

    Example: `python run_bench.py plan --dataset "Cars(n=200000)" --strategy FeatureLabel`
    """
    import pandas as pd

    from bench.spec.parsing import parse
    from bench.theory.sample_size import plan as planned
    from collectives.theory.finite_sample import Terms
    from results.report.terminal import show

    data = parse(dataset, "datasets")
    made = parse(strategy, "strategies").with_defaults(data.signal, data.label)

    def terms(people: int) -> Terms:
        return Terms(people, test, 1 - confidence, error, near)

    row = {"strategy": repr(made), **planned(data, made, target_success, terms)}
    if row["members"] is None and format is None:
        print(
            f"no number of members suffices: with {row['people']} people, the largest lower bound "
            f"over all numbers of members is {row['promised']:.3f}"
        )
        return
    show(pd.DataFrame([row]), format)
