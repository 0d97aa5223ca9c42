"""Paths of files that are not part of the project, and of the cache of prepared data."""

import functools
import hashlib
import importlib.util
import os
from pathlib import Path

from platformdirs import user_cache_path

#: The environment variable with the data root. Worker processes inherit it; keys and records never
#: contain its value.
VARIABLE = "COLLECTIVE_BENCH_DATA"
#: The environment variable with the folder of prepared data.
CACHE_VARIABLE = "COLLECTIVE_BENCH_CACHE"
APPLICATION = "collective-bench"


class Absent(Exception):
    """An error about a missing file or library. Its text says how to get it."""


def require_library(library: str, extra: str, name: str) -> None:
    """Check that an optional library is installed.

    Arguments:
        library: The name by which it is imported.
        extra: The extra of this project that installs it.
        name: The component that needs it.

    Raises:
        Absent: If the library is not installed.

    Example:
        >>> require_library("numpy", "all", "A component")
        >>> require_library("no_such_library", "all", "A component")
        Traceback (most recent call last):
        algorithms.runtime.paths.Absent: A component needs the library no_such_library: pip install 'collective-bench[all]'
    """  # noqa: E501 (the output)
    if importlib.util.find_spec(library) is None:
        raise Absent(
            f"{name} needs the library {library}: pip install 'collective-bench[{extra}]'"
        )


def root() -> Path:
    """Return the data root: the environment's, or a folder in the user's cache folder."""
    folder = os.environ.get(VARIABLE)
    return Path(folder).expanduser() if folder else user_cache_path(APPLICATION) / "data"


def cache() -> Path:
    """Return the folder of prepared data: the environment's, or one in the user's cache folder."""
    folder = os.environ.get(CACHE_VARIABLE)
    return Path(folder).expanduser() if folder else user_cache_path(APPLICATION) / "prepared"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file. An unchanged file is read once."""
    status = path.stat()
    return _digest(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=2**15)
def _digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
