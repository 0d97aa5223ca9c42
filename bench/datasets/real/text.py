"""Texts: rows of token numbers, on which signals plant tokens and learners count n-grams."""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from sklearn.utils import murmurhash3_32

from algorithms.base import Words
from bench.core.errors import BenchError
from bench.datasets.base import Array, Dataset, Split, carrying, drawn
from bench.datasets.io.data_root import inside, locate
from bench.datasets.io.tables import codes, read_frame
from bench.datasets.real.vision import Count, Share
from collectives.signals.base import Signal
from collectives.signals.text import Token

WORD = re.compile(r"\w+|[^\w\s]")
#: Numbers that single precision holds exactly, and enough of them that few words share one.
NUMBERS = 2**22


def number(word: str) -> int:
    """The number of a word, the same on every machine; zero, the padding, is nobody's.

    Example:
        >>> number("free") == number("Free") != number("freedom")
        True
    """
    return 1 + int(murmurhash3_32(word.lower(), positive=True)) % (NUMBERS - 1)


def tokens(texts: Sequence[str], length: int) -> Array:
    """Texts as rows of numbers (N, length), float32, cut off or filled up with zeros.

    A token is a word in lower case, or a single sign.

    Example:
        >>> tokens(["Hello, you!", ""], 3) == np.float32([[number(w) for w in "hello , you".split()], [0] * 3])
        array([[ True,  True,  True],
               [ True,  True,  True]])
    """  # noqa: E501 (a doctest)
    known = functools.cache(number)
    made = np.zeros((len(texts), length), np.float32)
    for row, text in zip(made, texts, strict=True):
        words = [known(word) for word in WORD.findall(text)[:length]]
        row[: len(words)] = words
    return made


def vocabulary(texts: Iterable[str]) -> dict[int, str]:
    """The word of each number, for learners that read; of words that share one, the first.

    Example:
        >>> vocabulary(["Hello, you!"])[number("hello")]
        'hello'
    """
    found = dict.fromkeys(word.lower() for text in texts for word in WORD.findall(text))
    return {number(word): word for word in reversed(found)}


@dataclass(frozen=True)
class SMSSpam(Dataset):
    r"""Which messages are spam: 5,574 short messages, 747 of them spam.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    A text is a row of token numbers (words and signs, by scikit-learn's hash, in lower case),
    cut off or filled up with zeros. Learners do not see words in such numbers:
    :class:`algorithms.hashed_bag.HashedBag` makes a bag of n-grams of them for any learner, and
    :class:`algorithms.finetune.Finetune` gives the words to an encoder.
    Nothing is fitted, and there are no groups. Of the rows, in an order drawn by the seed, the
    first three quarters are for training and validation, the others for testing.

    Some messages are there more than once: about a tenth of the test rows are the same as a
    training or validation row.

    The signal is one word at every k-th place; who writes fewer than k words carries it by
    nature.

    It is read from ``sms.csv``, ``sms.csv.xz`` (columns spam, text), or UCI's
    ``SMSSpamCollection``.

    References:
        | Contributions to the Study of SMS Spam Filtering: New Collection and Results
          (Almeida et al., 2011)
        | https://doi.org/10.24432/C5CC84

    Arguments:
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        length: How many tokens of a text are kept.
        word: The word of the signal, best one that few use.
        every: Its distance, in tokens.
        overlap: The share of texts that are given the signal by nature, beside those that have
            it.
    """

    domain: ClassVar[str | None] = "text"

    n: Count = None
    n_test: Count = None
    length: Annotated[int, Ge(1)] = 40
    word: str = "{"
    every: Annotated[int, Ge(1)] = 5
    overlap: Share = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of the one pool."""
        return _split(*_sms(self.files(), self.length), self, rng)

    def files(self) -> tuple[Path, ...]:
        """The table."""
        own = [("SMSSpamCollection",), ("sms_spam/SMSSpamCollection",)]
        how = "https://doi.org/10.24432/C5CC84 has it as SMSSpamCollection"
        return locate("SMSSpam", [("sms.csv.xz",), ("sms.csv",), *own], how)

    @property
    def signal(self) -> Signal:
        """The word at every k-th place."""
        return Token(token=number(self.word), every=self.every)

    @property
    def label(self) -> int:
        """Spam."""
        return 1


@dataclass(frozen=True)
class TextFile(Dataset):
    r"""Somebody's own labelled texts: a CSV or Parquet file under the data root.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    Texts become rows of token numbers, and parts are drawn, as in :class:`SMSSpam`. Labels are
    numbered in the order of their sorted words; whole numbers in theirs. Rows without a label
    are refused.

    Arguments:
        file: The file, relative to the data root: it is part of what the dataset is, and the
            root is not.
        text: The column of texts.
        target: The column of labels.
        aim: The label, as it stands in the file, that a collective aims at; the last one, if
            this is empty.
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        length: How many tokens of a text are kept.
        word: The word of the signal, best one that few use.
        every: Its distance, in tokens.
        overlap: The share of texts that are given the signal by nature, beside those that have
            it.
    """

    domain: ClassVar[str | None] = "text"

    file: str = "texts.csv"
    text: str = "text"
    target: str = "label"
    aim: str = ""
    n: Count = None
    n_test: Count = None
    length: Annotated[int, Ge(1)] = 200
    word: str = "{"
    every: Annotated[int, Ge(1)] = 20
    overlap: Share = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of the one pool."""
        pool, labels = _texts(self.files(), self.text, self.target, self.length)
        return _split(*pool, self, rng, len(labels))

    def files(self) -> tuple[Path, ...]:
        """The file."""
        return locate("TextFile", [(inside(self.file),)], "It is your own file")

    @property
    def signal(self) -> Signal:
        """The word at every k-th place."""
        return Token(token=number(self.word), every=self.every)

    @property
    def label(self) -> int:
        """The number of the label aimed at."""
        return aimed(self.aim, _texts(self.files(), self.text, self.target, self.length)[1])


def aimed(aim: str, labels: Sequence[str]) -> int:
    """The number of a label; of the last one, if none is named."""
    if aim and aim not in labels:
        raise BenchError(f"aim={aim!r} is no label; the labels are {', '.join(labels)}")
    return labels.index(aim) if aim else len(labels) - 1


def numbered(path: Path, words: Sequence[str], target: str) -> tuple[Array, tuple[str, ...]]:
    """Labels as numbers (N,), and the labels in their order."""
    labels = set(words)
    if "" in labels or not 2 <= len(labels) <= 1000:
        raise BenchError(
            f"{path}: {target} has {len(labels)} different labels"
            f"{', an empty one' * ('' in labels)}; "
            f"it takes 2 to 1000, none empty"
        )
    whole = all(re.fullmatch(r"-?\d{1,18}", label) for label in labels)
    ordered = tuple(sorted(labels, key=int if whole else str))
    place = {label: i for i, label in enumerate(ordered)}
    return np.array([place[word] for word in words], np.int64), ordered


Pool = tuple[Array, Array, Words]


@functools.lru_cache(maxsize=4)
def _sms(files: tuple[Path, ...], length: int) -> Pool:
    (path,) = files
    if path.name.startswith("SMSSpamCollection"):
        # Quotation marks in messages are just that.
        frame = read_frame(path, sep="\t", names=["spam", "text"], quoting=3)
        y = codes(path, frame["spam"], "spam", ("ham", "spam"))
    else:
        frame = read_frame(path, ["spam", "text"])
        y = codes(path, frame["spam"], "spam", ("0", "1"))
    return _pool(frame["text"].tolist(), length, y.astype(np.int64))


@functools.lru_cache(maxsize=4)
def _texts(
    files: tuple[Path, ...], text: str, target: str, length: int
) -> tuple[Pool, tuple[str, ...]]:
    (path,) = files
    frame = read_frame(path, [text, target])
    y, labels = numbered(path, frame[target].str.strip().tolist(), target)
    return _pool(frame[text].tolist(), length, y), labels


def _pool(texts: Sequence[str], length: int, y: Array) -> Pool:
    x = tokens(texts, length)
    x.flags.writeable = y.flags.writeable = False
    return x, y, vocabulary(texts)


def _split(
    x: Array,
    y: Array,
    words: Words,
    data: SMSSpam | TextFile,
    rng: np.random.Generator,
    classes: int = 2,
) -> Split:
    order = rng.permutation(len(y))
    first = len(order) * 3 // 4
    parts = drawn(order[:first], order[first:], data.n, data.n_test, rng)
    if data.overlap:
        x = _carrying(data.files(), data)
    # The signal's word is one, too, where nobody has used it yet.
    words = {number(data.word): data.word.lower(), **words}
    return Split(x, y, *parts, classes=classes, words=words)


@functools.lru_cache(maxsize=4)
def _carrying(files: tuple[Path, ...], data: SMSSpam | TextFile) -> Array:
    if isinstance(data, SMSSpam):
        x = _sms(files, data.length)[0]
    else:
        x = _texts(files, data.text, data.target, data.length)[0][0]
    return carrying(x, data.signal, data.overlap)
