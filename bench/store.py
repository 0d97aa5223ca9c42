"""The records of a run: one append-only file of JSON lines, and what can go wrong with it.

A line is ``{"check": "...", "schema": 2, "record": {...}}``, with a checksum of all that follows
it. A commit is one write and one sync of the file. Only one process writes.
"""

import errno
import json
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson
import pandas as pd
from filelock import FileLock, Timeout

from bench.errors import BenchError
from bench.trial import Key, Record

SCHEMA = 2
#: What older records leave unsaid, because there was nothing else: schema -> field -> value.
OLDER: dict[int, Record] = {1: {"recruitment": "uniform"}}
LINE = re.compile(rb'\{"check":"([0-9a-f]{8})",(.*)\n', re.DOTALL)
#: How a line starts, also after one whose end is damaged.
HEAD = b'{"check":"'
START = re.compile(b"(?=%s)" % re.escape(HEAD))
#: What every record says, and of which types that is.
KINDS = [(name, (int, float) if kind is float else (kind,)) for name, kind in
         (Key.__annotations__ | {"status": str}).items()]  # fmt: skip
#: What differs between two runs of one trial.
PASSING = ("seconds", "memory", "log")


class Have(NamedTuple):
    """What a store has of a trial: whether it is good, and the code that made it."""

    ok: bool
    code: str | None


def key_of(record: Record) -> Key:
    """The key of a record."""
    return Key(*(record[name] for name in Key._fields))


def _line(record: Record) -> bytes:
    content = {"schema": SCHEMA, "record": record}
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))[1:].encode()
    return b'{"check":"%08x",%s\n' % (zlib.crc32(text), text)


def read_line(line: bytes) -> Record | None:
    """The record on a line, or None where the line is damaged."""
    found = LINE.fullmatch(line)
    if found is None or int(found[1], 16) != zlib.crc32(found[2]):
        return None
    # The fast reader refuses what only the slow one reads: lone surrogates, in a log say.
    for loads in (orjson.loads, json.loads):
        try:
            content = loads(b"{" + found[2])
            schema, record = content["schema"], content["record"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if schema in OLDER and isinstance(record, dict):
            record = OLDER[schema] | record
        elif schema != SCHEMA:
            raise BenchError(
                f"the records are of schema {schema}, and this version reads schemas "
                f"{', '.join(map(str, (*OLDER, SCHEMA)))}: use the version that wrote them, or a "
                f"new --out"
            )
        if _is_record(record):
            return record
    return None


def _is_record(record: Any) -> bool:
    """Whether it says what every record says."""
    if not isinstance(record, dict):
        return False
    return all(type(record.get(name)) in kinds for name, kinds in KINDS)


def blocks_of(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes of a file between two places, a few megabytes at a time."""
    if not path.exists():
        return
    with open(path, "rb") as file:
        file.seek(start)
        left = (os.fstat(file.fileno()).st_size if end is None else end) - start
        while left > 0 and (block := file.read(min(left, 1 << 22))):
            left -= len(block)
            yield block


def lines_of(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The lines of a file, apart also where the end of one is damaged."""
    rest = b""
    for block in blocks_of(path, start, end):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield from _apart(line + b"\n")
    if rest:
        yield from _apart(rest)


def _apart(line: bytes) -> list[bytes]:
    """The lines in one that may hold several, since the end of one is damaged."""
    return [line] if line.find(HEAD, 1) < 0 else [l for l in START.split(line) if l]


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
        self.append(b"".join(_line(r) for r in records))

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
        from bench.columns import have

        return have(self.path)

    def frame(self) -> pd.DataFrame:
        """The records as a frame, sorted by key, with the success at size 0 of the same cell."""
        from bench.columns import frame, read

        return frame(read(self.path))


def _sync_folder(folder: Path) -> None:
    """Make sure that a new file's name is on the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
