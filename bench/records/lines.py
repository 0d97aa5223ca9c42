"""The line format of the file of records: one JSON object a line, each with a checksum.

A line is ``{"check": "...", "schema": 3, "record": {...}}``; the checksum is that of all bytes
after it.
"""

import json
import os
import re
import zlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bench.core.errors import BenchError
from bench.experiment.trial import Key, Record

#: The schema of this version's lines. Records of other schemas name components by fields that
#: this version does not know.
SCHEMA = 3
LINE = re.compile(rb'\{"check":"([0-9a-f]{8})",(.*)\n', re.DOTALL)
#: The start of a line, also after a line whose end is damaged.
HEAD = b'{"check":"'
START = re.compile(b"(?=%s)" % re.escape(HEAD))
#: The fields of every record, and the types that their values may have together.
FIELDS = (*Key._fields, "status")
KINDS = frozenset(
    product(
        *(
            (int, float) if kind is float else (kind,)
            for kind in (*Key.__annotations__.values(), str)
        )
    )
)
#: Fields that differ between two runs of one trial.
PASSING = ("seconds", "log", "environment")


class Have(NamedTuple):
    """The latest record of a trial: whether it is good, and the code that made it."""

    ok: bool
    code: str | None


def key_of(record: Record) -> Key:
    """Return the key of a record."""
    return Key(*(record[name] for name in Key._fields))


def write_line(record: Record) -> bytes:
    """Return a record as a line."""
    content = {"schema": SCHEMA, "record": record}
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))[1:].encode()
    return b'{"check":"%08x",%s\n' % (zlib.crc32(text), text)


def read_line(line: bytes) -> Record | None:
    """Return the record on a line, or None where the line is damaged.

    Raises:
        BenchError: If the record is of another schema.
    """
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
        if schema != SCHEMA:
            raise BenchError(
                f"the records have schema {schema}, and this version reads schema {SCHEMA} alone, "
                f"since names of components or of their fields differ: read them with the version "
                f"that wrote them, or run the grid again into a new --out"
            )
        if _is_record(record):
            return record
    return None


def _is_record(record: Any) -> bool:
    """Return whether a value has the fields of every record."""
    return isinstance(record, dict) and tuple(map(type, map(record.get, FIELDS))) in KINDS


def blocks_of(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield the bytes of a file between two positions, a few megabytes at a time.

    Arguments:
        path: The file; it may be missing.
        start: The position of the first byte.
        end: The position behind the last byte; the end of the file if None.
    """
    if not path.exists():
        return
    with open(path, "rb") as file:
        file.seek(start)
        left = (os.fstat(file.fileno()).st_size if end is None else end) - start
        while left > 0 and (block := file.read(min(left, 1 << 22))):
            left -= len(block)
            yield block


def lines_of(path: Path, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Yield the lines of a file; a damaged end does not join a line to the next one.

    Arguments:
        path: The file; it may be missing.
        start: The position of the first byte.
        end: The position behind the last byte; the end of the file if None.
    """
    rest = b""
    for block in blocks_of(path, start, end):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield from _apart(line + b"\n")
    if rest:
        yield from _apart(rest)


def _apart(line: bytes) -> list[bytes]:
    """Split a line that may hold several, because the end of one is damaged."""
    return [line] if line.find(HEAD, 1) < 0 else [l for l in START.split(line) if l]
