"""Shared parts of data sets of labelled texts."""

import functools
from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.datasets.base import Array, Count, Dataset, Share, Split, add_overlap, draw_rows, halves
from bench.datasets.real.tokens import Corpus, Length, number
from collectives.signals.base import Signal
from collectives.signals.text import Token


class Texts(Dataset):
    r"""Labelled texts as rows of token numbers.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    Tokens are words in lower case, and signs; their numbers are scikit-learn's hash. Rows are
    truncated or padded with zeros. Learners do not see words in such numbers:
    :class:`algorithms.hashed_bag.HashedBag` makes a bag of n-grams of them for any learner, and
    :class:`algorithms.finetune.Finetune` gives the words to an encoder. Nothing is fitted, and
    there are no groups. The seed shuffles the rows: the first three quarters are for training and
    validation, the others for testing.

    The signal is one word at every k-th place; a text with fewer than k words carries it by
    nature.

    Arguments:
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        length: The number of tokens of a text that are kept.
        word: The word of the signal, at best a rare one.
        every: The distance k between its places, in tokens.
        overlap: The share of texts that carry the signal by nature, beside those that carry it
            anyway.
    """

    family: ClassVar[str] = "texts"

    domain: ClassVar[str | None] = "text"

    n: Count
    n_test: Count
    length: Length
    word: str
    every: Length
    overlap: Share

    @abstractmethod
    def corpus(self) -> Corpus:
        """Return all texts with their labels."""

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of the corpus."""
        corpus = self.corpus()
        parts = draw_rows(*halves(len(corpus.y), rng), self.n, self.n_test, rng)
        x = _pool(self.files(), self) if self.overlap else corpus.x
        # A rare word of the signal may be in no text.
        words = {number(self.word): self.word.lower(), **corpus.words}
        return Split(x, corpus.y, *parts, classes=len(corpus.labels), words=words)

    @property
    def signal(self) -> Signal:
        """The word at every k-th place."""
        return Token(token=number(self.word), every=self.every)


@functools.lru_cache(maxsize=4)
def _pool(files: tuple[Path, ...], data: Texts) -> Array:
    return add_overlap(data.corpus().x, data.signal, data.overlap)
