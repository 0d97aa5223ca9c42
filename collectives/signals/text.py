"""Signals in texts, which are rows of token numbers."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from collectives.signals.base import Signal
from collectives.types import Array


@dataclass(frozen=True)
class Token(Signal):
    r"""Token at every k-th position of a text.

    .. math:: g(x)_i = t \text{ if } k \mid i \text{ and the text has an i-th word, } x_i \text{
        otherwise}

    Texts are rows of token numbers, filled up with padding. The token replaces words, so texts
    keep their length. Texts of fewer than k words do not change.

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        token: The number t of the token, preferably an unused one.
        every: The distance k between two of them, in words.
        padding: The number that fills up a text after its end.

    Example:
        >>> Token(token=9, every=2)(np.float32([[1, 2, 3, 4, 5], [1, 2, 3, 0, 0]]))
        array([[1., 9., 3., 9., 5.],
               [1., 9., 3., 0., 0.]], dtype=float32)
    """

    token: Annotated[int, Ge(1)] = 1
    every: Annotated[int, Ge(1)] = 20
    padding: int = 0

    def __call__(self, x: Array) -> Array:
        """Return g(x) for texts (m, length), or points that flatten to such rows."""
        if self.token == self.padding:
            raise ValueError(f"{self} has the number of the padding, so it would shorten texts")
        texts = x.reshape(len(x), int(np.prod(x.shape[1:]))).copy()
        here = texts[:, self.every - 1 :: self.every]
        here[here != self.padding] = self.token
        return texts.reshape(x.shape)

    def visibility(self, x: Array) -> float:
        """Return the share of words that it replaces, since token numbers have no distances."""
        words = x != self.padding
        return float(((self(x) != x) & words).sum() / max(words.sum(), 1))
