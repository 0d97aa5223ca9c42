"""The Python interface: run trials and read their results.

All learners, strategies, signals, datasets and other components are attributes of this package,
under the names that the command line uses. The package imports them when the first one is
requested. That import sets the environment variable ``MKL_CBWR`` to ``AUTO`` if it has no value,
and keeps freed memory in the process (two options of glibc's ``mallopt``). It changes neither the
number of threads, nor random generators, nor signal handlers.

Example:
    >>> import collective_bench as cb
    >>> strategy = cb.FeatureLabel(cb.SetFeature(column=-1, value=1.0), label=1)
    >>> record = cb.Trial(cb.Coins(n=200), cb.EmpiricalBayes(), strategy, size=0.2).run()
    >>> record["success"]
    1.0
"""

import importlib
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

#: Names of this interface that are not components, each with its module.
_MODULES = {
    "BenchError": "bench.core.errors",
    "Dataset": "bench.datasets.base",
    "Fitted": "algorithms.base",
    "Learner": "algorithms.base",
    "Run": "collective_bench.results",
    "Signal": "collectives.signals.base",
    "Split": "bench.datasets.base",
    "Strategy": "collectives.base",
    "TrainingSet": "algorithms.base",
    "Trial": "collective_bench.trials",
    "from_arrays": "collective_bench.arrays",
    "from_frame": "collective_bench.frames",
    "from_torch": "collective_bench.items",
    "load": "collective_bench.results",
    "run": "collective_bench.sweeps",
}


def _check_packages() -> None:
    """Refuse to import modules of other programs that have the names of this project's packages.

    Raises:
        ImportError: If such a module comes first on the import path.
    """
    here = Path(__file__).resolve().parents[1]
    for name in ("algorithms", "bench", "collectives", "results"):
        spec = PathFinder.find_spec(name)
        origin = spec.origin if spec is not None else None
        if origin is not None and Path(origin).resolve().parent.parent != here:
            raise ImportError(
                f"{origin} hides the package {name!r} of collective-bench: rename it, or start "
                f"Python with -P, which keeps the current folder off the import path"
            )


def _components() -> dict[str, type]:
    _check_packages()
    registry = importlib.import_module("bench.spec.registry")
    return dict(registry.REGISTRY.names)


def __getattr__(name: str) -> Any:
    """Return a function of this interface or a component class; import it if necessary."""
    if name == "__all__":
        return [*_MODULES, *_components()]
    if name.startswith("__"):
        raise AttributeError(name)
    if name in _MODULES:
        _check_packages()
        return getattr(importlib.import_module(_MODULES[name]), name)
    components = _components()
    if name not in components:
        unknown = importlib.import_module("bench.core.errors").unknown
        message = str(unknown("component", name, components)).partition(" Allowed:")[0]
        raise AttributeError(f"collective_bench: {message}")
    return components[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *_components()})
