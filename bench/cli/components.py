"""Commands that list components, and check them against the contract."""

import inspect
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bench.cli.options import Data, Format, Plugins
from bench.cli.shared import app
from bench.core.code_cache import cached_by_code
from bench.core.errors import unknown

#: Kinds whose classes cite a paper.
CITING = ("learners", "strategies", "densities", "image_densities", "scores")
#: Columns of a component, in the order in which they are listed.
COLUMNS = ("name", "year", "paper", "link", "experimental", "fields")


@app.command("list")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(help="Kind of the components, or grids. Without it, kinds are listed."),
    ] = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """List components with their papers and defaults, or grids with their numbers of trials.

    Example: `python run_bench.py list learners`
    """
    catalogue = cached_by_code("components", _catalogue)
    if kind is None:
        rows = [{"kind": name, "number": len(all_)} for name, all_ in catalogue.items()]
    elif kind not in catalogue:
        raise unknown("kind", kind, catalogue)
    elif kind == "grids":
        rows = _grids()
    else:
        rows = [_linked(row) for row in catalogue[kind]] if format == "md" else catalogue[kind]
    _print_rows(rows, format)


def _grids() -> list[dict[str, Any]]:
    """Return a row for each shipped grid."""
    from bench.core.errors import Missing
    from bench.spec import grid as grids

    rows: list[dict[str, Any]] = []
    for name, path in grids.shipped().items():
        try:
            trials: int | str = grids.load(name).count()
        except Missing:
            # Sizes in people are shares only when the number of rows is known.
            trials = "needs data"
        rows.append({"name": name, "trials": trials, "file": str(path)})
    return rows


def _catalogue() -> dict[str, list[dict[str, Any]]]:
    """Return a row for each component of each kind, and the names of the grids."""
    from bench.spec.grid import shipped
    from bench.spec.registry import REGISTRY

    rows = {kind: _rows(kind) for kind in REGISTRY.kinds}
    return rows | {"grids": [{"name": name} for name in shipped()]}


def _rows(kind: str) -> list[dict[str, Any]]:
    """Return a row for each component of a kind."""
    from algorithms.base import Learner
    from bench.contract import source
    from bench.spec.registry import REGISTRY

    rows = []
    for name, cls in sorted(REGISTRY.kinds[kind].items()):
        row = {"name": name}
        if kind in CITING:
            row["paper"], row["year"], row["link"] = source(cls)
        if issubclass(cls, Learner):
            row["experimental"] = cls.experimental or ""
        row["fields"] = _fields(cls)
        rows.append({column: row[column] for column in COLUMNS if column in row})
    return rows


def _linked(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a component with a link in Markdown, without its fields."""
    if "link" not in row:
        return row
    linked = row | {"paper": f"[{row['paper']}]({row['link']})"}
    return {name: value for name, value in linked.items() if name not in ("link", "fields")}


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
    _print_rows(rows, format)
    if any(row["verdict"] == "failed" for row in rows):
        raise typer.Exit(1)


def _print_rows(rows: list[dict[str, Any]], format: str | None) -> None:
    """Print a table; without a format, wrapped to the terminal with failed checks in red."""
    if format is not None:
        import pandas as pd

        from results.report.terminal import show

        show(pd.DataFrame(rows), format)
        return
    view = Table(box=None, pad_edge=False)
    columns = [name for name in (rows[0] if rows else ()) if name != "link"]
    for column in columns:
        view.add_column(column, overflow="fold")
    for row in rows:
        style = {"failed": "red", "warning": "yellow"}.get(str(row.get("verdict")))
        view.add_row(*[str(row[name]).replace("[", r"\[") for name in columns], style=style)
    Console(highlight=False).print(view)
