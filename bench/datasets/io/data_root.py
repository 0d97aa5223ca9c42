"""The data root: the one folder in which files of data are looked for, as they lie."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from algorithms.runtime.paths import CACHE_VARIABLE, VARIABLE, cache, digest, root
from bench.core.errors import BenchError, Missing

__all__ = ["CACHE_VARIABLE", "VARIABLE", "cache", "digest", "inside", "locate", "root", "use"]

#: Files that together make one dataset, relative to the root.
Layout = tuple[str, ...]


def use(folder: Path) -> None:
    """Make a folder the data root of this process and of those that it starts."""
    os.environ[VARIABLE] = str(folder.expanduser().resolve())


def locate(name: str, layouts: Sequence[Layout], how: str = "") -> tuple[Path, ...]:
    """The files of the first layout that is there.

    Arguments:
        name: Whose files they are.
        layouts: What is looked for, in this order. A file may lie compressed, as ``name.gz``.
        how: How to get it; by the command, if this is empty.

    Raises:
        Missing: If no layout is complete; it says what was looked for, where, and how to get it.
    """
    folder = root()
    for layout in layouts:
        found = [_lying(folder / file) for file in layout]
        if all(found):
            return tuple(path for path in found if path)
    looked = "; or ".join(", ".join(layout) for layout in layouts)
    how = how or f"`python run_bench.py data get {name}` gets it"
    raise Missing(
        f"{name} is not at hand: looked for {looked} in {folder}. {how}; --data DIR or "
        f"{VARIABLE} names another folder"
    )


def _lying(path: Path) -> Path | None:
    packed = path.with_name(path.name + ".gz")
    return path if path.is_file() else packed if packed.is_file() else None


def inside(file: str) -> str:
    """A file's name, if it is relative to the data root and stays in it.

    It is part of a dataset's spec, and thereby of keys of records: it may not depend on where
    the data root of a machine is.
    """
    path = PurePosixPath(file)
    if not file or path.is_absolute() or ".." in path.parts or "\\" in file or ":" in file:
        raise BenchError(
            f"file={file!r} is not a name relative to the data root, like 'mine/table.csv' "
            f"(--data DIR or {VARIABLE} says where that is)"
        )
    return file
