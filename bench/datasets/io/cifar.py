"""The pickles of CIFAR-10, read without execution of their code."""

import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.errors import BenchError
from bench.datasets.base import Array
from bench.datasets.io.bounded_reading import contents, reading

#: A limit in bytes; a batch has some 31 MB.
MOST = 2**26
ROW = 3 * 32 * 32


class _Bytes:
    """A placeholder of an array in a pickle, which accepts unsigned bytes only."""

    def __init__(self, *_: Any) -> None:
        self.array: Array | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_columns, raw = state
        plain = isinstance(raw, bytes) and isinstance(kind, _Kind) and kind.name == "u1"
        if not plain or by_columns or math.prod(shape) != len(raw):
            raise pickle.UnpicklingError("an array that does not hold plain unsigned bytes")
        self.array = np.frombuffer(raw, np.uint8).reshape(shape)


class _Kind:
    """A placeholder of a type of numbers."""

    def __init__(self, name: Any, *_: Any) -> None:
        self.name = name.decode() if isinstance(name, bytes) else name

    def __setstate__(self, state: Any) -> None:
        pass


def _latin(text: str, encoding: str = "latin1") -> bytes:
    """Return bytes, as Python 3 writes them in the old protocol."""
    return text.encode("latin1")


class _Array:
    """A placeholder of the class of arrays."""


#: The names that a batch may use, and their placeholders, none of them from the file.
ALLOWED = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Bytes for core in ("core", "_core")},
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Kind,
    ("_codecs", "encode"): _latin,
}


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return the placeholder of a name; a pickle has no other access to Python."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}, which is not allowed")
        return ALLOWED[module, name]


def read_batch(path: Path) -> tuple[Array, Array]:
    """Return images (n, 3, 32, 32), bytes, and labels (n,) of a batch of CIFAR-10."""
    what = "a batch of CIFAR-10"
    raw = contents(path, what, MOST)
    with reading(path, what):
        batch = _Restricted(io.BytesIO(raw), encoding="bytes").load()
        named = {k.decode() if isinstance(k, bytes) else k: v for k, v in dict(batch).items()}
        data, labels = named["data"], named["labels"]
        x = data.array if isinstance(data, _Bytes) else None
        numbers = isinstance(labels, list) and all(type(label) is int for label in labels)
        if x is None or x.shape != (len(labels), ROW) or not numbers:
            raise BenchError(f"{path} is not {what}: it lacks rows of {ROW} bytes with labels")
        y = np.array(labels, np.int64)
        if len(y) and not 0 <= y.min() <= y.max() <= 9:
            raise BenchError(f"{path} is not {what}: its labels are not 0..9")
        return x.reshape(-1, 3, 32, 32), y
