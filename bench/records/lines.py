"""The line format of the file of records: one JSON object a line, each with a checksum.

A line is ``{"check": "...", "schema": 2, "record": {...}}``; the checksum is that of all bytes
after it.
"""

import json
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bench.core.errors import BenchError
from bench.experiment.trial import Key, Record

SCHEMA = 2
#: What older records leave unsaid, because there was nothing else: schema -> field -> value.
OLDER: dict[int, Record] = {1: {"recruitment": "uniform"}}
LINE = re.compile(rb'\{"check":"([0-9a-f]{8})",(.*)\n', re.DOTALL)
#: How a line starts, also after one whose end is damaged.
HEAD = b'{"check":"'
START = re.compile(b"(?=%s)" % re.escape(HEAD))
#: What every record says, and of which types that is.
KINDS = [
    (name, (int, float) if kind is float else (kind,))
    for name, kind in (Key.__annotations__ | {"status": str}).items()
]
#: What differs between two runs of one trial.
PASSING = ("seconds", "memory", "log")


class Have(NamedTuple):
    """What a store has of a trial: whether it is good, and the code that made it."""

    ok: bool
    code: str | None


def key_of(record: Record) -> Key:
    """The key of a record."""
    return Key(*(record[name] for name in Key._fields))


def write_line(record: Record) -> bytes:
    """Return a record as a line."""
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
