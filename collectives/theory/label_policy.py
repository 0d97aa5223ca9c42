"""What members do by their own label and by lot alone: all that a table of labels can follow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from collectives.types import Array


@dataclass(frozen=True, eq=False)
class LabelPolicy:
    """How likely a member of each label is to do what, whatever its point and whoever the others.

    What is left to one is *loose*: it is not known where these members go, nor what they say.

    Arguments:
        signalled: That it puts the signal on its point and tells a label, (K, K).
        kept: That it stays where it is, on the signal set or off it, and tells a label, (K, K).
        away: That it leaves the signal set, or stays off it, and tells a label, (K, K). It takes a
            member who is off it to know where to go, see
            :meth:`collectives.theory.counts.Tally.has_off_signal_member`.

    Example:
        >>> everybody = LabelPolicy.of_all(2, signalled=np.array([[0.0, 0.5], [0.0, 0.5]]))
        >>> everybody.unspecified
        0.5
    """

    signalled: Array
    kept: Array
    away: Array

    @classmethod
    def of_all(cls, classes: int, **some: Array) -> "LabelPolicy":
        """LabelPolicy of which only some are given; nobody has the others."""
        none = np.zeros((classes, classes))
        return cls(**{"signalled": none, "kept": none, "away": none, **some})

    @property
    def told(self) -> Array:
        """That it tells a label, wherever it is, (K, K)."""
        return self.signalled + self.kept + self.away

    @property
    def unspecified(self) -> float:
        """The largest probability, over labels, of doing something that is not known."""
        return max(0.0, round(float(1 - self.told.sum(axis=1).min()), 12))

    @property
    def certain(self) -> bool:
        """Whether no lots are drawn, and nothing is loose."""
        ways = np.concatenate([self.signalled, self.kept, self.away])
        return bool(np.isin(ways, (0, 1)).all()) and not self.unspecified

    def brought(self, base: Array, arriving: Array) -> Array:
        """What is handed in at signal points, by label, (..., K), by members who are counted.

        Arguments:
            base: Members whose own point it is, by label, (..., K).
            arriving: Members whose point the signal moves there, by label, (..., K).
        """
        return np.asarray(arriving @ self.signalled + base @ self.kept)


def idle(classes: int) -> LabelPolicy:
    """Those of members who do nothing."""
    return LabelPolicy.of_all(classes, kept=np.eye(classes))


def mixed(parts: Sequence[tuple[float, LabelPolicy]]) -> LabelPolicy:
    """Those of members who draw by lot whose they take: shares and habits."""
    ways = [(s * h.signalled, s * h.kept, s * h.away) for s, h in parts]
    signalled, kept, away = (sum(way, np.zeros_like(way[0])) for way in zip(*ways, strict=True))
    return LabelPolicy(signalled, kept, away)
