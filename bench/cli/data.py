"""Commands for data that do not ship: which files exist, their columns, and downloads."""

from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from algorithms.runtime.paths import Absent
from bench.cli.options import Data, Format, Plugins
from bench.cli.shared import app, notes
from bench.core.errors import BenchError

group = typer.Typer(no_args_is_help=True, help="List available data, and download more.")
app.add_typer(group, name="data")


@group.command("list")
def list_(data: Data = None, plugin: Plugins = None, format: Format = None) -> None:
    """List all datasets: whether they need files, and whether the data root has them.

    Example: `python run_bench.py data list`
    """
    import pandas as pd

    from bench.datasets.base import Dataset
    from bench.datasets.io.data_root import root
    from bench.spec.registry import REGISTRY
    from results.report.terminal import show

    rows = []
    for name, cls in sorted(REGISTRY.kinds["datasets"].items()):
        dataset: Dataset = cls()
        try:
            files = dataset.files()
            state = "at hand" if files else "needs none"
            places = sorted({str(path.relative_to(root())) for path in files})
        except Absent:
            state, places = "missing", []
        known = "yes" if dataset.openml or dataset.download else ""
        rows.append({"name": name, "files": state, "download": known, "where": _places(places)})
    show(pd.DataFrame(rows), format)
    notes.print(f"the data root is {root()}", soft_wrap=True)


def _places(files: list[str], most: int = 4) -> str:
    """Return the places of the first files, and the number of the others."""
    more = f" and {len(files) - most} more" if len(files) > most else ""
    return ", ".join(files[:most]) + more


@group.command()
def get(
    name: Annotated[str, typer.Argument(help="A dataset that can be downloaded.")],
    data: Data = None,
    plugin: Plugins = None,
) -> None:
    """Download a dataset into the data root, and check its SHA-256.

    A digest that is not known beforehand is noted, and expected from then on.

    Example: `python run_bench.py data get MNIST`
    """
    from bench.datasets.base import Dataset
    from bench.datasets.io import download, fetch
    from bench.spec.parsing import parse

    dataset: Dataset = parse(name, "datasets")
    source, direct = dataset.openml, dataset.download
    if source is None and direct is None:
        try:
            files = dataset.files()
        except Absent as missing:
            raise BenchError(f"{name} is not fetched by this command. {missing}") from None
        state = "its files are in the data root" if files else "it has no files"
        raise BenchError(f"{name} needs no fetching: {state}")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(30),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notes, refresh_per_second=4) as progress:
        # OpenML does not say how much will come: the bar pulses.
        task = progress.add_task(name, total=None)

        def watch(size: int) -> None:
            progress.update(task, completed=size)

        if source is not None:
            fetched = fetch.get(source, watch)
        else:
            assert direct is not None
            fetched = download.download(direct, watch)
    first = "as expected" if fetched.verified else "noted, and expected from now on"
    notes.print(f"wrote {fetched.path}; its SHA-256 is {fetched.sha256}, {first}")


@group.command()
def columns(
    name: Annotated[str, typer.Argument(help="Spec of a table, e.g. Adult.")],
    data: Data = None,
    format: Format = None,
) -> None:
    """Print the columns of an encoded table, for signals and for a network's blocks.

    Example: `python run_bench.py data columns Adult`
    """
    import pandas as pd

    from bench.datasets.base import Dataset
    from bench.spec.parsing import parse
    from results.report.terminal import show

    dataset: Dataset = parse(name, "datasets")
    schema = getattr(dataset, "schema", None)
    if schema is None:
        raise BenchError(f"{name} is not a table with named columns")
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
