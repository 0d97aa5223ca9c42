"""Records by columns, so that a million of them becomes a frame in seconds.

``records.parquet`` beside the file of records is a cache: a copy by columns of the first part of
the file, with the length and the checksum of that part. The cache is used only where it agrees
with the file, and may be deleted at any time.
"""

import contextlib
import gc
import json
import os
import warnings
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice, pairwise, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from joblib import Parallel, cpu_count, delayed

from bench.core.errors import BenchError
from bench.experiment.trial import Key, Record
from bench.records.fields import AVERAGED, COLUMNS, RECORD_FIELDS
from bench.records.lines import Have, blocks_of, lines_of, read_line

_ARROW: dict[str, Any] = {
    "text": pa.dictionary(pa.int32(), pa.string()),
    "number": pa.float64(),
    "integer": pa.int64(),
    "json": pa.string(),
    "numbers": pa.map_(pa.string(), pa.float64()),
}
TYPES: dict[str, Any] = {field.name: _ARROW[field.type] for field in RECORD_FIELDS}
_JSON = [field.name for field in RECORD_FIELDS if field.type == "json"]
#: Records that are converted at once, and the number of records outside the cache that renews it.
BATCH, RENEW = 20_000, 20_000
#: The least number of bytes of records that are worth a process of their own.
PART = 1 << 26


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the garbage collector, which would search millions of new records for cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_without_collector()
def table(records: Iterable[Record]) -> pa.Table:
    """Convert records to a table with a row each."""
    pieces, source = [], iter(records)
    while rows := list(islice(source, BATCH)):
        columns = _columns(rows)
        for name in _JSON:
            columns[name] = [value and json.dumps(value) for value in columns[name]]
        columns["size"] = [float(size) for size in columns["size"]]
        try:
            arrays = [_array(columns[name], kind) for name, kind in TYPES.items()]
        except (AttributeError, TypeError, pa.ArrowInvalid, OverflowError) as error:
            raise BenchError(f"a record has a value of the wrong type: {error}") from error
        pieces.append(pa.Table.from_arrays(arrays, list(TYPES)))
    if not pieces:
        return pa.schema(list(TYPES.items())).empty_table()
    return pa.concat_tables(pieces).unify_dictionaries()


def _columns(rows: list[Record]) -> dict[str, list[Any]]:
    """Return the values of each column in some records; None where a record lacks a field."""
    columns: dict[str, list[Any]] = {name: [] for name in TYPES}
    # Most neighbours have the same fields: their values are transposed without a look-up.
    for names, alike in groupby(rows, tuple):
        values = zip(*map(dict.values, alike), strict=True)
        found: dict[Any, Sequence[Any]] = dict(zip(names, values, strict=True))
        count = len(next(iter(found.values())))
        for name, column in columns.items():
            column.extend(found[name] if name in found else repeat(None, count))
    return columns


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_map(kind):
        named = [v or {} for v in values]
        ends = np.cumsum([0, *map(len, named)], dtype=np.int32)
        names = pa.array([name for v in named for name in v], pa.string())
        items = pa.array([item for v in named for item in v.values()], pa.float64())
        return pa.MapArray.from_arrays(pa.array(ends), names, items)
    if not pa.types.is_dictionary(kind):
        return pa.array(values, kind)
    try:
        words = pa.array(values, pa.string())
    except UnicodeEncodeError:  # what a process printed may be no text
        words = pa.array([v and v.encode(errors="backslashreplace").decode() for v in values])
    return words.dictionary_encode().cast(kind)


def read(path: Path) -> pa.Table:
    """Read the rows of a file of records: those of its cache, and all later ones."""
    copy = path.with_suffix(".parquet")
    kept, start, check = _copied(path, copy)
    # Another process may be appending: a line without its end is read the next time.
    end = _whole(path, start)
    later = _parsed(path, start, end)
    rows = later if kept is None else pa.concat_tables([kept, later]).unify_dictionaries()
    if len(later) >= max(RENEW, len(rows) // 4):
        metadata = {"length": str(end), "check": str(checksum(path, start, end, check))}
        with contextlib.suppress(OSError):
            draft = copy.with_suffix(f".draft{os.getpid()}")
            pq.write_table(rows.replace_schema_metadata(metadata), draft, compression="zstd")
            draft.replace(copy)
    return rows


def _parsed(path: Path, start: int, end: int) -> pa.Table:
    """Return the rows of a part of a file; those of a large one are read by several processes."""
    ends = _ends(path, start, end, min(cpu_count(), (end - start) // PART))
    if len(ends) < 2:
        return _rows(path, start, end)
    with warnings.catch_warnings():
        # Python warns of threads, whose locks a fork may find taken. Reading uses none.
        warnings.simplefilter("ignore", DeprecationWarning)
        pieces = Parallel(len(ends), backend="multiprocessing")(
            delayed(_rows)(path, *part) for part in pairwise([start, *ends])
        )
    return pa.concat_tables(pieces).unify_dictionaries()


def _rows(path: Path, start: int, end: int) -> pa.Table:
    """Return the rows of a part of a file that begins and ends with whole lines."""
    return table(r for line in lines_of(path, start, end) if (r := read_line(line)))


def _ends(path: Path, start: int, end: int, parts: int) -> list[int]:
    """Return the ends of about equal parts of a part of a file, each the end of a line."""
    ends = []
    if parts > 1:
        with open(path, "rb") as file:
            for i in range(1, parts):
                file.seek(start + i * (end - start) // parts)
                file.readline()
                ends.append(min(file.tell(), end))
    return [*dict.fromkeys([*ends, end])]


def _whole(path: Path, start: int) -> int:
    """Return the position behind the last complete line."""
    place = end = start
    for block in blocks_of(path, start):
        last = block.rfind(b"\n")
        end = place + last + 1 if last >= 0 else end
        place += len(block)
    return end


def _copied(path: Path, copy: Path) -> tuple[pa.Table | None, int, int]:
    """Return the rows of a valid cache, or None, with the length and checksum that they cover."""
    try:
        kept = pq.read_table(copy)
        length, check = (int(kept.schema.metadata[name]) for name in (b"length", b"check"))
        if kept.column_names == list(TYPES) and checksum(path, 0, length) == check:
            return kept.cast(pa.schema(list(TYPES.items()))), length, check
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        pass
    return None, 0, 0


def checksum(path: Path, start: int, end: int, before: int = 0) -> int:
    """Return the checksum of a part of a file.

    Arguments:
        path: The file.
        start: The position of the first byte.
        end: The position behind the last byte.
        before: The checksum of all bytes before ``start``, which the result extends.
    """
    for block in blocks_of(path, start, end):
        before = zlib.crc32(block, before)
    return before


def latest(rows: pa.Table) -> tuple[pa.Table, dict[str, np.ndarray[Any, Any]]]:
    """Return one row for each key, sorted by key, and the keys as ranks.

    The latest record of a key is taken, except that a failed one does not replace a good one of
    the same code.
    """
    ranks = {name: _ranks(rows[name]) for name in (*Key._fields, "code")}
    good = rows["status"].cast(pa.string()).to_numpy(zero_copy_only=False) == "ok"
    place = np.arange(len(rows))
    key = _combined(ranks, Key._fields)
    if not good.all():
        made = _combined({"key": key, "code": ranks["code"]}, ("key", "code"))
        first = np.full(made.max(initial=-1) + 1, len(rows))
        np.minimum.at(first, made[good], place[good])
        counts = good | (place < first[made])
        place, key = place[counts], key[counts]
    # Keys are numbered in their order; of equal ones the last is in the end.
    last = np.full(key.max(initial=-1) + 1, -1)
    np.maximum.at(last, key, place)
    kept = last[last >= 0]
    return rows.take(kept), {name: rank[kept] for name, rank in ranks.items()}


def _ranks(column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """Return integers in the order of a column's values."""
    if not pa.types.is_dictionary(column.type):
        return pd.factorize(column.to_numpy(), sort=True)[0]
    whole = column.combine_chunks()
    words = np.array(whole.dictionary.to_pylist(), dtype=object)
    order = np.empty(len(words), dtype=np.int64)
    order[np.argsort(words)] = np.arange(len(words))
    codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.where(codes < 0, -1, order[codes]) if len(words) else np.full(len(codes), -1)


def _combined(ranks: dict[str, Any], names: Iterable[str]) -> np.ndarray[Any, Any]:
    """Combine several ranks into one, in lexicographic order, without gaps."""
    key = np.zeros(len(next(iter(ranks.values()))), dtype=np.int64)
    for name in names:
        rank = ranks[name] + 1
        key = pd.factorize(key * (rank.max(initial=0) + 1) + rank, sort=True)[0]
    return key


def frame(rows: pa.Table) -> pd.DataFrame:
    """Return the latest rows as a frame, sorted by key, with the success at size 0 of each cell.

    Numbers by name have a column for each name: ``bound_exact``, ``measure_success_0``.
    ``attrs["averaged"]`` names the columns that success curves average.
    """
    rows, ranks = latest(rows)
    made = {}
    for name in COLUMNS:
        plain = pa.types.is_dictionary(rows[name].type)
        made[name] = (rows[name].cast(pa.string()) if plain else rows[name]).to_pandas()
    for name in _JSON:
        texts = made[name].astype(object)
        made[name] = texts.where(texts.isna(), texts.map(json.loads, na_action="ignore"))
    shown = pd.DataFrame(made, columns=COLUMNS)
    cell = _combined(ranks, [name for name in Key._fields if name != "size"])
    success = shown["success"].to_numpy()
    control = np.full(cell.max(initial=-1) + 1, np.nan)
    zero = shown["size"].to_numpy() == 0
    control[cell[zero]] = success[zero]
    shown = shown.assign(success0=control[cell], **_by_name(rows))
    shown.attrs["averaged"] = AVERAGED
    return shown


def _by_name(rows: pa.Table) -> dict[str, np.ndarray[Any, Any]]:
    """Return a column for each name of a number; NaN in rows without it."""
    found = {}
    for field in RECORD_FIELDS:
        if field.type != "numbers":
            continue
        column = rows[field.name].combine_chunks()
        names = column.keys.to_numpy(zero_copy_only=False)
        values = column.items.cast(pa.float64()).to_numpy(zero_copy_only=False)
        place = np.repeat(np.arange(len(rows)), np.diff(column.offsets.to_numpy()))
        for name in sorted(set(names)):
            made = found[field.prefix + name] = np.full(len(rows), np.nan)
            made[place[names == name]] = values[names == name]
    return found


def have(path: Path) -> dict[Key, Have]:
    """Return status and code of each trial in a file of records."""
    rows, _ = latest(read(path))
    *keys, codes, statuses = (_shared(rows[name]) for name in (*Key._fields, "code", "status"))
    found: dict[Key, Have] = {}
    kinds: dict[tuple[bool, str | None], Have] = {}
    for *key, code, status in zip(*keys, codes, statuses, strict=True):
        kind = status == "ok", code
        found[Key(*key)] = kinds.setdefault(kind, Have(*kind))
    return found


def environments(path: Path) -> dict[str | None, int]:
    """Return how many trials of a file of records are of which environment, by digest."""
    rows, _ = latest(read(path))
    return dict(Counter(_shared(rows["environment"])))


def _shared(column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a column; equal ones are one object, since they are few."""
    if not pa.types.is_dictionary(column.type):
        kept: dict[Any, Any] = {}
        return [kept.setdefault(value, value) for value in column.to_pylist()]
    whole = column.combine_chunks()
    words = [*whole.dictionary.to_pylist(), None]
    return [words[-1 if i is None else i] for i in whole.indices.to_pylist()]
