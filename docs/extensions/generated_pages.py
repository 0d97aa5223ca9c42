"""A Sphinx extension that writes the reference from the program: one page a component.

The pages follow from the registry, the modules, the grids, the table of fields and the command
line. They are written to ``docs/reference/generated`` when a build starts.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import typer
from typer.cli import get_docs_for_click
from typer.testing import CliRunner

import run_bench
from bench.cli.components import CITING
from bench.contract import source
from bench.core.errors import Missing
from bench.records.fields import markdown
from bench.spec import grid as grids
from bench.spec.registry import KINDS, REGISTRY

GENERATED = Path("reference") / "generated"
#: Where the command line takes a component of a kind.
OPTIONS = {"learners": "--learners", "strategies": "--strategies", "datasets": "--datasets"}
#: Packages whose public modules have a page, if they exist.
PACKAGES = ("collective_bench", "algorithms", "collectives", "bench", "results")
#: Sub-packages that are described elsewhere: the command line has its own page.
HIDDEN = ("bench.cli", "bench.grids")


def pages() -> dict[str, str]:
    """Return all generated pages: path below ``reference/generated`` -> text."""
    written = {"command_line.md": command_line(), "fields.md": fields_page()}
    written |= {"grids.md": grids_page(), "leaderboard.md": leaderboard_page()}
    for kind in KINDS:
        written[f"{kind}.rst"] = index_page(kind)
        for cls in REGISTRY.kinds[kind].values():
            written[f"{kind}/{cls.__name__}.rst"] = component_page(kind, cls)
    modules = python_pages()
    listed = [f"   python/{name}" for name in modules]
    written["python.rst"] = "\n".join([*_heading("Python modules"), *_toctree(listed)])
    return written | {f"python/{name}.rst": text for name, text in modules.items()}


def component_page(kind: str, cls: type) -> str:
    """Return the page of a component: its docstring and its use."""
    lines = [*_heading(cls.__name__), f".. autoclass:: {cls.__module__}.{cls.__name__}", ""]
    experimental = getattr(cls, "experimental", None)
    if experimental:
        lines += [".. admonition:: Experimental", "", f"   {experimental}", ""]
    lines += ["Use", "---", "", ".. code-block:: python", ""]
    lines += [f"   from {cls.__module__} import {cls.__name__}", ""]
    if kind in OPTIONS:
        lines += [f"On the command line: ``{OPTIONS[kind]} {cls.__name__}``.", ""]
    return "\n".join(lines)


def index_page(kind: str) -> str:
    """Return the page that lists the components of a kind with their summaries and papers."""
    rows, listed = [], []
    for name, cls in sorted(REGISTRY.kinds[kind].items()):
        summary = (inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " ")
        row = [f":doc:`{name} <{kind}/{name}>`", summary]
        if kind in CITING:
            title, year, link = source(cls)
            row.append(f"`{title} <{link}>`__" if year else title)
        rows.append(row)
        listed.append(f"   {kind}/{name}")
    columns = ["name", "summary", "paper"][: len(rows[0])]
    heading = _heading(f"{KINDS[kind][0].capitalize()}s" if kind != "strategies" else "Strategies")
    return "\n".join([*heading, *_table(columns, rows), *_toctree(listed, hidden=True)])


def python_pages() -> dict[str, str]:
    """Return a page for each package with public modules: dotted name -> text.

    Modules that hold nothing but components are left out, since each of these has its own page.
    """
    found: dict[str, list[str]] = {}
    for package in PACKAGES:
        if find_spec(package) is None:
            continue
        for module in _public_modules(importlib.import_module(package)):
            name = module.__name__
            where = name if hasattr(module, "__path__") else name.rpartition(".")[0]
            found.setdefault(where, []).append(name)
    return {name: _package_page(name, modules) for name, modules in sorted(found.items())}


def _package_page(package: str, modules: list[str]) -> str:
    lines = _heading(package)
    for name in modules:
        lines += [] if name == package else [name, "-" * len(name), ""]
        lines += [f".. automodule:: {name}", "   :members:"]
        if components := _components(name):
            lines.append(f"   :exclude-members: {', '.join(components)}")
        lines.append("")
    return "\n".join(lines)


def _components(name: str) -> list[str]:
    """Return the names of the registered components that a module defines."""
    return [c for c, cls in REGISTRY.names.items() if cls.__module__ == name]


def _public_modules(package: ModuleType) -> Iterator[ModuleType]:
    """Yield the public modules of a package that define a public name besides components."""
    names = [package.__name__]
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        names.append(info.name)
    for name in names:
        private = any(part.startswith("_") for part in name.split("."))
        if private or name.startswith(HIDDEN):
            continue
        module = importlib.import_module(name)
        components = _components(name)
        public = [
            n
            for n, value in vars(module).items()
            if not n.startswith("_")
            and n not in components
            and (inspect.isclass(value) or inspect.isfunction(value))
            and value.__module__ == name
        ]
        if public:
            yield module


def grids_page() -> str:
    """Return the page of all shipped grids: number of trials and file."""
    lines = ["# Grids", "", "A grid is a TOML file. `run NAME` runs a shipped grid, and", ""]
    lines[2] += " `run FILE.toml` runs a file of the same form."
    for name, path in grids.shipped().items():
        text = Path(str(path)).read_text(encoding="utf-8").strip()
        lines += [f"## {name}", "", _trials(name), "", "```toml", text, "```", ""]
    return "\n".join(lines)


def _trials(name: str) -> str:
    """Return a sentence on the number of trials of a grid."""
    try:
        return f"{grids.load(name).count():,} trials."
    except Missing:
        # Sizes in people are shares only when the number of rows is known.
        return f"`run {name} --dry-run` prints the number of trials, which depends on the data."


def leaderboard_page() -> str:
    """Return the page of critical masses of all learners, from the published records."""
    printed = CliRunner().invoke(run_bench.app, ["leaderboard", "--format", "md"])
    if printed.exit_code:
        raise RuntimeError(f"the command leaderboard failed: {printed.output}")
    return f"# Leaderboard\n\nPrinted by `python run_bench.py leaderboard`.\n\n{printed.stdout}"


def fields_page() -> str:
    """Return the table of the fields of a record."""
    return f"# Table of fields\n\n{markdown()}"


def command_line() -> str:
    """Return the page of all commands and options."""
    command = typer.main.get_command(run_bench.app)
    context = typer.Context(command, info_name="run_bench.py")
    text = get_docs_for_click(obj=command, ctx=context, name="python run_bench.py")
    for name, sub in command.commands.items():
        summary = (sub.help or "").split("\n\n")[0].replace("\n", " ")
        text = text.replace(
            f"* `{name}`: {sub.get_short_help_str()}\n", f"* `{name}`: {summary}\n"
        )
    return text.replace("# `python run_bench.py`", "# Command line", 1)


def _heading(title: str) -> list[str]:
    return [title, "=" * len(title), ""]


def _table(columns: list[str], rows: list[list[str]]) -> list[str]:
    """Return a list-table with a header."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [columns, *rows]:
        lines += [f"   {'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(row)]
    return [*lines, ""]


def _toctree(entries: list[str], hidden: bool = False) -> list[str]:
    options = ["   :hidden:"] if hidden else []
    return [".. toctree::", "   :maxdepth: 1", *options, "", *entries, ""]


def write(docs: Path) -> None:
    """Write all generated pages below a documentation folder.

    A page whose text has not changed keeps its file, so that a second build skips it.
    """
    folder = docs / GENERATED
    texts = {folder / name: text for name, text in pages().items()}
    for path in folder.rglob("*.*"):
        if path not in texts:
            path.unlink()
    for path, text in texts.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Write the pages when a build starts, before tutorials register their own components."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir)), priority=100)
    return {"parallel_read_safe": True}
