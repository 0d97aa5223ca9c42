"""Versions of the code that made a record.

A version is a hash of syntax trees, so that comments and layout do not change it.
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
from typing import Any

from algorithms.base import Learner
from algorithms.runtime.paths import Absent, digest
from bench.core.identity_cache import IdentityCache
from bench.datasets.base import Dataset
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial

OURS = ("algorithms", "bench", "collectives")


def code_version(trial: Trial) -> str:
    """Return the versions of a trial's dataset, learner and strategy, each eight digits.

    Each is a hash of the modules of all parts of the component, of the project's modules that
    they import, and of the harness. Versions of datasets and learners include the contents of
    their data files, but not the paths.
    """
    return ".".join(_version(c) for c in (trial.dataset, trial.learner, trial.strategy))


@IdentityCache
def _version(component: Any) -> str:
    return _hashed(frozenset((*_modules(component), run_trials.__module__)), _contents(component))


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
    modules = frozenset[str]()
    for module in sorted(roots):
        modules = _closure(module, modules)
    trees = "".join(_tree(name)[0] for name in sorted(modules))
    return hashlib.blake2b((trees + contents).encode(), digest_size=4).hexdigest()


def _modules(component: Any) -> Iterator[str]:
    """Yield the modules that define a component and the components in its fields."""
    if isinstance(component, tuple):
        for part in component:
            yield from _modules(part)
    elif dataclasses.is_dataclass(component):
        yield type(component).__module__
        for field in dataclasses.fields(component):
            yield from _modules(getattr(component, field.name))


def _closure(module: str, seen: frozenset[str]) -> frozenset[str]:
    """Return a module with all project modules that it needs."""
    if module in seen:
        return seen
    seen = seen | {module}
    for name in _tree(module)[1]:
        seen = _closure(name, seen)
    return seen


@cache
def _tree(module: str) -> tuple[str, tuple[str, ...]]:
    """Return a module's syntax without its docstrings, and the project modules that it imports."""
    tree = ast.parse(_source(module))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            imported |= {n for n in names if n.split(".")[0] in OURS and _exists(n)}
        elif isinstance(node, ast.Import):
            imported |= {a.name for a in node.names if a.name.split(".")[0] in OURS}
        match node:
            case ast.Module(body) | ast.ClassDef(body=body) | ast.FunctionDef(body=body):
                if (
                    body
                    and isinstance(body[0], ast.Expr)
                    and isinstance(body[0].value, ast.Constant)
                ):
                    del body[0]
    return _dumped(tree), tuple(sorted(imported))


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
