"""The contracts of an experiment with playlists: catalogues, recommenders and placements."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from algorithms.base import Array
from bench.recommenders.playlists import Playlists

#: A function of the songs that m listeners have heard, (m, h), and of the length k of a list,
#: to the songs that it recommends to each of them, (m, k).
Recommend = Callable[[Array, int], Array]


@dataclass(frozen=True, eq=False)
class Release:
    """The data of one seed, and the song that a collective may promote.

    Arguments:
        playlists: The playlists that the firm trains on.
        listeners: The playlists of other people, who are no members, (m, length).
        songs: The number of songs, the promoted one included, which is the last one.
    """

    playlists: Playlists
    listeners: Array
    songs: int

    @property
    def promoted(self) -> int:
        """The song that the collective promotes. It occurs in no playlist by nature."""
        return self.songs - 1


class Catalogue(ABC):
    """A source of playlists. Its fields are its settings; each has a default. Abstract.

    Arguments:
        heard: The number of songs of each listener that the firm sees.
        listed: The number of songs that the firm recommends to each listener.
    """

    heard: int
    listed: int
    #: The kind under which studies list the data.
    family = "playlists"

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Release:
        """Draw playlists for training, and those of listeners."""


class Recommender(ABC):
    """A recommender of songs. Its fields are its hyper-parameters; each has a default. Abstract.

    A subclass is a frozen dataclass with one method, :meth:`fit`.
    """

    @abstractmethod
    def fit(self, playlists: Playlists, songs: int, rng: np.random.Generator) -> Recommend:
        """Train on playlists.

        Arguments:
            playlists: The playlists; they stay as they are.
            songs: The number of songs, of which some may occur in no playlist.
            rng: The only source of randomness.

        Returns:
            The function that recommends songs.
        """


class Placement(ABC):
    """The positions at which members insert the promoted song into their playlists. Abstract.

    A subclass is a frozen dataclass with one method, :meth:`positions`.
    """

    @abstractmethod
    def positions(self, own: Playlists, counts: Array, rng: np.random.Generator) -> Array:
        """Return the position of the song in the new playlist of each member, (m,).

        Position 0 is the beginning, the number of songs is the end, and -1 leaves the playlist
        as it is.

        Arguments:
            own: The members' playlists.
            counts: How often each song occurs in all playlists before the collective acts,
                (songs,). A platform publishes such counts.
            rng: The only source of randomness.
        """


def top(scores: Array, heard: Array, k: int) -> Array:
    """Return the k songs of the highest scores that a listener has not heard, (m, k).

    Of equal scores the song with the smaller number comes first.

    Arguments:
        scores: A score for each listener and song, (m, songs).
        heard: The songs that listeners have heard, (m, h).
        k: The length of a list.

    Example:
        >>> top(np.array([[3.0, 2.0, 1.0, 2.0]]), np.array([[0]]), 2)
        array([[1, 3]])
    """
    scores = np.array(scores, dtype=np.float64)
    np.put_along_axis(scores, heard, -np.inf, axis=1)
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]
