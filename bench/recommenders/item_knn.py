"""Nearest neighbours among songs."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from algorithms.base import Array
from bench.recommenders.base import Recommend, Recommender, top
from bench.recommenders.playlists import Playlists


@dataclass(frozen=True)
class ItemKNN(Recommender):
    r"""Neighbours of the songs that a listener has heard, by the cosine of their playlists.

    With :math:`n_s` the number of playlists with song s, and :math:`n_{st}` the number of those
    with both songs,

    .. math::
        c_{st} = \frac{n_{st}}{\sqrt{n_s n_t} + \text{shrinkage}}, \qquad
        \text{score}(s) = \sum_{t \in \text{heard}} c_{st}\, [s \in N_k(t)]

    where :math:`N_k(t)` are the k songs other than t of the largest :math:`c_{st}`.

    A collective's song is a neighbour of the other songs in the members' playlists, wherever in
    them it stands. A small count raises its cosine to rare songs, which shrinkage counteracts.

    References:
        | Item-Based Top-N Recommendation Algorithms (Deshpande and Karypis, 2004)
        | https://doi.org/10.1145/963770.963776

    Arguments:
        neighbours: The number of neighbours of each song, k.
        shrinkage: The number that is added to the denominator.

    Example:
        >>> lists = Playlists.of([[0, 1], [0, 1], [2, 3], [2, 3]])
        >>> recommend = ItemKNN().fit(lists, 4, np.random.default_rng(0))
        >>> recommend(np.array([[0], [3]]), 1)
        array([[1],
               [2]])
    """

    neighbours: Annotated[int, Ge(1)] = 50
    shrinkage: Annotated[float, Ge(0)] = 10.0

    def fit(self, playlists: Playlists, songs: int, rng: np.random.Generator) -> Recommend:
        """Compute all cosines, and keep the largest of each song."""
        held = playlists.matrix(songs)
        both = (held.T @ held).toarray()
        norms = np.sqrt(both.diagonal())
        cosines = both / np.maximum(np.outer(norms, norms) + self.shrinkage, 1e-12)
        np.fill_diagonal(cosines, 0.0)
        # Row t keeps the neighbours of song t.
        if self.neighbours < songs:
            others = np.argsort(-cosines, axis=1, kind="stable")[:, self.neighbours :]
            np.put_along_axis(cosines, others, 0.0, axis=1)

        def recommend(heard: Array, k: int) -> Array:
            scores = np.zeros((len(heard), songs))
            for t in range(heard.shape[1]):
                first = (heard[:, :t] != heard[:, t : t + 1]).all(1)
                scores += cosines[heard[:, t]] * first[:, None]
            return top(scores, heard, k)

        return recommend
