"""What there is: every class is found where it is defined, none is listed by hand."""

import hashlib
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

import algorithms
import bench.datasets
import collectives
from algorithms.base import Learner
from algorithms.density.base import DensityModel
from algorithms.density.generators import Generator
from algorithms.networks import Network
from bench.core.errors import BenchError
from bench.datasets.base import Dataset
from collectives.base import Strategy
from collectives.signals.base import Signal

#: kind -> (what it is called, its base class, the package it ships in)
KINDS: dict[str, tuple[str, type, ModuleType]] = {
    "learners": ("learner", Learner, algorithms),
    "strategies": ("strategy", Strategy, collectives),
    "signals": ("signal", Signal, collectives),
    "datasets": ("dataset", Dataset, bench.datasets),
    "networks": ("network", Network, algorithms),
    "densities": ("density model", DensityModel, algorithms),
    "generators": ("generator", Generator, algorithms),
}
PLUGINS = "collective_bench.plugins"


class Registry:
    """Classes by name: those that ship, those of installed packages, those of plugin files."""

    def __init__(self) -> None:
        self.kinds: dict[str, dict[str, type]] = {kind: {} for kind in KINDS}
        for package in {id(p): p for _, _, p in KINDS.values()}.values():
            for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
                if not found.name.rpartition(".")[2].startswith("_"):
                    self.add(importlib.import_module(found.name))
        for entry in entry_points(group=PLUGINS):
            try:
                loaded = entry.load()
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                raise BenchError(
                    f"the installed plugin {entry.name} = {entry.value} cannot be loaded: {text}"
                ) from error
            self.add(loaded if inspect.ismodule(loaded) else inspect.getmodule(loaded))

    @property
    def names(self) -> dict[str, type]:
        """Every class of every kind."""
        return {name: cls for kind in self.kinds.values() for name, cls in kind.items()}

    def add(self, module: Any) -> list[type]:
        """Register what a module defines, and return it."""
        added = [cls for cls in vars(module).values() if _defined(cls, module.__name__)]
        for cls in added:
            before = self.names.get(cls.__name__, cls)
            # A file that was edited and loaded again replaces what it said before.
            if before is not cls and _origin(before) != _origin(cls):
                raise BenchError(
                    f"the name {cls.__name__!r} is taken: {_origin(before)} has it already, so "
                    f"{_origin(cls)} must call its class something else"
                )
        for cls in added:
            self.kinds[str(kind_of(cls))][cls.__name__] = cls
        return added

    def load(self, path: str | Path) -> list[type]:
        """Run a plugin file and register what it defines."""
        path = Path(path)
        try:
            source = path.read_bytes()
        except OSError as error:
            raise BenchError(f"cannot read the plugin {path}: {error.strerror}") from error
        digest = hashlib.blake2b(source, digest_size=4).hexdigest()
        name = f"plugin_{re.sub(r'[^0-9a-zA-Z_]', '_', path.stem)}_{digest}"
        if name in sys.modules:
            return self.add(sys.modules[name])
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise BenchError(f"the plugin {path} is not a Python file (*.py)")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
            added = self.add(module)
            if not added:
                kinds = ", ".join(base.__name__ for _, base, _ in KINDS.values())
                halves = "; ".join(f"{c.__name__} lacks {_lacks(c)}" for c in _unfinished(module))
                raise BenchError(
                    f"the plugin {path} defines no finished subclass of {kinds}"
                    f"{halves and ': '}{halves}"
                )
        except BenchError:
            del sys.modules[name]
            raise
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            text = f"{type(error).__name__}: {error}"
            raise BenchError(f"the plugin {path} cannot be loaded: {text}") from error
        # Workers cannot import a file by a made-up name: its classes travel with their source.
        cloudpickle.register_pickle_by_value(module)
        return added


def kind_of(cls: Any) -> str | None:
    """Which kind of component a class is, if it is a finished one."""
    if not inspect.isclass(cls) or inspect.isabstract(cls):
        return None
    return next((kind for kind, (_, base, _) in KINDS.items() if issubclass(cls, base)), None)


def _defined(cls: Any, module: str) -> bool:
    """Whether a module is where a component of a public name is defined."""
    named = kind_of(cls) is not None and not cls.__name__.startswith("_")
    return named and cls.__module__ == module


def _unfinished(module: ModuleType) -> list[type]:
    """The classes of a module that lack methods to be a component."""
    bases = tuple(base for _, base, _ in KINDS.values())
    return [
        cls
        for cls in vars(module).values()
        if inspect.isabstract(cls) and cls.__module__ == module.__name__ and issubclass(cls, bases)
    ]


def _lacks(cls: type) -> str:
    """The methods that an unfinished class has yet to define."""
    return " and ".join(sorted(cls.__abstractmethods__))  # type: ignore[attr-defined]


def _origin(cls: type) -> str:
    return inspect.getsourcefile(cls) or cls.__module__


REGISTRY = Registry()
LEARNERS, STRATEGIES = REGISTRY.kinds["learners"], REGISTRY.kinds["strategies"]
SIGNALS, DATASETS = REGISTRY.kinds["signals"], REGISTRY.kinds["datasets"]
