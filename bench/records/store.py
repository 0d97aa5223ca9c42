"""The store: the records of a run in one append-only file of JSON lines.

:mod:`bench.records.lines` describes a line. A commit is one write and one sync of the file. Only
one process writes.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd
from filelock import FileLock, Timeout

from bench.core.errors import BenchError
from bench.experiment.trial import Key, Record
from bench.records import manifest
from bench.records.columns import environments, frame, have, read
from bench.records.lines import Have, key_of, lines_of, read_line, write_line


class Store:
    """The records of a run folder.

    In a ``with`` block the store is the folder's only writer. Reading needs no block.

    Arguments:
        folder: The run's folder.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     len(Store(folder).frame())
        0
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "records.jsonl"
        self._lock = FileLock(self.folder / ".lock", timeout=0)
        self._file: int | None = None
        #: Damaged lines, such as "line 7", that were moved to ``damaged.jsonl``.
        self.damaged: list[str] = []

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise BenchError(
                f"another process is writing to {self.folder}: wait for it, or give another --out"
            ) from None
        except OSError as error:
            raise BenchError(f"cannot write to {self.folder}: {error.strerror}") from error
        try:
            self._heal()
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            _sync_folder(self.folder)
        except OSError as error:
            self._lock.release()
            raise BenchError(f"cannot write to {self.folder}: {error.strerror}") from error
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._lock.release()

    def _heal(self) -> None:
        """Move damaged lines to ``damaged.jsonl``, so that the next commit starts a line."""
        bad = [i for i, line in enumerate(lines_of(self.path)) if read_line(line) is None]
        if not bad:
            return
        self.damaged = [f"line {i + 1}" for i in bad]
        known = frozenset(bad)
        with open(self.folder / "damaged.jsonl", "ab") as aside:
            for i, line in enumerate(lines_of(self.path)):
                if i in known:
                    aside.write(line.rstrip(b"\n") + b"\n")
            aside.flush()
            os.fsync(aside.fileno())
        healed = self.path.with_suffix(".healed")
        with open(healed, "wb") as file:
            file.writelines(l for i, l in enumerate(lines_of(self.path)) if i not in known)
            file.flush()
            os.fsync(file.fileno())
        healed.replace(self.path)

    def commit(self, records: Sequence[Record]) -> None:
        """Add records durably: they are on the disk when this returns.

        Descriptions of environments go to ``about.json``, and their digests into the records.

        Raises:
            BenchError: If the disk is full; then none of the records is added.
        """
        self.append(b"".join(map(write_line, manifest.with_digests(self.folder, records))))

    def append(self, data: bytes) -> None:
        """Add lines durably, as :meth:`commit` does."""
        if self._file is None:
            raise RuntimeError("the store is not open for writing")
        before = os.fstat(self._file).st_size
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:])
            os.fdatasync(self._file)
        except OSError as error:
            os.ftruncate(self._file, before)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise BenchError(
                f"there is no room for more records in {self.path}: {error.strerror}. Earlier "
                f"records are safe; free some space, and the same command continues from there"
            ) from error

    def lines(self) -> Iterator[tuple[bytes, Record]]:
        """Yield all undamaged lines with their records, in the order of commits."""
        for line in lines_of(self.path):
            record = read_line(line)
            if record is not None:
                yield line, record

    def records(self) -> Iterator[Record]:
        """Return one record for each key, in the order of first commits.

        The latest record of a key is taken, except that a failed one does not replace a good one
        of the same code.
        """
        latest: dict[Key, Record] = {}
        good: set[tuple[Key, str | None]] = set()
        for _, record in self.lines():
            key, code = key_of(record), record.get("code")
            if record["status"] == "ok":
                good.add((key, code))
            if record["status"] == "ok" or (key, code) not in good:
                latest[key] = record
        return iter(latest.values())

    def have(self) -> dict[Key, Have]:
        """Return status and code of each trial that has a record."""
        return have(self.path)

    def environments(self) -> dict[str | None, int]:
        """Return how many trials' records are of which environment, by digest."""
        return environments(self.path)

    def frame(self) -> pd.DataFrame:
        """Return records as a frame, sorted by key, with the success at size 0 of each cell."""
        return frame(read(self.path))


def _sync_folder(folder: Path) -> None:
    """Write a folder's entries to the disk, so that a new file's name lasts."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
