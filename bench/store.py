"""The records of a run: one append-only file of JSON lines, and what can go wrong with it.

A line is ``{"check": "...", "schema": 1, "record": {...}}``, with a checksum of all that follows
it. A commit is one write and one sync of the file. Only one process writes.
"""

import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
from filelock import FileLock, Timeout

from bench.errors import BenchError
from bench.trial import Key, Record

SCHEMA = 1
LINE = re.compile(rb'\{"check":"([0-9a-f]{8})",(.*)\n', re.DOTALL)
COLUMNS = [
    *Key._fields, "members", "n", "code", "success", "won", "tested", "success_others",
    "accuracy", "worst_group", "effective_size", "firm_accuracy", "firm_worst_group", "firm_loss",
    "suspected", "precision", "recall", "seconds", "memory", "status", "error", "epochs",
]  # fmt: skip
NUMBERS = COLUMNS[COLUMNS.index("success") : COLUMNS.index("seconds")]


def key_of(record: Record) -> Key:
    """The key of a record."""
    return Key(*(record[name] for name in Key._fields))


def _line(record: Record) -> bytes:
    content = {"schema": SCHEMA, "record": record}
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))[1:].encode()
    return b'{"check":"%08x",%s\n' % (zlib.crc32(text), text)


def _read(line: bytes) -> Record | None:
    """The record on a line, or None where the line is damaged."""
    found = LINE.fullmatch(line)
    if found is None or int(found[1], 16) != zlib.crc32(found[2]):
        return None
    content = json.loads(b"{" + found[2])
    if content["schema"] != SCHEMA:
        raise BenchError(
            f"the records are of schema {content['schema']}, and this version reads schema "
            f"{SCHEMA}: use the version that wrote them, or a new --out"
        )
    return content["record"]


def _lines(path: Path) -> list[bytes]:
    """The lines of a file, apart also where the end of one is damaged."""
    data = path.read_bytes() if path.exists() else b""
    return [line for line in re.split(rb'(?<=\n)|(?=\{"check":")', data) if line]


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
        lines = _lines(self.path)
        good = [_read(line) is not None for line in lines]
        if all(good):
            return
        self.damaged = [f"line {i + 1}" for i, ok in enumerate(good) if not ok]
        with open(self.folder / "damaged.jsonl", "ab") as aside:
            aside.writelines(
                line.rstrip(b"\n") + b"\n" for line, ok in zip(lines, good, strict=True) if not ok
            )
            os.fsync(aside.fileno())
        healed = self.path.with_suffix(".healed")
        with open(healed, "wb") as file:
            file.writelines(line for line, ok in zip(lines, good, strict=True) if ok)
            os.fsync(file.fileno())
        healed.replace(self.path)

    def commit(self, records: Sequence[Record]) -> None:
        """Add records, for good: when this returns they are on the disk."""
        if self._file is None:
            raise RuntimeError("the store is not open for writing")
        data = b"".join(_line(r) for r in records)
        written = os.write(self._file, data)
        while written < len(data):
            written += os.write(self._file, data[written:])
        os.fdatasync(self._file)

    def records(self) -> Iterator[Record]:
        """The latest record of each key, in the order of the first ones; good beats failed."""
        latest: dict[Key, Record] = {}
        for record in map(_read, _lines(self.path)):
            if record is None:
                continue
            before = latest.get(key_of(record))
            if before is None or before["status"] != "ok" or record["status"] == "ok":
                latest[key_of(record)] = record
        return iter(latest.values())

    def frame(self) -> pd.DataFrame:
        """The records as a frame, sorted by key, with the success at size 0 of the same cell."""
        return frame(self.records())


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """A frame of records, sorted by key so that it does not depend on the order of finishing."""
    rows: list[dict[str, Any]] = [{c: r.get(c) for c in COLUMNS} for r in records]
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values(list(Key._fields), ignore_index=True)
    table[NUMBERS] = table[NUMBERS].astype(float)
    cell = [name for name in Key._fields if name != "size"]
    control = table[table["size"] == 0].set_index(cell)["success"].rename("success0")
    return table.join(control, on=cell)
