"""Tables in files as frames of words."""

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.core.errors import BenchError, unknown
from bench.datasets.io import bounded_reading
from bench.datasets.io.bounded_reading import contents, reading

#: Delimiters of columns; of several that fit a header alike, the first is taken.
DELIMITERS = (",", ";", "\t", "|")
#: Names of columns that writers give to columns without a name.
UNNAMED = re.compile(r"|Unnamed: \d+(_level_\d+)?|__index_level_\d+__")


@dataclass(frozen=True, eq=False)
class UserFrame:
    """A user's table as words.

    Arguments:
        words: The columns, without blanks around words; a missing word is empty.
        dropped: The names of columns that were left out, each with the reason.
    """

    words: pd.DataFrame
    dropped: dict[str, str]


def read_frame(path: Path, needed: Sequence[str] = (), **how: Any) -> pd.DataFrame:
    """Read a table of a known layout, .csv or .parquet, compressed or not, as words.

    Arguments:
        path: The file.
        needed: The columns that are required.
        how: Options of ``pandas.read_csv``.

    Raises:
        BenchError: If the file is damaged, or lacks a column.
    """
    raw = contents(path, "a table")
    with reading(path, "a table"):
        if ".parquet" in path.suffixes:
            frame = _words(_bounded_table(path, raw))
        else:
            frame = pd.read_csv(
                io.BytesIO(raw), dtype=str, keep_default_na=False, encoding="utf-8", **how
            )
    _require(path, needed, list(frame.columns))
    return frame


def read_user_frame(path: Path, needed: Sequence[str], skip: Sequence[str] = ()) -> UserFrame:
    """Read a user's table, .csv or .parquet, compressed or not, as words.

    The delimiter of a CSV file is a comma, a semicolon, a tab or a vertical bar. All lines need
    as many fields as the header. A column without a name is left out if it counts the rows, or
    is empty.

    Arguments:
        path: The file.
        needed: The columns that are required.
        skip: The columns that are left out.

    Raises:
        BenchError: If the file is damaged, its columns are not distinct, or one is missing.
    """
    raw = contents(path, "a table")
    with reading(path, "a table"):
        if ".parquet" in path.suffixes:
            names, frame = _parse_parquet(path, raw, skip)
        else:
            names, frame = _parse_csv(path, _decoded(path, raw), [*needed, *skip])
            frame = frame.drop(columns=[name for name in skip if name in names])
    _require(path, [*needed, *skip], names)
    if not len(frame):
        raise BenchError(f"{path} has a header and no rows")
    unnamed = [bool(UNNAMED.fullmatch(name)) for name in frame.columns]
    dropped = dict.fromkeys(skip, "as asked")
    for position, name in enumerate(frame.columns):
        if unnamed[position]:
            dropped[name or "a column without a name"] = _unnamed(path, frame, position)
    return UserFrame(frame.loc[:, [not empty for empty in unnamed]], dropped)


def _require(path: Path, needed: Sequence[str], names: Sequence[str]) -> None:
    absent = [name for name in needed if name not in names]
    if absent:
        raise unknown(f"column in {path} named", absent[0], map(str, names))


def _distinct(path: Path, names: Sequence[str]) -> list[str]:
    """Return names without blanks around them.

    Raises:
        BenchError: If two columns have one name: one of them may be a copy of the label.
    """
    stripped = [name.strip() for name in names]
    twice = [name for i, name in enumerate(stripped) if name and name in stripped[:i]]
    if twice:
        raise BenchError(
            f"{path} has several columns named {twice[0]!r}; rename or remove all but one"
        )
    return stripped


def _unnamed(path: Path, frame: pd.DataFrame, position: int) -> str:
    """Return the reason to leave out a column without a name.

    Raises:
        BenchError: If it holds more than an index.
    """
    words, place = frame.iloc[:, position], f"column {position + 1}"
    if (words == "").all():
        return "it is empty"
    for first in (0, 1):
        if words.tolist() == [str(first + i) for i in range(len(words))]:
            return "it counts the rows"
    raise BenchError(
        f"{path}: {place} has no name, and holds {words[words != ''].iloc[0]!r} and other values; "
        f"name it in the header, or remove it"
    )


# ---- CSV -----------------------------------------------------------------------------------


def _decoded(path: Path, raw: bytes) -> str:
    """Return a file's text: UTF-8, or UTF-16 with its mark at the beginning."""
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BenchError(
            f"{path}: line {line} is not UTF-8 text (byte 0x{raw[error.start]:02x}); save the "
            f"file in UTF-8, e.g. with `iconv -f WINDOWS-1252 -t UTF-8`"
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise BenchError(
            f"{path}: line {line} has a zero byte, so that the file is not UTF-8 text, or damaged"
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _parse_csv(path: Path, text: str, needed: Sequence[str]) -> tuple[list[str], pd.DataFrame]:
    """Return the names of a CSV text's columns, and all rows."""
    header = next((line for line in text.split("\n") if line.strip()), "")
    if not header:
        raise BenchError(f"{path} is not a table, or it is damaged: it is empty")
    rows = _rows(path, text, _delimiter(header, needed))
    _, first = next(rows)
    names, body = _distinct(path, first), []
    _require(path, needed, names)
    for line, row in rows:
        if len(row) != len(names):
            raise BenchError(
                f"{path}: line {line} has {len(row)} fields, and the header {len(names)}; mend "
                f"the line, or the header where all lines have a field more (a delimiter at the "
                f"end of lines, or a column of row names)"
            )
        body.append([word.strip() for word in row])
    return names, pd.DataFrame(body, columns=names, dtype=object)


def _delimiter(header: str, needed: Sequence[str]) -> str:
    """Return the delimiter with which a header has the needed columns, and most columns."""

    def rank(delimiter: str) -> tuple[bool, int]:
        row = next(csv.reader([header], delimiter=delimiter, skipinitialspace=True))
        return {*needed} <= {name.strip() for name in row}, len(row)

    return max(DELIMITERS, key=rank)


def _rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV text that are not blank, each with the number of its first line."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    with _long_fields():
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise BenchError(
                    f"{path} is not a table, or it is damaged: a value that begins in line {line} "
                    f"has a quotation mark that is not closed, or not doubled ({error})"
                ) from error
            if len(row) > 1 or (row and row[0].strip()):
                yield line, row


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let the standard library read texts of any length."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


# ---- Parquet -------------------------------------------------------------------------------


def _bounded_table(path: Path, raw: bytes) -> pa.Table:
    """Read a Parquet file after a check of its unpacked size.

    A word that is written once may stand in a billion rows.
    """
    file = pq.ParquetFile(io.BytesIO(raw))
    size = 8 * file.metadata.num_rows * file.metadata.num_columns
    if size <= bounded_reading.MOST:
        texts = (pa.string(), pa.large_string())
        words = [f.name for f in file.schema_arrow if f.type in texts]
        table = pq.read_table(io.BytesIO(raw), read_dictionary=words)
        for column in table.columns:
            for chunk in column.chunks if pa.types.is_dictionary(column.type) else ():
                if chunk.dictionary.type in texts:
                    lengths = pc.binary_length(chunk.dictionary)
                    size += pc.sum(pc.take(lengths, chunk.indices)).as_py() or 0
        if size <= bounded_reading.MOST:
            return table
    raise BenchError(f"{path} unpacks to more than {bounded_reading.MOST} bytes")


def _parse_parquet(path: Path, raw: bytes, skip: Sequence[str]) -> tuple[list[str], pd.DataFrame]:
    """Return the names of a Parquet file's columns, and the rows of those that are not skipped."""
    names = _distinct(path, pq.ParquetFile(io.BytesIO(raw)).schema_arrow.names)
    table = _bounded_table(path, raw).rename_columns(names)
    table = table.drop_columns([name for name in skip if name in names])
    for field in table.schema:
        if not _is_plain(field.type):
            raise BenchError(
                f"{path}: column {field.name!r} holds {field.type}, and not numbers, words, "
                f"truth values or dates; drop=({field.name!r},) leaves it out"
            )
    return names, _words(table).map(str.strip)


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    if types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    checks = (
        types.is_boolean,
        types.is_integer,
        types.is_floating,
        types.is_decimal,
        types.is_string,
        types.is_large_string,
        types.is_null,
        types.is_date,
        types.is_timestamp,
    )
    return any(check(kind) for check in checks)


def _words(table: pa.Table) -> pd.DataFrame:
    # Without the writer's notes, by which some columns would become an index.
    frame = table.to_pandas(ignore_metadata=True).astype(object)
    return frame.where(frame.notna(), "").map(_word)


def _word(value: Any) -> str:
    """Return a value as a word; whole numbers without a point, as in a CSV file."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)
