"""Versions of the code that made a record.

A version is a hash of syntax trees, so that comments and layout do not change it. The code is
that of the project and, for a component from elsewhere, that of its plugin: the modules in the
folder of the plugin's file, or those of the package that defines the component. Other libraries
are part of the environment (:mod:`bench.core.environment`).
"""

import ast
import dataclasses
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from algorithms.base import Learner
from algorithms.runtime.paths import Absent, digest
from bench.core.identity_cache import IdentityCache
from bench.datasets.base import Dataset
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.records.interactive_code import code_of, is_interactive

OURS = ("algorithms", "bench", "collectives")
#: The folder of these packages.
PROJECT = Path(__file__).resolve().parents[2]
#: The folders of installed libraries.
INSTALLED = {"site-packages", "dist-packages"}


class _Module(NamedTuple):
    """A module whose code counts.

    Arguments:
        name: Its name; modules of a plugin are named from the plugin's folder.
        folder: The folder of the plugin that the module belongs to; None for the project's.
        package: The package that the plugin is; None if all modules in its folder belong to it.
    """

    name: str
    folder: Path | None = None
    package: str | None = None


def code_version(trial: Trial) -> str:
    """Return the versions of a trial's dataset, learner and strategy, each eight digits.

    Each is a hash of the modules of all parts of the component, of the modules of the project and
    of the plugin that they import, and of the harness. Versions of datasets and learners include
    the contents of their data files, but not the paths.
    """
    return ".".join(_version(c) for c in (trial.dataset, trial.learner, trial.strategy))


def component_version(component: Any) -> str:
    """Return the version of the code of one component and its parts, eight digits."""
    return _version(component)


@IdentityCache
def _version(component: Any) -> str:
    roots, typed = {run_trials.__module__}, ""
    for cls in _classes(component):
        if is_interactive(cls):
            text, needed = code_of(cls)
            typed += text
            roots |= {name for name in needed if _is_own(name)}
        else:
            roots.add(cls.__module__)
    return _hashed(frozenset(roots), typed + _contents(component))


def _is_own(name: str) -> bool:
    """Return whether a module is the project's, or a file that is not an installed library's."""
    file = getattr(sys.modules.get(name), "__file__", None)
    top = name.partition(".")[0]
    if top in OURS or file is None or top in sys.stdlib_module_names:
        return top in OURS
    path = Path(file).absolute()
    return not INSTALLED & set(path.parts) and not path.is_relative_to(PROJECT)


def _contents(component: Any) -> str:
    """Return the digests of a component's data files; nothing if the files are missing."""
    try:
        has = isinstance(component, Dataset | Learner)
        return "".join(map(digest, component.files())) if has else ""
    except Absent:
        return ""


@cache
def _hashed(roots: frozenset[str], contents: str) -> str:
    """Return the version of modules, of all that they import, and of file contents."""
    modules = frozenset[_Module]()
    for name in sorted(roots):
        modules = _closure(_root(name), modules)
    # Paths do not take part: the order is that of names, then that of the trees themselves.
    trees = "".join(tree for _, tree in sorted((m.name, _tree(m)[0]) for m in modules))
    return hashlib.blake2b((trees + contents).encode(), digest_size=4).hexdigest()


def _classes(component: Any) -> Iterator[type]:
    """Yield the classes of a component and of the components in its fields."""
    if isinstance(component, tuple):
        for part in component:
            yield from _classes(part)
    elif dataclasses.is_dataclass(component):
        yield type(component)
        for field in dataclasses.fields(component):
            yield from _classes(getattr(component, field.name))


def _root(name: str) -> _Module:
    """Return the module that defines a component, with the plugin that it belongs to."""
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if name.split(".")[0] in OURS or loaded is None:
        return _Module(name)
    file = Path(loaded).absolute()
    depth = name.count(".") + (file.name == "__init__.py")
    folder = file.parents[depth]
    packaged = depth > 0 or folder.name in INSTALLED
    return _Module(name, folder, name.split(".")[0] if packaged else None)


def _closure(module: _Module, seen: frozenset[_Module]) -> frozenset[_Module]:
    """Return a module with all modules of the project and of its plugin that it needs."""
    if module in seen:
        return seen
    seen = seen | {module}
    for needed in _tree(module)[1]:
        seen = _closure(needed, seen)
    return seen


@cache
def _tree(module: _Module) -> tuple[str, tuple[_Module, ...]]:
    """Return a module's syntax without its docstrings, and the modules that it imports."""
    file = _plugin_file(module)
    tree = ast.parse(_source(module.name) if file is None else file.read_bytes())
    is_package = file is not None and file.name == "__init__.py"
    package = module.name if is_package else module.name.rpartition(".")[0]
    imported: set[_Module] = set()
    for node in ast.walk(tree):
        for name in _imported(node, package):
            imported |= set(_resolved(name, module))
        match node:
            case ast.Module(body) | ast.ClassDef(body=body) | ast.FunctionDef(body=body):
                if (
                    body
                    and isinstance(body[0], ast.Expr)
                    and isinstance(body[0].value, ast.Constant)
                ):
                    del body[0]
    return _dumped(tree), tuple(sorted(imported))


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    """Yield the names of the modules that a node of a syntax tree may import.

    Arguments:
        node: The node.
        package: The package whose module it is in; empty if there is none.
    """
    match node:
        case ast.Import(names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(base, names, level):
            parents = package.split(".") if package else []
            above = parents[: max(len(parents) - level + 1, 0)] if level else []
            name = ".".join([*above, *([base] if base else [])])
            yield from filter(None, [name, *(f"{name}.{a.name}".lstrip(".") for a in names)])
        case ast.Call(
            ast.Attribute(attr="import_module") | ast.Name("import_module" | "__import__"),
            [ast.Constant(str(name)), *_],
        ):
            yield name


def _resolved(name: str, module: _Module) -> Iterator[_Module]:
    """Yield the modules whose code counts if a module imports a name: it and its packages."""
    parts = name.split(".")
    if parts[0] in OURS:
        if _exists(name):
            yield _Module(name)
        return
    for end in range(1, len(parts) + 1):
        needed = module._replace(name=".".join(parts[:end]))
        if _plugin_file(needed) is not None:
            yield needed


def _plugin_file(module: _Module) -> Path | None:
    """Return the file of a module of a plugin; None if it is not one of the plugin's modules."""
    name, folder, package = module
    top, *_ = parts = name.split(".")
    if folder is None or package not in (None, top):
        return None
    place = folder.joinpath(*parts)
    loaded = getattr(sys.modules.get(name), "__file__", None) or ""
    for path in (place / "__init__.py", place.with_suffix(".py")):
        if path.is_file():
            return path
    # The plugin itself, or a module in a deeper folder that the plugin adds to ``sys.path``.
    path = Path(loaded).absolute()
    if path.suffix != ".py" or not path.is_relative_to(folder) or top in sys.stdlib_module_names:
        return None
    return None if INSTALLED & set(path.relative_to(folder).parts) else path


def _dumped(node: Any) -> str:
    """Return a syntax tree as text.

    Versions of Python differ in empty fields, which are left out.
    """
    if isinstance(node, list):
        return f"[{','.join(map(_dumped, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [f"{n}={_dumped(v)}" for n, v in ast.iter_fields(node) if v is not None and v != []]
    return f"{type(node).__name__}({','.join(fields)})"


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _source(module: str) -> str:
    if module in sys.modules:
        return inspect.getsource(sys.modules[module])
    spec = importlib.util.find_spec(module)
    return Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
