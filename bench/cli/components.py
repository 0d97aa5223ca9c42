"""Commands that list components, and check them against the contract."""

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from bench.cli.options import Data, Format, Plugins
from bench.cli.shared import app

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal[
    "learners",
    "strategies",
    "signals",
    "datasets",
    "networks",
    "densities",
    "generators",
    "grids",
]
#: Kinds whose classes cite a paper.
CITING = ("learners", "strategies", "densities")


@app.command("list")
def list_(
    kind: Annotated[Kind, typer.Argument(help="Kind of the components.")],
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """List components with their papers and defaults, or grids with their numbers of trials.

    Example: `python run_bench.py list learners`
    """
    import pandas as pd

    rows = _grids() if kind == "grids" else _components(kind, short=format == "md")
    _print_table(pd.DataFrame(rows), format)


def _grids() -> list[dict[str, Any]]:
    """Return a row for each shipped grid."""
    from bench.spec import grid as grids

    return [
        {"name": name, "trials": grids.load(name).count(), "file": str(path)}
        for name, path in grids.shipped().items()
    ]


def _components(kind: str, short: bool) -> list[dict[str, Any]]:
    """Return a row for each component of a kind.

    Arguments:
        kind: Kind of component.
        short: Whether the paper is a Markdown link, and the defaults are left out.
    """
    from algorithms.base import Learner
    from bench.contract import source
    from bench.spec.registry import REGISTRY

    rows = []
    for name, cls in sorted(REGISTRY.kinds[kind].items()):
        row: dict[str, Any] = {"name": name}
        if kind in CITING:
            title, year, link = source(cls)
            paper = {"paper": f"[{title}]({link})"} if short else {"paper": title, "link": link}
            row |= {"year": year} | paper
        if issubclass(cls, Learner):
            row["experimental"] = cls.experimental or ""
        rows.append(row if short and kind in CITING else row | {"fields": _fields(cls)})
    return rows


def _fields(cls: type) -> str:
    """Return the fields of a class with their defaults."""
    parameters = inspect.signature(cls).parameters.values()
    named = [f"{p.name}={p.default!r}" for p in parameters if p.default is not p.empty]
    return ", ".join(named + [f"**{p.name}" for p in parameters if p.kind is p.VAR_KEYWORD])


@app.command()
def check(
    component: Annotated[str, typer.Argument(help="A spec, or a Python file.")],
    data: Data = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Run the contract checks on a learner, strategy, signal or dataset, and print each verdict.

    Example: `python run_bench.py check my_learner.py`
    """
    import pandas as pd

    from bench.contract import verdicts
    from bench.spec.parsing import parse_any
    from bench.spec.registry import REGISTRY

    if component.endswith(".py"):
        components = [cls() for cls in REGISTRY.load(component)]
    else:
        components = [parse_any(component)]
    rows = [
        {
            "component": type(c).__name__,
            "check": v.check,
            "verdict": "failed" if v.reason else "warning" if v.warning else "ok",
            "says": v.reason or v.warning or v.says,
        }
        for c in components
        for v in verdicts(c)
    ]
    _print_table(pd.DataFrame(rows), format)
    if any(row["verdict"] == "failed" for row in rows):
        raise typer.Exit(1)


def _print_table(table: "pd.DataFrame", format: str | None) -> None:
    """Print a table; without a format, wrapped to the terminal with failed checks in red."""
    if format is not None:
        from results.report.terminal import show

        show(table, format)
        return
    table = table.drop(columns="link", errors="ignore")
    view = Table(box=None, pad_edge=False)
    for column in table.columns:
        view.add_column(column, overflow="fold")
    for _, line in table.iterrows():
        style = {"failed": "red", "warning": "yellow"}.get(str(line.get("verdict")))
        view.add_row(*[str(value).replace("[", r"\[") for value in line], style=style)
    Console(highlight=False).print(view)
