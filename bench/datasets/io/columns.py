"""Columns of users' tables: numbers, categories and labels, or an error with the odd value."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bench.core.errors import BenchError
from bench.datasets.base import Array

#: The value of a category where a word is missing.
MISSING = "?"
#: Words for missing numbers, in lower case.
MISSING_NUMBERS = frozenset(
    {
        "",
        "?",
        "na",
        "n/a",
        "#n/a",
        "n.a.",
        "<na>",
        "nan",
        "-nan",
        "null",
        "none",
        "nil",
        "-",
        "--",
        ".",
    }
)
MISSING_LABELS = frozenset({"", MISSING, "na", "n/a", "<na>", "nan", "null"})
#: A category with more values than this is text or names.
VALUES = 1000
#: So many values are plausible codes, like grades or numbers of children with "3+".
CODES = 20
#: Numbers beyond are not finite in single precision.
LARGEST = 1e37

NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
#: Numbers with thousands separators, decimal commas, currencies, percent signs, or not finite.
ODD_NUMBER = (
    r"(?i:[+-]?inf(?:inity)?)|"
    r"[(+\-\u2212]?\s*[$€£¥]?\s*[+\-\u2212]?\s*"
    r"[0-9.,][0-9.,'\u2019 \u00a0\u202f_]*(?:[eE][+-]?[0-9]+)?\s*[%‰$€£¥]?\s*\)?"
)
NUMBER_WITH_UNIT = r"(?:[A-Z]{3}\s+|US\$)?[+-]?[0-9][0-9.,]*(?:\s*[^\W\d_]{1,6})?"
DATE = (
    r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?:[T ].*)?|"
    r"[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2})(?:[T ].*)?|"
    r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:\s*[AaPp][Mm])?|"
    r"(?i:(?=.*[0-9]).*\b(?:jan|feb|mar|apr|may|june?|july?|aug|sep|oct|nov|dec)[a-z]*\b.*)"
)


def as_numbers(path: Path, words: "pd.Series[str]", name: str) -> "pd.Series[str] | None":
    """Return the words of a column of numbers, missing ones empty; None for a category.

    Arguments:
        path: The file, for errors.
        words: The column, (N,).
        name: Its name.

    Raises:
        BenchError: If some words are numbers in another notation or not finite, or if most words
            are numbers.
    """
    # Objects, since other strings take another dialect of regular expressions.
    words = words.astype(object)
    known = words[~words.str.casefold().isin(MISSING_NUMBERS)]
    if not len(known):
        return None
    plain = known.str.fullmatch(NUMBER)
    if plain.all():
        numbers = pd.to_numeric(known, errors="coerce").astype(float)
        large = known[~(numbers.abs() <= LARGEST)]
        if len(large):
            raise _odd(path, name, large, "too large for single precision")
        return words.where(words.index.isin(known.index), "")
    close = plain | known.str.fullmatch(ODD_NUMBER)
    many = known.nunique() > CODES
    if many:
        close |= known.str.fullmatch(NUMBER_WITH_UNIT)
    # A few numbers beside words are codes, like "3+"; one odd word among numbers is a slip.
    if close.mean() >= (0.5 if many else 0.95):
        raise _odd(path, name, known[~plain], "not a plain number, as other words there are")
    dates = known.str.fullmatch(DATE)
    if dates.all() or (many and dates.mean() >= 0.5):
        raise _odd(path, name, known[dates], "a date or time, and neither number nor category")
    return None


def _odd(path: Path, name: str, words: "pd.Series[str]", what: str) -> BenchError:
    return BenchError(
        f"{path}: column {name!r} has {words.iloc[0]!r} in row {words.index[0] + 1}, {what}. "
        f"Write numbers like 1234.5 and leave missing ones empty; or categories=({name!r},) reads "
        f"the column as a category, and drop=({name!r},) leaves it out"
    )


def category_values(
    path: Path, words: "pd.Series[str]", name: str, declared: bool
) -> tuple[str, ...]:
    """Return the sorted values of a categorical column; an empty word is a question mark.

    Arguments:
        path: The file, for errors.
        words: The column, (N,).
        name: Its name.
        declared: Whether the user says that it is a category.

    Raises:
        BenchError: If the column has too many values, or values of several lines.
    """
    lines = words[words.str.contains("\n")]
    if len(lines):
        raise BenchError(
            f"{path}: column {name!r} has a value of several lines in row {lines.index[0] + 1}, "
            f"{_short(lines.iloc[0])}: is a quotation mark not closed? drop=({name!r},) leaves "
            f"the column out"
        )
    values = tuple(sorted(set(words.replace("", MISSING))))
    most = VALUES if declared else min(VALUES, max(CODES, len(words) // 2))
    if len(values) > most:
        raise BenchError(
            f"{path}: column {name!r} has {len(values)} different words in {len(words)} "
            f"rows, like {_short(words[words != ''].iloc[0])}, too many for a category (at most "
            f"{most}); drop=({name!r},) leaves it out"
        )
    return values


def _short(word: str) -> str:
    return repr(word if len(word) <= 60 else f"{word[:60]}...")


def encode_labels(path: Path, words: Sequence[str], target: str) -> tuple[Array, tuple[str, ...]]:
    """Return labels as numbers (N,), and the labels in their order.

    Labels that are all numbers are in the order of numbers, others in that of words.

    Arguments:
        path: The file, for errors.
        words: The label of each row.
        target: The name of the column.

    Raises:
        BenchError: If there are too few or too many labels, missing ones, or two spellings of
            one number.
    """
    counts = Counter(words)
    absent = [i for i, word in enumerate(words) if word.casefold() in MISSING_LABELS]
    if absent or not 2 <= len(counts) <= VALUES:
        missing = ""
        if absent:
            word = words[absent[0]]
            missing = f", {'an empty one' if not word else repr(word)} in row {absent[0] + 1}"
        raise BenchError(
            f"{path}: {target} has {len(counts)} different labels"
            f"{missing}; it takes 2 to {VALUES}, none of them missing"
        )
    if len(counts) > max(2, len(words) // 2):
        raise BenchError(
            f"{path}: {target} has {len(counts)} different labels in {len(words)} rows, like "
            f"{_short(words[0])}: labels are classes, and not names or measurements"
        )
    if not all(re.fullmatch(NUMBER, word) for word in counts):
        ordered = tuple(sorted(counts))
    else:
        spellings: dict[float, str] = {}
        for word in sorted(counts):
            other = spellings.setdefault(float(word), word)
            if other != word:
                raise BenchError(
                    f"{path}: {target} has the labels {other!r} (row {words.index(other) + 1}) "
                    f"and {word!r} (row {words.index(word) + 1}), one number in two spellings; "
                    f"write one of them everywhere"
                )
        ordered = tuple(sorted(counts, key=float))
    place = {label: i for i, label in enumerate(ordered)}
    return np.array([place[word] for word in words], np.int64), ordered


def label_number(aim: str, labels: Sequence[str]) -> int:
    """Return the number of a label; of the last one, if the name is empty."""
    if aim and aim not in labels:
        raise unknown_aim(aim, labels)
    return labels.index(aim) if aim else len(labels) - 1


def unknown_aim(aim: object, labels: Sequence[str]) -> BenchError:
    """Return the error for an aim that no row has as its label."""
    return BenchError(f"aim={aim!r} is no label; the labels are {', '.join(labels)}")
