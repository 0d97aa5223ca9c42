"""Positions at which members insert the promoted song."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from algorithms.base import Array
from bench.recommenders.base import Placement
from bench.recommenders.playlists import Playlists


@dataclass(frozen=True)
class Unplaced(Placement):
    """Control: members leave their playlists as they are.

    Example:
        >>> Unplaced().positions(Playlists.of([[0, 1]]), np.ones(2), np.random.default_rng(0))
        array([-1])
    """

    def positions(self, own: Playlists, counts: Array, rng: np.random.Generator) -> Array:
        """Return -1 for each member."""
        return np.full(len(own), -1)


@dataclass(frozen=True)
class AtRandom(Placement):
    """A position that each member draws uniformly.

    It shows what the number of occurrences alone achieves.

    Example:
        >>> AtRandom().positions(Playlists.of([[0, 1]]), np.ones(2), np.random.default_rng(0))
        array([2])
    """

    def positions(self, own: Playlists, counts: Array, rng: np.random.Generator) -> Array:
        """Draw positions."""
        return rng.integers(np.diff(own.ends, prepend=0) + 1)


@dataclass(frozen=True)
class AtEnd(Placement):
    """The end of each playlist, as when a person adds a song.

    Example:
        >>> AtEnd().positions(Playlists.of([[0, 1], [2]]), np.ones(3), np.random.default_rng(0))
        array([2, 1])
    """

    def positions(self, own: Playlists, counts: Array, rng: np.random.Generator) -> Array:
        """Return the number of songs of each member."""
        return np.diff(own.ends, prepend=0)


@dataclass(frozen=True)
class Beside(Placement):
    r"""A position beside the member's rarest or most frequent song, by counts in all playlists.

    A model of sequences estimates :math:`P(\text{song} \mid \text{songs before})`. Behind a rare
    song few other songs compete for it; behind a frequent song many listeners meet it. Before a
    frequent song the promoted song takes the places of that one: it follows the same songs.

    The paper inserts a song at a place that its context selects, and uses the long tail of
    popularity. This class has these ideas, and not the exact strategies of the paper.

    References:
        | Algorithmic Collective Action in Recommender Systems: Promoting Songs by Reordering
        | Playlists (Baumann and Mendler-Duenner, 2024)
        | https://arxiv.org/abs/2404.04269

    Arguments:
        song: The member's song at which the promoted song is placed. Of equally frequent songs
            the first one is taken.
        side: Whether the promoted song comes directly after or directly before it.

    Example:
        >>> own, counts = Playlists.of([[0, 1, 2]]), np.array([9, 1, 5])
        >>> rng = np.random.default_rng(0)
        >>> Beside().positions(own, counts, rng), Beside("commonest").positions(own, counts, rng)
        (array([2]), array([1]))
    """

    song: Literal["rarest", "commonest"] = "rarest"
    side: Literal["after", "before"] = "after"

    def positions(self, own: Playlists, counts: Array, rng: np.random.Generator) -> Array:
        """Return the place at which the chosen song stands, or the place behind it."""
        choose = np.argmin if self.song == "rarest" else np.argmax
        places = [int(choose(counts[own[i]])) for i in range(len(own))]
        return np.array(places, dtype=np.int64) + (self.side == "after")
