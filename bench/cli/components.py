"""See what there is, and whether it keeps the contract."""

import inspect
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from bench.cli.shared import (
    Data,
    Format,
    Plugins,
    app,
    plug,
)


@app.command("list")
def list_(
    kind: Annotated[
        Literal[
            "learners",
            "strategies",
            "signals",
            "datasets",
            "networks",
            "densities",
            "generators",
            "grids",
        ],
        typer.Argument(help="What to list."),
    ],
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """List what there is, with sources and defaults.

    Example: `python run_bench.py list learners`
    """
    import pandas as pd

    from bench.contract import source
    from bench.spec import grid as grids
    from bench.spec.registry import REGISTRY

    plug(plugin)
    if kind == "grids":
        rows: list[dict[str, Any]] = [
            {"name": name, "trials": grids.load(name).count(), "file": str(path)}
            for name, path in grids.shipped().items()
        ]
    else:
        rows = []
        for name, cls in sorted(REGISTRY.kinds[kind].items()):
            title, year, link = source(cls)
            paper = {"name": name, "year": year, "paper": title, "link": link}
            defaults = [
                f"{p.name}={p.default!r}"
                for p in inspect.signature(cls).parameters.values()
                if p.default is not p.empty
            ]
            signature = inspect.signature(cls).parameters.values()
            defaults += [f"**{p.name}" for p in signature if p.kind is p.VAR_KEYWORD]
            if format == "md":
                # For a page: the title is the link, and the class says its fields itself.
                rows.append({"name": name, "year": year, "paper": f"[{title}]({link})"})
                continue
            cites = kind in ("learners", "strategies", "densities")
            row = paper if cites else {"name": name}
            rows.append(row | {"fields": ", ".join(defaults)})
    table = pd.DataFrame(rows)
    if format is None:
        view = Table(box=None, pad_edge=False)
        for column in table.columns.drop("link", errors="ignore"):
            view.add_column(column, overflow="fold")
        for _, line in table.drop(columns="link", errors="ignore").iterrows():
            view.add_row(*[str(v).replace("[", r"\[") for v in line])
        Console(highlight=False).print(view)
    else:
        from results.report.terminal import show

        show(table, format)


@app.command()
def check(
    component: Annotated[str, typer.Argument(help="A spec, or a Python file.")],
    data: Data = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Run the contract on a learner, strategy, signal or dataset; each check with its verdict.

    Example: `python run_bench.py check my_learner.py`
    """
    import pandas as pd

    from bench.contract import verdicts
    from bench.spec.parsing import parse_any
    from bench.spec.registry import REGISTRY

    plug(plugin)
    if component.endswith(".py"):
        components = [cls() for cls in REGISTRY.load(component)]
    else:
        components = [parse_any(component)]
    rows = [
        {
            "component": type(c).__name__,
            "check": v.check,
            "verdict": "failed" if v.reason else "ok",
            "says": v.reason or v.says,
        }
        for c in components
        for v in verdicts(c)
    ]
    table = pd.DataFrame(rows)
    if format is None:
        view = Table(box=None, pad_edge=False)
        for column in table.columns:
            view.add_column(column, overflow="fold")
        for row in rows:
            style = "red" if row["verdict"] == "failed" else None
            view.add_row(*[text.replace("[", r"\[") for text in row.values()], style=style)
        Console(highlight=False).print(view)
    else:
        from results.report.terminal import show

        show(table, format)
    if any(row["verdict"] == "failed" for row in rows):
        raise typer.Exit(1)
