"""What theory promises."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.cli.shared import (
    Data,
    Format,
    Plugins,
    Run,
    app,
    folder_of,
    notes,
    own_records,
    plug,
)


@app.command()
def bounds(
    run: Run,
    out: Annotated[
        Path | None, typer.Option(help="A folder for figures of promises and of strategies.")
    ] = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """What theory promises beside what was measured: broken promises, and slack.

    Only "exact" is a guarantee, and only against a firm that is optimal; the other bounds are
    estimates from what firm and members have.

    Example: `python run_bench.py bounds quick`
    """
    from results.report.outputs import write_bounds
    from results.report.terminal import plain, show
    from results.stats.bound_slack import promised, violations

    plug(plugin)
    records = own_records(folder_of(run))
    table = promised(records)
    show(plain(violations(table)), format)
    for path in write_bounds(records, table, out) if out else ():
        notes.print(f"wrote {path}")


@app.command()
def plan(
    dataset: Annotated[str, typer.Option(help="The dataset whose people are asked.")],
    strategy: Annotated[str, typer.Option(help="What they will do.")] = "FeatureLabel",
    target_success: Annotated[
        float, typer.Option(min=0, max=1, help="The success that they want.")
    ] = 0.9,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.9999, help="How sure they want to be.")
    ] = 0.95,
    error: Annotated[
        float, typer.Option(min=0, max=0.99, help="By how much the firm may miss the best.")
    ] = 0.0,
    near: Annotated[
        Literal["tv", "contamination"], typer.Option(help="What that error means.")
    ] = "tv",
    test: Annotated[
        int, typer.Option(min=1, help="The number of people success is measured on.")
    ] = 100_000,
    root: Data = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """How many members are enough, by the bound, before anyone acts.

    Example: `python run_bench.py plan --dataset "Cars(n=200000)" --strategy FeatureLabel`
    """
    import pandas as pd

    from bench.spec.parsing import parse
    from bench.theory.sample_size import plan as planned
    from collectives.theory.finite_sample import Terms
    from results.report.terminal import show

    plug(plugin)
    data = parse(dataset, "datasets")
    made = parse(strategy, "strategies").with_defaults(data.signal, data.label)

    def terms(people: int) -> Terms:
        return Terms(people, test, 1 - confidence, error, near)

    row = {"strategy": repr(made), **planned(data, made, target_success, terms)}
    if row["members"] is None and format is None:
        print(
            f"not even all are enough: of {row['people']} people, the best that any number of "
            f"members is promised is {row['promised']:.3f}"
        )
        return
    show(pd.DataFrame([row]), format)
