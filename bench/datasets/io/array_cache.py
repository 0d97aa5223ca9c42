"""Arrays made from files once, then mapped into memory, so that all workers share them."""

import contextlib
import functools
import hashlib
import inspect
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.datasets.base import Array
from bench.datasets.io.data_root import cache, digest

Make = Callable[[tuple[Path, ...]], Mapping[str, Array]]


def prepared(files: Sequence[Path], make: Make, *, name: str) -> dict[str, Array]:
    """Arrays by name, made from files or, if that was done before, mapped from the cache folder.

    They belong to the contents of the files and to the code that made them: where either is
    another, they are made anew. Nobody can write to them. Where the cache folder cannot be
    written to, each process makes its own.

    Arguments:
        files: What they are made from.
        make: Makes them, from these files.
        name: What to call them; no two makers of a module may use one name.
    """
    contents, where = tuple(map(digest, files)), cache()
    held = (name, contents, where)
    if held not in _HELD:
        while len(_HELD) >= MOST_HELD:
            del _HELD[next(iter(_HELD))]
        _HELD[held] = _loaded(tuple(files), contents, make, name, where)
    return _HELD[held]


#: What this process has at hand; splits of all seeds look at it.
_HELD: dict[tuple[str, tuple[str, ...], Path], dict[str, Array]] = {}
MOST_HELD = 8


def _loaded(
    files: tuple[Path, ...], contents: tuple[str, ...], make: Make, name: str, where: Path
) -> dict[str, Array]:
    maker = make.func if isinstance(make, functools.partial) else make
    code = inspect.getsource(sys.modules[maker.__module__]), _readers()
    key = hashlib.sha256("\n".join([name, *code, *contents]).encode()).hexdigest()[:16]
    folder = where / f"{name}-{key}"
    with contextlib.suppress(OSError, ValueError):
        return _mapped(folder)
    made = {k: np.ascontiguousarray(v) for k, v in make(files).items()}
    try:
        _keep(made, folder)
        return _mapped(folder)
    except (OSError, ValueError):
        for array in made.values():
            array.flags.writeable = False
        return made


@functools.cache
def _readers() -> str:
    """The code of all datasets and of what reads their files: any of it may make other arrays."""
    here = Path(__file__).parents[1]
    return "".join(path.read_text() for path in sorted(here.rglob("*.py")))


def _mapped(folder: Path) -> dict[str, Array]:
    found = sorted(folder.glob("*.npy"))
    if not found:
        raise FileNotFoundError(folder)
    # A plain array on the mapped memory: a subclass would be wrapped anew at each use.
    return {p.stem: np.asarray(np.load(p, mmap_mode="r", allow_pickle=False)) for p in found}


def _keep(made: Mapping[str, Array], folder: Path) -> None:
    """Write arrays where another process may be writing the same ones."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        for name, array in made.items():
            np.save(draft / f"{name}.npy", array, allow_pickle=False)
        if folder.exists():  # what could not be mapped
            shutil.rmtree(folder, ignore_errors=True)
        # Whoever was faster made the same.
        with contextlib.suppress(OSError):
            os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
