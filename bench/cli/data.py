"""Data that do not ship: what of them is at hand, what their columns are, and how to get them."""

from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from bench.cli.shared import Data, Format, Plugins, app, notes, plug
from bench.core.errors import BenchError, Missing

group = typer.Typer(no_args_is_help=True, help="See what data are at hand, and get more.")
app.add_typer(group, name="data")


@group.command("list")
def list_(data: Data = None, plugin: Plugins = None, format: Format = None) -> None:
    """All datasets: whether they need files, and whether these are in the data root.

    Example: `python run_bench.py data list`
    """
    import pandas as pd

    from bench.datasets.base import Dataset
    from bench.datasets.io.data_root import root
    from bench.spec.registry import REGISTRY
    from results.report.terminal import show

    plug(plugin)
    rows = []
    for name, cls in sorted(REGISTRY.kinds["datasets"].items()):
        dataset: Dataset = cls()
        try:
            files = dataset.files()
            state = "at hand" if files else "needs none"
            lie = sorted({str(path.relative_to(root())) for path in files})
        except Missing:
            state, lie = "missing", []
        known = "" if dataset.openml is None else "yes"
        rows.append({"name": name, "files": state, "openml": known, "where": _places(lie)})
    show(pd.DataFrame(rows), format)
    notes.print(f"the data root is {root()}", soft_wrap=True)


def _places(files: list[str], most: int = 4) -> str:
    """Where files lie; of many the first, and how many there are."""
    more = f" and {len(files) - most} more" if len(files) > most else ""
    return ", ".join(files[:most]) + more


@group.command()
def get(
    name: Annotated[str, typer.Argument(help="A dataset that OpenML has.")],
    data: Data = None,
    plugin: Plugins = None,
) -> None:
    """Fetch a dataset from OpenML into the data root, and check its SHA-256.

    Example: `python run_bench.py data get MNIST`
    """
    from bench.datasets.base import Dataset
    from bench.datasets.io import fetch
    from bench.spec.parsing import parse

    plug(plugin)
    dataset: Dataset = parse(name, "datasets")
    source = dataset.openml
    if source is None:
        try:
            there = dataset.files()
        except Missing as missing:
            raise BenchError(f"{name} is not fetched by this command. {missing}") from None
        raise BenchError(f"{name} needs no fetching: {'it is there' if there else 'no files'}")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(30),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notes, refresh_per_second=4) as progress:
        # OpenML does not say how much will come: the bar pulses.
        task = progress.add_task(name, total=None)
        got = fetch.get(source, lambda size: progress.update(task, completed=size))
    first = "as expected" if got.known else "noted, and expected from now on"
    notes.print(f"wrote {got.path}; the SHA-256 of its contents is {got.sha256}, {first}")


@group.command()
def columns(
    name: Annotated[str, typer.Argument(help="A table's spec, e.g. Adult.")],
    data: Data = None,
    format: Format = None,
) -> None:
    """The columns of a table once it is encoded: a signal's mark and a network's blocks.

    Example: `python run_bench.py data columns Adult`
    """
    import pandas as pd

    from bench.datasets.base import Dataset
    from bench.spec.parsing import parse
    from results.report.terminal import show

    dataset: Dataset = parse(name, "datasets")
    schema = getattr(dataset, "schema", None)
    if schema is None:
        raise BenchError(f"{name} is no table with named columns")
    rows = [
        {"feature": n, "start": j, "width": 1, "values": f"a number, e.g. {n}+2"}
        for j, n in enumerate(schema.numbers)
    ]
    for feature, values in schema.categories:
        start, width = schema.blocks[feature]
        rows.append(
            {"feature": feature, "start": start, "width": width, "values": ", ".join(values)}
        )
    show(pd.DataFrame(rows), format)
    for line in dataset.description():
        notes.print(line, markup=False, soft_wrap=True)
    blocks = ", ".join(str(block) for block in schema.blocks.values())
    notes.print(f"EmbeddedMLP(blocks=({blocks},))", soft_wrap=True)
