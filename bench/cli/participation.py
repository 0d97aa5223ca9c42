"""The command that says from which size on taking part in a collective pays."""

from typing import Annotated

import typer

from bench.cli.options import Format, Run, Value
from bench.cli.shared import app, folder_of, records_of
from bench.core.errors import BenchError


@app.command()
def participation(
    run: Run,
    price: Annotated[
        list[float] | None,
        typer.Option(
            min=0, max=1, help="Price of taking part, by the value of full success. Repeatable."
        ),
    ] = None,
    accuracy: Annotated[
        float,
        typer.Option(min=0, help="Value of a member's own accuracy; 0: it does not count."),
    ] = 1.0,
    shared: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of success that people get without taking part."),
    ] = 0.0,
    value: Value = "headline",
    format: Format = None,
) -> None:
    """Print the smallest sizes at which taking part pays, with 95 % intervals.

    Success above that at size 0, less the accuracy that members lose at their own person, is
    compared with the price. Records with own accuracy are those of the study participation.

    Example: `python run_bench.py participation study-participation --price 0.1 --shared 0.5`
    """
    import pandas as pd

    from results.report.terminal import plain, show
    from results.stats.participation import Terms
    from results.stats.participation import participation as found

    records = records_of(folder_of(run), value=value)
    try:
        tables = [found(records, Terms(one, accuracy, shared)) for one in price or [0.1, 0.5]]
    except ValueError as error:
        raise BenchError(f"{error}: --accuracy 0") from error
    table = pd.concat(tables, ignore_index=True)
    if format in ("csv", "json"):
        show(table, format)
        return
    short = table[["dataset", "strategy", "learner", "price"]]
    show(plain(short.assign(**{"pays from": table["text"], "seeds": table["seeds"]})), format)
