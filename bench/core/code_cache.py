"""Values that follow from the installed code alone, kept in files between processes.

To import all components takes seconds. Commands that only print facts about them read these files.
"""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from algorithms.runtime.paths import cache
from bench.core.plugin_files import ENTRY_POINTS, installed_plugins

#: The folder that holds the packages of the project, and their names.
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("algorithms", "bench", "collectives", "results")
#: Endings of the files of which a value may depend.
SUFFIXES = (".py", ".toml")


def cached_by_code(
    name: str, compute: Callable[[], Any], is_current: Callable[[Any], bool] = lambda value: True
) -> Any:
    """Return the value of a function, from a file if no code has changed since it was written.

    The value is not kept where there are plugins, whose code may change too.

    Arguments:
        name: Name of the file, without its suffix.
        compute: Function without arguments that returns a value for JSON.
        is_current: Whether a value still holds: it may depend on more than code.
    """
    if installed_plugins() or entry_points(group=ENTRY_POINTS):
        return compute()
    code, path = code_digest(ROOT), cache() / f"{name}.json"
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["code"] == code and is_current(kept["value"]):
            return kept["value"]
    value = compute()
    if not is_current(value):
        return value
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".draft{os.getpid()}")
        draft.write_text(json.dumps({"code": code, "value": value}), encoding="utf-8")
        draft.replace(path)
    return value


def code_digest(root: Path) -> str:
    """Return a digest of the code: Python, the installed distributions, and the project's files.

    Arguments:
        root: Folder that holds the packages of the project.
    """
    digest = hashlib.blake2b(repr((sys.version, *_distributions())).encode(), digest_size=16)
    for path in sorted(path for package in PACKAGES for path in _files(root / package)):
        text = path.read_bytes()
        digest.update(f"{path.relative_to(root)} {len(text)}\n".encode() + text)
    return digest.hexdigest()


def _distributions() -> Iterator[str]:
    """Yield the names of the folders that describe installed distributions and their versions."""
    for folder in filter(os.path.isdir, sys.path):
        yield from sorted(name for name in os.listdir(folder) if name.endswith(".dist-info"))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder of which a value may depend."""
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names if name.endswith(SUFFIXES))
