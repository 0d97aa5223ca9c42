"""Signals in texts: rows of token numbers."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from collectives.signals.base import Signal
from collectives.types import Array


@dataclass(frozen=True)
class Token(Signal):
    r"""The same token at every k-th place of a text.

    .. math:: g(x)_i = t \text{ if } k \mid i \text{ and the text has an i-th word, } x_i \text{
        otherwise}

    Texts are rows of token numbers, filled up with padding. A token takes the place of a word, so
    that no text grows; texts of fewer than k words stay as they are.

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        token: The number t of the token; best one that nobody uses.
        every: The distance k between two of them, in words.
        padding: The number that stands behind the end of a text.

    Example:
        >>> Token(token=9, every=2)(np.float32([[1, 2, 3, 4, 5], [1, 2, 3, 0, 0]]))
        array([[1., 9., 3., 9., 5.],
               [1., 9., 3., 0., 0.]], dtype=float32)
    """

    token: Annotated[int, Ge(1)] = 1
    every: Annotated[int, Ge(1)] = 20
    padding: int = 0

    def __call__(self, x: Array) -> Array:
        """g(x) for texts (m, length), or rows that can be read as such."""
        if self.token == self.padding:
            raise ValueError(f"{self} is made of padding: it would shorten texts")
        moved = x.reshape(len(x), int(np.prod(x.shape[1:]))).copy()
        here = moved[:, self.every - 1 :: self.every]
        here[here != self.padding] = self.token
        return moved.reshape(x.shape)

    def visibility(self, x: Array) -> float:
        """The share of the words that it replaces: differences of token numbers mean nothing."""
        words = x != self.padding
        return float(((self(x) != x) & words).sum() / max(words.sum(), 1))
