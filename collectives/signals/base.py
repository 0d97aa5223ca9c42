"""Base class of signals: changes of points."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from collectives.types import Array, MemberData, require


class Signal(ABC):
    """Change of points, g: X -> X. A subclass is a frozen dataclass with defaults."""

    #: Whether g(g(x)) = g(x).
    idempotent: ClassVar[bool] = True
    #: Whether it is incomplete before :meth:`learn`.
    learns: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, x: Array) -> Array:
        """Return g(x) for points (m, ...), in the same shape and type. The input stays as is."""

    def learn(self, people: MemberData, label: int | None) -> "Signal":
        """Return this signal, completed by the rows of people if it learns from them.

        Arguments:
            people: The rows of people before anybody acts.
            label: The label that the strategy aims at, if it aims at one.
        """
        return self

    def carried_by(self, x: Array) -> Array:
        """Return which points (m, ...) carry an idempotent signal, those with g(x) = x, (m,)."""
        return np.asarray((self(x) == x).all(axis=tuple(range(1, x.ndim))))

    def overlap(self, x: Array) -> float:
        r"""Return the share :math:`\xi` of points (m, ...) that carry the signal.

        It is NaN for a signal that is not idempotent, since a point does not show it then.
        """
        return float(self.carried_by(x).mean()) if self.idempotent else float("nan")

    def visibility(self, x: Array) -> float:
        """Return the mean absolute change of points (m, ...), in their units."""
        return float(np.abs(self(x).astype(np.float64) - x).mean())


def require_idempotent(signal: Signal | None, user: str) -> Signal:
    """Return a signal after checking that it is idempotent.

    Arguments:
        signal: The signal.
        user: The name of the strategy that needs it, for the error message.

    Raises:
        ValueError: If the signal is None or not idempotent.
    """
    signal = require(signal, "signal")
    if not signal.idempotent:
        raise ValueError(f"{user} needs an idempotent signal, g(g(x)) = g(x), not {signal}")
    return signal
