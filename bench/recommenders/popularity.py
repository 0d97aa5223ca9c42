"""Recommenders by counts alone: the most frequent songs, and songs in proportion."""

from dataclasses import dataclass

import numpy as np

from algorithms.base import Array
from bench.recommenders.base import Recommend, Recommender, top
from bench.recommenders.playlists import Playlists


@dataclass(frozen=True)
class Popularity(Recommender):
    """The most frequent songs that a listener has not heard, the same for all listeners.

    A collective gains nothing until its song is as frequent as those that are recommended, and
    everything then. The position of the song does not matter.

    Example:
        >>> lists = Playlists.of([[0, 1], [1, 2], [1, 0]])
        >>> recommend = Popularity().fit(lists, 3, np.random.default_rng(0))
        >>> recommend(np.array([[2], [1]]), 2)
        array([[1, 0],
               [0, 2]])
    """

    def fit(self, playlists: Playlists, songs: int, rng: np.random.Generator) -> Recommend:
        """Count songs."""
        counts = playlists.counts(songs)

        def recommend(heard: Array, k: int) -> Array:
            return top(np.broadcast_to(counts, (len(heard), songs)), heard, k)

        return recommend


@dataclass(frozen=True)
class Proportional(Recommender):
    """Songs drawn at random, each in proportion to its count, whatever a listener has heard.

    Draws are independent, so that a song may be in a list twice. The expected share of
    recommendations of each song is its share of the training data: this is the reference at
    which amplification is one.

    Example:
        >>> lists = Playlists.of([[0, 0], [0, 0]])
        >>> Proportional().fit(lists, 2, np.random.default_rng(0))(np.array([[1]]), 3)
        array([[0, 0, 0]])
    """

    def fit(self, playlists: Playlists, songs: int, rng: np.random.Generator) -> Recommend:
        """Count songs."""
        counts = playlists.counts(songs)

        def recommend(heard: Array, k: int) -> Array:
            return rng.choice(songs, size=(len(heard), k), p=counts / counts.sum())

        return recommend
