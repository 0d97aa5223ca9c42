"""SMSSpam: short messages, some of them spam."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.datasets.base import Count, Share
from bench.datasets.io.data_root import locate
from bench.datasets.io.frames import read_frame
from bench.datasets.io.source import Download
from bench.datasets.io.tables import category_codes
from bench.datasets.real._texts import Texts
from bench.datasets.real.tokens import Corpus, Length, corpus


@dataclass(frozen=True)
class SMSSpam(Texts):
    r"""Spam detection: 5,574 short messages, 747 of them spam.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    Some messages occur more than once: about a tenth of the test rows are equal to a training or
    validation row.

    The file is ``sms.csv``, ``sms.csv.xz`` (columns spam, text), or UCI's ``SMSSpamCollection``.

    References:
        | Contributions to the Study of SMS Spam Filtering: New Collection and Results
          (Almeida et al., 2011)
        | https://doi.org/10.24432/C5CC84
    """

    download: ClassVar[Download | None] = Download(
        "SMSSpamCollection",
        ("https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip",),
        "zip",
    )

    n: Count = None
    n_test: Count = None
    length: Length = 40
    word: str = "{"
    every: Length = 5
    overlap: Share = 0.0

    def corpus(self) -> Corpus:
        """Return all messages."""
        return _read(self.files(), self.length)

    def files(self) -> tuple[Path, ...]:
        """Return the table."""
        raw = [("SMSSpamCollection",), ("sms_spam/SMSSpamCollection",)]
        return locate("SMSSpam", [("sms.csv.xz",), ("sms.csv",), *raw])

    @property
    def label(self) -> int:
        """Spam."""
        return 1


@functools.lru_cache(maxsize=4)
def _read(files: tuple[Path, ...], length: int) -> Corpus:
    (path,) = files
    if path.name.startswith("SMSSpamCollection"):
        # Quotation marks in messages are plain text.
        frame = read_frame(path, sep="\t", names=["spam", "text"], quoting=3)
        y = category_codes(path, frame["spam"], "spam", ("ham", "spam"))
    else:
        frame = read_frame(path, ["spam", "text"])
        y = category_codes(path, frame["spam"], "spam", ("0", "1"))
    return corpus(frame["text"].tolist(), y.astype(np.int64), ("ham", "spam"), length)
