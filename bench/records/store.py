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
from bench.records.columns import frame, have, read
from bench.records.lines import Have, key_of, lines_of, read_line, write_line


class Store:
    """The records of a run folder.

    Opened with ``with`` it is the folder's only writer; :meth:`records` can be read at any time.

    Arguments:
        folder: The run's folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "records.jsonl"
        self._lock = FileLock(self.folder / ".lock", timeout=0)
        self._file: int | None = None
        #: Places that could not be read, "line 7", and were set aside.
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
        """Set damaged lines aside, so that the next commit starts on a line of its own."""
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
        """Add records, for good: when this returns they are on the disk, all of them.

        If the disk is full there are none of them.
        """
        self.append(b"".join(write_line(r) for r in records))

    def append(self, data: bytes) -> None:
        """Add lines, as :meth:`commit` does."""
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
                f"there is no room for more records in {self.folder}: {error.strerror}. What was "
                f"committed is whole; make room, and the same command goes on from there"
            ) from error

    def lines(self) -> Iterator[tuple[bytes, Record]]:
        """All undamaged lines with their records, in the order of commits."""
        for line in lines_of(self.path):
            record = read_line(line)
            if record is not None:
                yield line, record

    def records(self) -> Iterator[Record]:
        """The records that count, one for each key, in the order of the first ones.

        The latest counts; but one that failed does not where the same code had made a good one.
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
        """What became of each trial that has a record."""
        return have(self.path)

    def frame(self) -> pd.DataFrame:
        """The records as a frame, sorted by key, with the success at size 0 of the same cell."""
        return frame(read(self.path))


def _sync_folder(folder: Path) -> None:
    """Make sure that a new file's name is on the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
