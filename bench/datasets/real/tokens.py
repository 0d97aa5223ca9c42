"""Texts as rows of token numbers, on which signals plant tokens and learners count n-grams."""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from sklearn.utils import murmurhash3_32

from algorithms.base import Array, Words

WORD = re.compile(r"\w+|[^\w\s]")
#: So many numbers are exact in single precision, and few words share one.
NUMBERS = 2**22

Length = Annotated[int, Ge(1)]


def number(word: str) -> int:
    """Return the number of a word, the same on every machine; zero is the padding.

    Example:
        >>> number("free") == number("Free") != number("freedom")
        True
    """
    return 1 + int(murmurhash3_32(word.lower(), positive=True)) % (NUMBERS - 1)


def tokens(texts: Sequence[str], length: int) -> Array:
    """Return texts as rows of numbers (N, length), float32, truncated or padded with zeros.

    A token is a word in lower case, or a single sign.

    Example:
        >>> tokens(["Hello, you!", ""], 3).astype(int).tolist() == [
        ...     [number("hello"), number(","), number("you")], [0, 0, 0]]
        True
    """
    known = functools.cache(number)
    x = np.zeros((len(texts), length), np.float32)
    for row, text in zip(x, texts, strict=True):
        words = [known(word) for word in WORD.findall(text)[:length]]
        row[: len(words)] = words
    return x


def vocabulary(texts: Iterable[str]) -> dict[int, str]:
    """Return the word of each number, for learners that read; of several words, the first.

    Example:
        >>> vocabulary(["Hello, you!"])[number("hello")]
        'hello'
    """
    words = dict.fromkeys(word.lower() for text in texts for word in WORD.findall(text))
    return {number(word): word for word in reversed(words)}


@dataclass(frozen=True, eq=False)
class Corpus:
    """Labelled texts.

    Arguments:
        x: Token numbers, (N, length), read-only.
        y: Labels, (N,), read-only.
        words: The word of each number.
        labels: The names of the labels.
    """

    x: Array
    y: Array
    words: Words
    labels: tuple[str, ...]


def corpus(texts: Sequence[str], y: Array, labels: tuple[str, ...], length: int) -> Corpus:
    """Return labelled texts as token numbers.

    Arguments:
        texts: The texts.
        y: Their labels, (N,).
        labels: The names of the labels.
        length: The number of tokens of each row.
    """
    x = tokens(texts, length)
    x.flags.writeable = y.flags.writeable = False
    return Corpus(x, y, vocabulary(texts), labels)
