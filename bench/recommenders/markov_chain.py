"""A Markov chain of songs."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt
from scipy import sparse

from algorithms.base import Array
from bench.recommenders.base import Recommend, Recommender, top
from bench.recommenders.playlists import Playlists


@dataclass(frozen=True)
class MarkovChain(Recommender):
    r"""The most probable successors of the last song that a listener has heard.

    With :math:`n_{ts}` the number of times that song s follows song t, and p the share of each
    song in all playlists,

    .. math::
        P(s \mid t) = \frac{n_{ts} + \text{smoothing} \cdot p_s}
        {\sum_{s'} n_{ts'} + \text{smoothing}}

    A collective that puts its song behind a rare song needs few members to make it the most
    probable successor, but few listeners have heard the rare song last. Behind a frequent song
    it needs many members, for many listeners.

    References:
        | Factorizing Personalized Markov Chains for Next-Basket Recommendation
        | (Rendle, Freudenthaler and Schmidt-Thieme, 2010)
        | https://doi.org/10.1145/1772690.1772773

    Arguments:
        smoothing: The weight of the shares of songs, in transitions.

    Example:
        >>> lists = Playlists.of([[0, 1, 2], [0, 1], [2, 0]])
        >>> recommend = MarkovChain().fit(lists, 3, np.random.default_rng(0))
        >>> recommend(np.array([[2, 0]]), 1), recommend(np.array([[0, 2]]), 1)
        (array([[1]]), array([[1]]))
    """

    smoothing: Annotated[float, Gt(0)] = 5.0

    def fit(self, playlists: Playlists, songs: int, rng: np.random.Generator) -> Recommend:
        """Count transitions."""
        chances = self.transition_matrix(playlists, songs)
        return lambda heard, k: top(chances[heard[:, -1]], heard, k)

    def transition_matrix(self, playlists: Playlists, songs: int) -> Array:
        """Return the probability of each song after each other one, (songs, songs)."""
        earlier, later = playlists.transitions()
        ones = np.ones(len(earlier))
        counts = sparse.csr_array((ones, (earlier, later)), (songs, songs)).toarray()
        shares = playlists.counts(songs) / len(playlists.songs)
        rows = counts.sum(1, keepdims=True)
        return np.asarray((counts + self.smoothing * shares) / (rows + self.smoothing))
