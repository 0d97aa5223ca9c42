"""TextFolder: a text file and a file of labels for each person."""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core.errors import BenchError, Missing
from bench.datasets.base import Count, Share, Split
from bench.datasets.io.bounded_reading import contents
from bench.datasets.io.columns import encode_labels, label_number
from bench.datasets.io.data_root import VARIABLE, inside, root
from bench.datasets.real._texts import Texts
from bench.datasets.real.tokens import Corpus, Length, corpus

TEXT, LABELS = ".txt", (".lab", ".label")


@dataclass(frozen=True)
class TextFolder(Texts):
    r"""A user's folder with a text and its labels in two files for each person.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    The text is in ``NAME.txt``, its labels are in ``NAME.lab`` or ``NAME.label``, one a line.
    Persons with exactly one label are kept, and others left out; the description has their
    numbers. Labels are numbered in the order of their sorted words. Files are UTF-8, or else
    Latin-1. Other files of the folder, and folders in it, are not read.

    A corpus of resumes in this form, with skills as labels, is that of the first experiments on
    collective action. It is not part of the program, since resumes are about persons.

    References:
        | Skills Prediction Based on Multi-label Resume Classification Using CNN with Model
          Predictions Explanation (Jiechieu and Tsopze, 2021)
        | https://doi.org/10.1007/s00521-020-05302-x

    Arguments:
        path: The folder, relative to the data root. It is part of the data set's identity; the
            root is not.
        aim: The target label of a collective as the files spell it; the last one, if empty.
    """

    path: str = "texts"
    aim: str = ""
    n: Count = None
    n_test: Count = None
    length: Length = 200
    word: str = "{"
    every: Length = 20
    overlap: Share = 0.0

    def corpus(self) -> Corpus:
        """Return the texts of all persons with one label."""
        return self._read()[0]

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of the corpus."""
        label_number(self.aim, self.corpus().labels)
        return super().split(rng)

    def files(self) -> tuple[Path, ...]:
        """Return all texts and files of labels, sorted by name."""
        folder = root() / inside(self.path)
        found = _listed(folder)
        if not found:
            raise Missing(
                f"TextFolder is not at hand: looked for NAME{TEXT} and NAME{LABELS[0]} or "
                f"NAME{LABELS[1]} in {folder}. It is your own folder; --data DIR or {VARIABLE} "
                f"names another data root"
            )
        return found

    @property
    def label(self) -> int:
        """The number of the label ``aim``."""
        return label_number(self.aim, self.corpus().labels)

    def description(self) -> tuple[str, ...]:
        """Return a line with the numbers of texts, of each label, and of those left out."""
        rows, left_out = self._read()
        counts = np.bincount(rows.y, minlength=len(rows.labels)).tolist()
        named = ", ".join(f"{n} ({c})" for n, c in zip(rows.labels, counts, strict=True))
        return (
            f"{self.path}: {len(rows.y)} texts; labels {named}; {left_out} texts with no label or "
            f"several are left out",
        )

    def _read(self) -> tuple[Corpus, int]:
        files = self.files()
        return _read(files[0].parent, files, self.length)


def _listed(folder: Path) -> tuple[Path, ...]:
    """Return the texts and files of labels in a folder, sorted by name; none if it is missing."""
    if not folder.is_dir():
        return ()
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.is_file())
    return tuple(folder / name for name in names if name.endswith((TEXT, *LABELS)))


@functools.lru_cache(maxsize=4)
def _read(folder: Path, files: tuple[Path, ...], length: int) -> tuple[Corpus, int]:
    """Return the corpus, and the number of texts that are left out.

    Raises:
        BenchError: If a text or a file of labels lacks its counterpart, or if labels are no
            classes.
    """
    texts, words, left_out = [], [], 0
    for text, labels in _pairs(folder, files):
        lines = [line.strip() for line in _decoded(labels).splitlines() if line.strip()]
        if len(lines) != 1:
            left_out += 1
            continue
        texts.append(_decoded(text))
        words.append(lines[0])
    y, names = encode_labels(folder, words, "the files of labels")
    return corpus(texts, y, names, length), left_out


def _pairs(folder: Path, files: tuple[Path, ...]) -> list[tuple[Path, Path]]:
    """Return each text with its file of labels, or raise an error that names an odd file."""
    texts = {path.stem: path for path in files if path.suffix == TEXT}
    labels: dict[str, Path] = {}
    for path in files:
        if path.suffix in LABELS and labels.setdefault(path.stem, path) != path:
            raise BenchError(
                f"{folder}: {labels[path.stem].name} and {path.name} both have the labels of "
                f"{path.stem}{TEXT}; remove one of them"
            )
    for these, others, endings in ((texts, labels, LABELS), (labels, texts, (TEXT,))):
        lacking = sorted(these.keys() - others.keys())
        if lacking:
            wanted = " or ".join(lacking[0] + ending for ending in endings)
            more = f", nor have {len(lacking) - 1} others theirs" if len(lacking) > 1 else ""
            raise BenchError(f"{folder}: {these[lacking[0]].name} has no file {wanted}{more}")
    return [(texts[stem], labels[stem]) for stem in sorted(texts)]


def _decoded(path: Path) -> str:
    """Return the contents of a file as text."""
    raw = contents(path, "a text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
