"""TextFile: a user's labelled texts."""

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.core.errors import BenchError
from bench.datasets.base import Count, Share, Split
from bench.datasets.io.columns import encode_labels, label_number
from bench.datasets.io.data_root import inside, locate
from bench.datasets.io.frames import DELIMITERS, read_user_frame
from bench.datasets.real._texts import Texts
from bench.datasets.real.tokens import Corpus, Length, corpus


@dataclass(frozen=True)
class TextFile(Texts):
    r"""A user's labelled texts: a CSV or Parquet file under the data root.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    Labels are numbered in the order of their sorted words; labels that are numbers in the order
    of numbers. Rows without a label are refused. Columns beside text and label are not used.

    Arguments:
        file: The file, relative to the data root. It is part of the data set's identity; the
            root is not.
        text: The column of texts.
        target: The column of labels.
        aim: The target label of a collective as the file spells it; the last one, if empty.
    """

    file: str = "texts.csv"
    text: str = "text"
    target: str = "label"
    aim: str = ""
    n: Count = None
    n_test: Count = None
    length: Length = 200
    word: str = "{"
    every: Length = 20
    overlap: Share = 0.0

    def corpus(self) -> Corpus:
        """Return all texts."""
        return _read(self.files(), self.text, self.target, self.length)

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of the corpus."""
        label_number(self.aim, self.corpus().labels)
        return super().split(rng)

    def files(self) -> tuple[Path, ...]:
        """Return the file."""
        return locate("TextFile", [(inside(self.file),)], "It is your own file")

    @property
    def label(self) -> int:
        """The number of the label ``aim``."""
        return label_number(self.aim, self.corpus().labels)

    def description(self) -> tuple[str, ...]:
        """Return a line with the number of texts and of each label."""
        rows = self.corpus()
        counts = np.bincount(rows.y, minlength=len(rows.labels)).tolist()
        named = ", ".join(f"{n} ({c})" for n, c in zip(rows.labels, counts, strict=True))
        return (f"{self.file}: {len(rows.y)} texts; labels {named}",)


@functools.lru_cache(maxsize=4)
def _read(files: tuple[Path, ...], text: str, target: str, length: int) -> Corpus:
    (path,) = files
    if text == target:
        raise BenchError(f"TextFile: text and target are both the column {text!r}")
    frame = read_user_frame(path, [text, target]).words
    texts, words = frame[text].tolist(), frame[target].tolist()
    _check_lines(path, frame, text, target)
    y, labels = encode_labels(path, words, target)
    return corpus(texts, y, labels, length)


def _check_lines(path: Path, frame: pd.DataFrame, text: str, target: str) -> None:
    """Refuse texts of several lines that hold whole rows, since a quotation mark is not closed.

    Arguments:
        path: The file, for errors.
        frame: Its words.
        text: The column of texts.
        target: The column of labels.
    """
    names, labels = list(frame.columns), set(frame[target])
    place = names.index(target)
    for row, value in enumerate(frame[text]):
        for line, delimiter in itertools.product(value.split("\n")[1:], DELIMITERS):
            fields = line.split(delimiter)
            if 1 < len(fields) == len(names) and fields[place].strip() in labels:
                raise BenchError(
                    f"{path}: the text in row {row + 1} has several lines, and {line[:60]!r} "
                    f"looks like a row of its own: is a quotation mark not closed? Otherwise "
                    f"replace line breaks in texts by blanks"
                )
