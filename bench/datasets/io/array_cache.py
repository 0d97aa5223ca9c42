"""Arrays that are made from files once, and then mapped into the memory of all workers."""

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


def cached_arrays(files: Sequence[Path], make: Make, *, name: str) -> dict[str, Array]:
    """Return arrays that are made from files, mapped from the cache folder after the first time.

    Arrays are made again if the contents of the files change, or the code that makes them. They
    are read-only. If the cache folder is not writable, each process makes its own.

    Arguments:
        files: The files.
        make: A function from these files to arrays by name.
        name: The name in the cache folder, unique among the makers of a module.
    """
    contents, where = tuple(map(digest, files)), cache()
    entry = (name, contents, where)
    if entry not in _OPEN:
        while len(_OPEN) >= MOST_OPEN:
            del _OPEN[next(iter(_OPEN))]
        _OPEN[entry] = _loaded(tuple(files), contents, make, name, where)
    return _OPEN[entry]


#: Arrays of this process, which splits of all seeds share.
_OPEN: dict[tuple[str, tuple[str, ...], Path], dict[str, Array]] = {}
MOST_OPEN = 8


def _loaded(
    files: tuple[Path, ...], contents: tuple[str, ...], make: Make, name: str, where: Path
) -> dict[str, Array]:
    maker = make.func if isinstance(make, functools.partial) else make
    code = inspect.getsource(sys.modules[maker.__module__]), _readers()
    key = hashlib.sha256("\n".join([name, *code, *contents]).encode()).hexdigest()[:16]
    folder = where / f"{name}-{key}"
    with contextlib.suppress(OSError, ValueError):
        return _mapped(folder)
    arrays = {k: np.ascontiguousarray(v) for k, v in make(files).items()}
    try:
        _keep(arrays, folder)
        return _mapped(folder)
    except (OSError, ValueError):
        for array in arrays.values():
            array.flags.writeable = False
        return arrays


@functools.cache
def _readers() -> str:
    """Return the code of all data sets and readers, any of which may change the arrays."""
    here = Path(__file__).parents[1]
    return "".join(path.read_text() for path in sorted(here.rglob("*.py")))


def _mapped(folder: Path) -> dict[str, Array]:
    files = sorted(folder.glob("*.npy"))
    if not files:
        raise FileNotFoundError(folder)
    # Plain arrays on the mapped memory: slices of a subclass would be slower.
    return {p.stem: np.asarray(np.load(p, mmap_mode="r", allow_pickle=False)) for p in files}


def _keep(arrays: Mapping[str, Array], folder: Path) -> None:
    """Write arrays to a folder; another process may write the same arrays."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    try:
        for name, array in arrays.items():
            np.save(draft / f"{name}.npy", array, allow_pickle=False)
        if folder.exists():  # A damaged entry.
            shutil.rmtree(folder, ignore_errors=True)
        # A faster process wrote the same arrays.
        with contextlib.suppress(OSError):
            os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
