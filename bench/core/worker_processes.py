"""Properties that all worker processes share: their import path, and how objects reach them."""

import importlib
import io
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import cloudpickle

from bench.core.errors import BenchError
from bench.core.plugin_files import PluginFile, installed_plugins

#: The variable that keeps Python from putting the current folder or a script's on the path.
SAFE_PATH = "PYTHONSAFEPATH"


@contextmanager
def safe_path() -> Iterator[None]:
    """Keep the current folder off the import path of processes that start in this context.

    joblib starts workers by ``python -m`` and ``python -c``, which put the current folder first.
    Workers then get the path of this process.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(SAFE_PATH, None)
        else:
            os.environ[SAFE_PATH] = before


@dataclass(frozen=True)
class Serialized:
    """An object on its way to another process, with the plugin files that may define its class.

    Classes of plugin files are sent by name, and those of ``__main__`` with their code.

    Arguments:
        kind: Name of the object's class.
        payload: The object, pickled.
        plugins: Plugin files to install before the object is loaded.

    Example:
        >>> Serialized.of([1, 2]).load()
        [1, 2]
    """

    kind: str
    payload: bytes
    plugins: tuple[PluginFile, ...]

    @classmethod
    def of(cls, value: Any) -> "Serialized":
        """Serialize an object.

        Raises:
            BenchError: If the object cannot be pickled.
        """
        kind, buffer = type(value).__name__, io.BytesIO()
        try:
            _Pickler(buffer).dump(value)
        except Exception as error:
            raise BenchError(
                f"{kind} cannot be sent to a worker process: {type(error).__name__}: {error}. "
                f"Create such values where they are used, or run with --jobs 0"
            ) from error
        return cls(kind, buffer.getvalue(), installed_plugins())

    def load(self) -> Any:
        """Return the object.

        Raises:
            BenchError: If this process cannot load it.
        """
        for plugin in self.plugins:
            plugin.install()
        try:
            return pickle.loads(self.payload)
        except (Exception, SystemExit) as error:
            text = f"{type(error).__name__}: {error}"
            if isinstance(error, ImportError) and self.plugins:
                text += ". Each machine needs the modules that a plugin file imports"
            raise BenchError(
                f"{self.kind} cannot be loaded in a worker process: {text}"
            ) from error


class _Pickler(cloudpickle.Pickler):
    """A pickler that also sends modules of special classes by name, such as ``torch.classes``."""

    def reducer_override(self, value: Any) -> Any:
        """Return how a value is pickled."""
        if isinstance(value, ModuleType) and type(value) is not ModuleType:
            name = value.__name__
            if sys.modules.get(name) is value:
                return importlib.import_module, (name,)
        return super().reducer_override(value)
