"""Registry of components: classes are found in the modules that define them."""

import importlib
import inspect
import pkgutil
import sys
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import algorithms
import bench.datasets
import bench.detection
import bench.recommenders
import bench.rounds
import collectives
from algorithms.base import Learner
from algorithms.density.base import DensityModel
from algorithms.density.generators import Generator
from algorithms.density.images.base import ImageModel
from algorithms.networks import Network
from bench.core.errors import BenchError
from bench.core.plugin_files import ENTRY_POINTS, PluginFile
from bench.datasets.base import Dataset
from bench.detection.base import Score
from bench.recommenders.base import Catalogue, Placement, Recommender
from bench.rounds.base import UpdateRule
from bench.rounds.drift import Drift
from collectives.base import Strategy
from collectives.signals.base import Signal

#: Kind -> (its noun, its base class, the package that ships its components).
KINDS: dict[str, tuple[str, type, ModuleType]] = {
    "learners": ("learner", Learner, algorithms),
    "strategies": ("strategy", Strategy, collectives),
    "signals": ("signal", Signal, collectives),
    "datasets": ("dataset", Dataset, bench.datasets),
    "networks": ("network", Network, algorithms),
    "densities": ("density model", DensityModel, algorithms),
    "image_densities": ("density model of images", ImageModel, algorithms),
    "generators": ("generator", Generator, algorithms),
    "scores": ("suspicion score", Score, bench.detection),
    "catalogues": ("catalogue", Catalogue, bench.recommenders),
    "recommenders": ("recommender", Recommender, bench.recommenders),
    "placements": ("placement", Placement, bench.recommenders),
    "updates": ("update rule", UpdateRule, bench.rounds),
    "drifts": ("drift", Drift, bench.rounds),
}
#: Types whose ``repr`` is a literal that a spec can hold.
LITERALS = (bool, int, float, str, type(None))


class Registry:
    """Component classes by kind and name: shipped ones and those of packages and plugin files."""

    def __init__(self) -> None:
        self.kinds: dict[str, dict[str, type]] = {kind: {} for kind in KINDS}
        for package in {id(p): p for _, _, p in KINDS.values()}.values():
            for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
                if not info.name.rpartition(".")[2].startswith("_"):
                    self.add(importlib.import_module(info.name))
        for entry in entry_points(group=ENTRY_POINTS):
            try:
                loaded = entry.load()
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                raise BenchError(
                    f"the installed plugin {entry.name} = {entry.value} cannot be loaded: {text}"
                ) from error
            self.add(loaded if inspect.ismodule(loaded) else inspect.getmodule(loaded))

    @property
    def names(self) -> Mapping[str, type]:
        """All classes of all kinds by name."""
        return ChainMap(*reversed(self.kinds.values()))

    def add(self, module: Any) -> list[type]:
        """Register the components that a module defines, and return them.

        Raises:
            BenchError: If a name is taken, or the ``repr`` of a class would not identify its
                objects.
        """
        added = [cls for cls in vars(module).values() if _defined(cls, module.__name__)]
        self.register(*added)
        return added

    def register(self, *classes: type) -> None:
        """Register component classes, wherever they are defined.

        Raises:
            BenchError: If a name is taken, or the ``repr`` of a class would not identify its
                objects.
        """
        for cls in classes:
            check_identity(cls)
            before = self.names.get(cls.__name__, cls)
            # A file that was edited and loaded again replaces its earlier classes.
            if before is not cls and _origin(before) != _origin(cls):
                raise BenchError(
                    f"the name {cls.__name__!r} is taken by {_origin(before)}: rename the class "
                    f"in {_origin(cls)}"
                )
        for cls in classes:
            self.kinds[str(kind_of(cls))][cls.__name__] = cls

    def load(self, path: str | Path) -> list[type]:
        """Run a plugin file and register the components that it defines.

        Raises:
            BenchError: If the file cannot be read, run or used.
        """
        path = Path(path)
        try:
            plugin = PluginFile(path.absolute(), path.read_bytes())
        except OSError as error:
            raise BenchError(f"cannot read the plugin {path}: {error.strerror}") from error
        if path.suffix != ".py":
            raise BenchError(f"the plugin {path} is not a Python file (*.py)")
        if plugin.name in sys.modules:
            return self.add(sys.modules[plugin.name])
        try:
            module = plugin.load()
            added = self.add(module)
            if not added:
                kinds = ", ".join(base.__name__ for _, base, _ in KINDS.values())
                lacking = "; ".join(
                    f"{cls.__name__} lacks {_missing_methods(cls)}" for cls in _abstract(module)
                )
                raise BenchError(
                    f"the plugin {path} defines no concrete subclass of {kinds}"
                    f"{lacking and ': '}{lacking}"
                )
        except BenchError:
            plugin.unload()
            raise
        except (Exception, SystemExit) as error:
            plugin.unload()
            text = f"{type(error).__name__}: {error}"
            raise BenchError(f"the plugin {path} cannot be loaded: {text}") from error
        return added


def kind_of(cls: Any) -> str | None:
    """Return the kind of a concrete component class, or None for any other object."""
    if not inspect.isclass(cls) or inspect.isabstract(cls):
        return None
    return next((kind for kind, (_, base, _) in KINDS.items() if issubclass(cls, base)), None)


def _defined(cls: Any, module: str) -> bool:
    """Return whether an object is a public component class that this module defines."""
    public = kind_of(cls) is not None and not cls.__name__.startswith("_")
    return public and cls.__module__ == module


def _abstract(module: ModuleType) -> list[type]:
    """Return the classes of a module that lack methods to be components."""
    bases = tuple(base for _, base, _ in KINDS.values())
    return [
        cls
        for cls in vars(module).values()
        if inspect.isabstract(cls) and cls.__module__ == module.__name__ and issubclass(cls, bases)
    ]


def _missing_methods(cls: type) -> str:
    """Return the names of the abstract methods that a class does not define."""
    return " and ".join(sorted(cls.__abstractmethods__))  # type: ignore[attr-defined]


def experimental(learner: Learner) -> str | None:
    """Return why a learner, or a learner in its fields, is experimental; None if none is.

    Example:
        >>> from algorithms.ensemble import Ensemble
        >>> from algorithms.lff import LfF
        >>> experimental(Ensemble())
        >>> experimental(Ensemble(base=LfF())) == LfF.experimental
        True
    """
    parts = (part for part in vars(learner).values() if isinstance(part, Learner))
    return learner.experimental or next(filter(None, map(experimental, parts)), None)


def check_identity(cls: type) -> None:
    """Refuse a component class if the ``repr`` of its objects would not identify them.

    The ``repr`` is part of a trial's key. A class is accepted if it is a frozen dataclass whose
    fields all have defaults, are all compared and printed, and hold values that a spec can hold.

    Raises:
        BenchError: With the class, the field and the remedy.
    """
    fault = next(_identity_faults(cls), None)
    if fault is not None:
        raise BenchError(f"{cls.__name__} in {_origin(cls)}: {fault}")


def _identity_faults(cls: type) -> Iterator[str]:
    """Yield the reasons for which the ``repr`` of a class does not identify its objects."""
    own = vars(cls)
    parameters = own.get("__dataclass_params__")
    if parameters is None or not parameters.frozen:
        yield "decorate the class with @dataclass(frozen=True), as subclasses of dataclasses too"
        return
    if not parameters.eq or not (parameters.repr or "__repr__" in own):
        yield "remove eq=False and repr=False from its decorator"
    annotated = inspect.get_annotations(cls)
    for field in fields(cls):
        if field.name in own and field.name not in annotated:
            yield f"the value of {field.name} is ignored without a type: write {field.name}: TYPE"
        if not (field.repr and field.compare and field.init):
            yield f"remove repr=False, compare=False and init=False from the field {field.name}"
        yield from _default_faults(field)


def _default_faults(field: "Field[Any]") -> Iterator[str]:
    """Yield the reasons for which the default of a field is not allowed."""
    if field.default is MISSING and field.default_factory is MISSING:
        yield f"give the field {field.name} a default"
        return
    factory = field.default_factory
    fault = value_fault(field.default if factory is MISSING else factory())
    if fault is not None:
        yield f"the default of {field.name} {fault}"


def value_fault(value: Any) -> str | None:
    """Return why a value cannot be the field of a component; None if it can.

    Example:
        >>> value_fault((1, 0.5, "adam"))
        >>> value_fault([1])
        'is of type list: use a tuple'
    """
    if type(value) in LITERALS:
        return None
    if type(value) is tuple:
        return next(filter(None, map(value_fault, value)), None)
    if kind_of(type(value)) and is_dataclass(value):
        faults = ((f.name, value_fault(getattr(value, f.name))) for f in fields(value))
        return next((f"has a field {name} that {fault}" for name, fault in faults if fault), None)
    remedies: dict[type, str] = {list: "a tuple", dict: "a tuple of pairs", set: "a sorted tuple"}
    remedy = remedies.get(type(value), "a bool, int, float, str, None, a tuple or a component")
    return f"is of type {type(value).__name__}: use {remedy}"


def _origin(cls: type) -> str:
    """Return the file that defines a class; the module's name for a class of a notebook."""
    try:
        return inspect.getsourcefile(cls) or cls.__module__
    except (OSError, TypeError):
        return cls.__module__


REGISTRY = Registry()
LEARNERS, STRATEGIES = REGISTRY.kinds["learners"], REGISTRY.kinds["strategies"]
SIGNALS, DATASETS = REGISTRY.kinds["signals"], REGISTRY.kinds["datasets"]
