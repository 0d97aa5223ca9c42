"""Files that somebody else wrote: read up to a bound, and refused with a reason."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from bench.core.errors import BenchError

#: No file of a dataset holds more than so many bytes once it is unpacked.
MOST = 2**31

OPENERS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn whatever goes wrong with a file's contents into an error that names the file."""
    try:
        yield
    except BenchError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise BenchError(f"{path} cannot be read: {error.strerror}") from error
        raise BenchError(f"{path} is not {what}, or it is damaged: {error}") from error
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        raise BenchError(f"{path} is not {what}, or it is damaged: {text}") from error


def contents(path: Path, what: str, most: int | None = None) -> bytes:
    """All bytes of a file, unpacked where its name ends in .gz, .xz or .bz2.

    Raises:
        BenchError: If it is damaged, or there are more than ``most``.
    """
    most = MOST if most is None else most
    with reading(path, what):
        opener = OPENERS.get(path.suffix)
        try:
            with cast(IO[bytes], opener(path) if opener else path.open("rb")) as file:
                # One byte more than allowed tells that there are too many.
                read = file.read(most + 1)
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            raise BenchError(f"{path} is cut short or damaged: {error}") from error
    if len(read) > most:
        raise BenchError(f"{path} holds more than {most} bytes, too many for {what}")
    return read
