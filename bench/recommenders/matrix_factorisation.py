"""Matrix factorisation of implicit feedback by alternating least squares."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt
from scipy import sparse

from algorithms.base import Array
from bench.recommenders.base import Recommend, Recommender, top
from bench.recommenders.playlists import Playlists


@dataclass(frozen=True)
class MatrixFactorisation(Recommender):
    r"""Factors of people and songs whose products say which songs are in a playlist.

    With :math:`b_{us}` = 1 if song s is in the playlist of person u, and 0 otherwise,

    .. math::
        \min_{x, v} \sum_{u, s} (1 + w\, b_{us}) (b_{us} - x_u^\top v_s)^2
        + \lambda \Big(\sum_u \|x_u\|^2 + \sum_s \|v_s\|^2\Big)

    by alternating least squares. The factors of a listener are those that are optimal for the
    songs that she or he has heard. The score of a song is the product.

    A collective's song gets the factors of its members' tastes: the order of a playlist is lost
    on this firm. A song with few counts has small factors, and is recommended to few people.

    References:
        | Collaborative Filtering for Implicit Feedback Datasets (Hu, Koren and Volinsky, 2008)
        | https://doi.org/10.1109/ICDM.2008.22

    Arguments:
        factors: The number of factors.
        weight: The additional weight of songs that are in a playlist, w.
        penalty: The weight of the squared factors, :math:`\lambda`.
        sweeps: The number of alternations.

    Example:
        >>> lists = Playlists.of([[0, 1], [0, 1], [2, 3], [2, 3]])
        >>> firm = MatrixFactorisation(factors=2)
        >>> firm.fit(lists, 4, np.random.default_rng(0))(np.array([[0], [3]]), 1)
        array([[1],
               [2]])
    """

    factors: Annotated[int, Ge(1)] = 16
    weight: Annotated[float, Ge(0)] = 10.0
    penalty: Annotated[float, Gt(0)] = 1.0
    sweeps: Annotated[int, Ge(1)] = 8

    def fit(self, playlists: Playlists, songs: int, rng: np.random.Generator) -> Recommend:
        """Alternate between the factors of people and those of songs."""
        held = playlists.matrix(songs)
        mirrored = held.T.tocsr()
        of_songs = 0.1 * rng.standard_normal((songs, self.factors))
        for _ in range(self.sweeps):
            of_people = self.solve(held, of_songs)
            of_songs = self.solve(mirrored, of_people)

        def recommend(heard: Array, k: int) -> Array:
            own = self.solve(Playlists.of(list(heard)).matrix(songs), of_songs)
            return top(own @ of_songs.T, heard, k)

        return recommend

    def solve(self, held: sparse.csr_array, other: Array) -> Array:
        """Return the optimal factors of one side, given those of the other side, (m, factors).

        Arguments:
            held: Which of the other side's n elements each of m elements has, (m, n).
            other: The factors of the other side, (n, factors).
        """
        d = other.shape[1]
        products = (other[:, :, None] * other[:, None, :]).reshape(len(other), d * d)
        common = other.T @ other + self.penalty * np.eye(d)
        left = common + self.weight * (held @ products).reshape(-1, d, d)
        right = (1 + self.weight) * (held @ other)
        return np.asarray(np.linalg.solve(left, right[:, :, None])[:, :, 0])
