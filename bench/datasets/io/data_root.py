"""The data root: the folder with the files of all data sets."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from algorithms.runtime.paths import CACHE_VARIABLE, VARIABLE, cache, digest, root
from bench.core.errors import BenchError, Missing

__all__ = [
    "CACHE_VARIABLE",
    "VARIABLE",
    "cache",
    "digest",
    "inside",
    "locate",
    "own_file",
    "root",
    "store",
    "stored_name",
    "use",
]

#: The folder of data that came from memory. Their files are named by their contents.
STORED = "stored"

#: Files that together make one dataset, relative to the root.
Layout = tuple[str, ...]


def use(folder: Path) -> None:
    """Make a folder the data root of this process and of its subprocesses."""
    os.environ[VARIABLE] = str(folder.expanduser().resolve())


def locate(name: str, layouts: Sequence[Layout], how: str = "") -> tuple[Path, ...]:
    """Return the files of the first complete layout.

    Arguments:
        name: The name of the data set.
        layouts: The layouts, by preference. A file may be compressed, as ``name.gz``.
        how: A sentence about a source of the files; the command ``data get``, if empty.

    Raises:
        Missing: If no layout is complete. The text names the layouts, the folder and a source.
    """
    folder = root()
    for layout in layouts:
        paths = [_existing(folder / file) for file in layout]
        if all(paths):
            return tuple(path for path in paths if path)
    allowed = "; or ".join(", ".join(layout) for layout in layouts)
    how = how or f"`python run_bench.py data get {name}` gets it"
    raise Missing(
        f"{name} is not at hand: looked for {allowed} in {folder}. {how}; --data DIR or "
        f"{VARIABLE} names another folder"
    )


def own_file(name: str, file: str) -> tuple[Path, ...]:
    """Return a user's file: one under the data root, or one that :func:`store` wrote.

    Arguments:
        name: The name of the data set.
        file: The file, relative to the data root or to the cache folder.

    Raises:
        Missing: If there is no such file.
    """
    stored = inside(file).startswith(f"{STORED}/")
    if stored and (cache() / file).is_file():
        return (cache() / file,)
    how = "It is your own file"
    if stored:
        how = f"It came from memory, and is no longer in {cache()}: give the same data again"
    return locate(name, [(file,)], how)


def stored_name(digest: str, ending: str) -> str:
    """Return the name of a file for data that came from memory.

    Arguments:
        digest: The hash that identifies the data, in hexadecimal digits.
        ending: The ending of the name.
    """
    return f"{STORED}/{digest[:16]}.{ending}"


def store(file: str, content: bytes) -> Path:
    """Store data that came from memory in the cache folder, and return the path.

    Arguments:
        file: Return value of :func:`stored_name`.
        content: The contents of the file.

    Raises:
        BenchError: If the cache folder cannot be written.
    """
    path = cache() / file
    if path.is_file():
        return path
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        os.replace(draft, path)
    except OSError as error:
        raise BenchError(
            f"cannot write to {path.parent}: {error.strerror}. {CACHE_VARIABLE} names another "
            f"folder"
        ) from error
    return path


def _existing(path: Path) -> Path | None:
    packed = path.with_name(path.name + ".gz")
    return path if path.is_file() else packed if packed.is_file() else None


def inside(file: str) -> str:
    """Return a file's name if it is relative to the data root and stays in it.

    The name is part of a data set's spec, and so of the keys of records, which don't depend on
    the place of the data root.

    Raises:
        BenchError: If the name is absolute, or leads out of the data root.
    """
    path = PurePosixPath(file)
    if not file or path.is_absolute() or ".." in path.parts or "\\" in file or ":" in file:
        raise BenchError(
            f"file={file!r} is not a name relative to the data root, like 'mine/table.csv' "
            f"(--data DIR or {VARIABLE} says where that is)"
        )
    return file
