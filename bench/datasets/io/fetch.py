"""Download of data from OpenML into the data root."""

import hashlib
import io
import lzma
import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pandas as pd

from bench.core.errors import BenchError
from bench.datasets.base import Array
from bench.datasets.io.checksums import FetchedFile, note_digest, noted_digest, write_whole
from bench.datasets.io.data_root import root
from bench.datasets.io.source import Source

#: A function of the number of bytes so far.
Watch = Callable[[int], None]


def get(source: Source, watch: Watch = lambda size: None) -> FetchedFile:
    """Fetch a data set, check its digest, and write it into the data root.

    Arguments:
        source: Its place on OpenML.
        watch: A function that is called with the number of bytes so far.

    Raises:
        BenchError: If OpenML can't be reached, or the digest is another; then nothing is written.
    """
    folder = root()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".openml-", dir=folder) as home:
        bunch = _watched(source, Path(home), watch)
    content, raw = _images(source, bunch) if source.shape else _table(source, bunch)
    path = folder / source.file
    expected = source.sha256 or noted_digest(source.file)
    if expected and content != expected:
        raise BenchError(
            f"{source.name!r}, version {source.version}, has changed on OpenML: "
            f"its SHA-256 is {content}, expected {expected}; nothing was written"
        )
    write_whole(path, raw)
    if not source.sha256:
        note_digest(source.file, content)
    return FetchedFile(path, content, expected is not None)


def _watched(source: Source, home: Path, watch: Watch) -> Any:
    """Fetch a data set with scikit-learn, and report progress."""
    # Imported here, since the import is slow and only this function needs it.
    from sklearn.datasets import fetch_openml

    done = threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            watch(_size(home))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "A network error occurred")
            return fetch_openml(
                source.name,
                version=source.version,
                data_home=str(home),
                as_frame=True,
                parser="auto",
            )
    except (URLError, TimeoutError) as error:
        raise BenchError(
            f"OpenML, which has {source.name!r}, cannot be reached: {error}. Where there is no "
            f"network, put the files into {root()} by hand, in a layout that the dataset's "
            f"docstring names, or as {source.file} from a machine that got it"
        ) from error
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        raise BenchError(f"OpenML did not give {source.name!r}: {text}") from error
    finally:
        done.set()
        looking.join()
        watch(_size(home))


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # A temporary file.
            continue
    return total


def _images(source: Source, bunch: Any) -> tuple[str, bytes]:
    x = np.asarray(bunch.data, dtype=float)
    y = pd.to_numeric(pd.Series(np.asarray(bunch.target)).astype(str)).to_numpy()
    bytes_ = x.ndim == 2 and ((x >= 0) & (x <= 255) & (x == np.round(x))).all()
    if not bytes_ or x.shape[1] != int(np.prod(source.shape)) or len(x) <= source.train:
        raise BenchError(f"OpenML gave {x.shape} for {source.name!r}, not images {source.shape}")
    pictures = x.astype(np.uint8).reshape(len(x), *source.shape)
    first, last = slice(source.train), slice(source.train, None)
    arrays: dict[str, Array] = {
        "x_train": pictures[first],
        "y_train": y[first].astype(np.uint8),
        "x_test": pictures[last],
        "y_test": y[last].astype(np.uint8),
    }
    digest = hashlib.sha256()
    for array in arrays.values():
        digest.update(array.tobytes())
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return digest.hexdigest(), file.getvalue()


def _table(source: Source, bunch: Any) -> tuple[str, bytes]:
    frame = bunch.frame.rename(columns=dict(source.rename)).astype(object)
    text = frame.where(frame.notna(), "").to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest(), lzma.compress(text.encode())
