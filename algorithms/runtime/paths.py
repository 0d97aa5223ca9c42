"""Where files lie that do not ship, and what is made of them once."""

import functools
import hashlib
import os
from pathlib import Path

from platformdirs import user_cache_path

#: Names the data root. Worker processes inherit it; no key and no record ever holds its value.
VARIABLE = "COLLECTIVE_BENCH_DATA"
#: Names the folder for what is prepared from the data, where it shall not be the usual one.
CACHE_VARIABLE = "COLLECTIVE_BENCH_CACHE"
APPLICATION = "collective-bench"


class Absent(Exception):
    """Something that does not ship is not at hand; the text says what, and how to get it."""


def root() -> Path:
    """The data root: the folder that the environment names, or one in the user's cache folder."""
    given = os.environ.get(VARIABLE)
    return Path(given).expanduser() if given else user_cache_path(APPLICATION) / "data"


def cache() -> Path:
    """The folder for what is prepared from the data."""
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given).expanduser() if given else user_cache_path(APPLICATION) / "prepared"


def digest(path: Path) -> str:
    """The SHA-256 of a file, read once as long as the file is the same."""
    about = path.stat()
    return _digest(path, about.st_size, about.st_mtime_ns)


@functools.lru_cache(maxsize=2**15)
def _digest(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
