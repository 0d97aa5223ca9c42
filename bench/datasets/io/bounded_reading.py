"""Reading of untrusted files, up to a bound."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from bench.core.errors import BenchError

#: The largest number of unpacked bytes of a file.
MOST = 2**31

OPENERS: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}


@contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn any error in a file's contents into an error with the file's name."""
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
    """Return all bytes of a file, unpacked if its name ends in .gz, .xz or .bz2.

    Arguments:
        path: The file.
        what: The expected contents, for errors.
        most: The largest number of bytes.

    Raises:
        BenchError: If the file is damaged, or has more bytes.
    """
    most = MOST if most is None else most
    with reading(path, what):
        opener = OPENERS.get(path.suffix)
        try:
            with cast(IO[bytes], opener(path) if opener else path.open("rb")) as file:
                # One more byte than allowed shows that there are too many.
                read = file.read(most + 1)
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            raise BenchError(f"{path} is cut short or damaged: {error}") from error
    if len(read) > most:
        raise BenchError(f"{path} holds more than {most} bytes, too many for {what}")
    return read
