"""What every signal promises: a change of points."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from collectives.types import Array, MemberData


class Signal(ABC):
    """A change of points, g: X -> X. Its fields say which; each has a default."""

    #: Whether g(g(x)) = g(x).
    idempotent: ClassVar[bool] = True
    #: Whether it is none before it is :meth:`learnt`.
    learns: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, x: Array) -> Array:
        """g(x) for points (m, ...), of the same shape and type; the input is left alone."""

    def learn(self, people: "MemberData", label: int | None) -> "Signal":
        """This signal; or what it is for some people, if it learns that from them.

        Arguments:
            people: Whom it is for, as they are before anybody acts.
            label: The label that a strategy aims at with it, if it aims at one.
        """
        return self

    def carried(self, x: Array) -> Array:
        """Which points (m, ...) carry an idempotent signal already, those with g(x) = x, (m,)."""
        return np.asarray((self(x) == x).all(axis=tuple(range(1, x.ndim))))

    def overlap(self, x: Array) -> float:
        r"""The share :math:`\xi` of points (m, ...) that carry the signal already.

        NaN for a signal that is not idempotent, since a point then does not tell.
        """
        return float(self.carried(x).mean()) if self.idempotent else float("nan")

    def visibility(self, x: Array) -> float:
        """The mean absolute change that the signal makes to points (m, ...), in their units."""
        return float(np.abs(self(x).astype(np.float64) - x).mean())
