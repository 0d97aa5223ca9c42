"""A generated catalogue with a known law of popularity, and tastes for genres."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Interval

from algorithms.base import Array
from bench.recommenders.base import Catalogue, Release
from bench.recommenders.playlists import Playlists


@dataclass(frozen=True)
class Genres(Catalogue):
    r"""Songs of genres whose popularity follows Zipf's law, and people with tastes for genres.

    A song s of rank :math:`s + 1` has the popularity p(s). It belongs to one genre, drawn
    uniformly, with the share 1 - blend, and to all G genres equally with the rest:

    .. math::
        p(s) \propto (s + 1)^{-\text{zipf}}, \qquad
        P(g) = \sum_s p(s)\, r(g \mid s), \qquad
        p(s \mid g) = \frac{p(s)\, r(g \mid s)}{P(g)}

    A person has a taste :math:`\theta \sim \mathrm{Dirichlet}(\text{focus} \cdot G\, P)`, a law
    over genres. The genre of the first song is drawn from it. Each further song keeps the genre
    of the song before it with probability ``flow``, and has a genre drawn from the taste
    otherwise. Songs are drawn from :math:`p(s \mid g)`, and may occur repeatedly.

    The taste has the mean P. So at every position of a playlist, over all people, a song has
    the probability p(s) exactly. Given a person, probabilities are products of low rank, which
    matrix factorisation can learn. Given the song before, they depend on its genre, which a
    model of sequences can learn.

    Arguments:
        n: The number of playlists for training.
        n_test: The number of listeners.
        songs: The number of songs by nature. The promoted song is one more.
        genres: The number of genres, G.
        length: The number of songs in a playlist.
        heard: The number of a listener's songs that the firm sees, from the beginning.
        listed: The number of songs that the firm recommends to a listener.
        zipf: The exponent of the law of popularity. 0 makes all songs equally popular.
        focus: The concentration of tastes. Small numbers give people one genre each.
        blend: The share of a song that belongs to all genres.
        flow: The probability that a song keeps the genre of the song before it.

    Example:
        >>> data = Genres(n=3, n_test=2, songs=50, length=6, heard=3)
        >>> release = data.draw(np.random.default_rng(0))
        >>> len(release.playlists), release.listeners.shape, release.promoted
        (3, (2, 6), 50)
        >>> data.popularity()[:3].round(3)
        array([0.222, 0.111, 0.074])
    """

    n: Annotated[int, Ge(1)] = 2000
    n_test: Annotated[int, Ge(1)] = 1000
    songs: Annotated[int, Ge(2)] = 500
    genres: Annotated[int, Ge(1)] = 10
    length: Annotated[int, Ge(2)] = 20
    heard: Annotated[int, Ge(1)] = 10
    listed: Annotated[int, Ge(1)] = 10
    zipf: Annotated[float, Ge(0)] = 1.0
    focus: Annotated[float, Gt(0)] = 0.3
    blend: Annotated[float, Interval(gt=0, le=1)] = 0.1
    flow: Annotated[float, Interval(ge=0, le=1)] = 0.5

    def validate(self) -> None:
        """Refuse numbers of songs that contradict each other.

        Raises:
            ValueError: If no song of a listener is left to test, or lists are too long.
        """
        if self.heard >= self.length:
            raise ValueError(
                f"heard={self.heard} leaves none of the {self.length} songs of a listener to "
                f"test; allowed are 1 to {self.length - 1}"
            )
        if self.listed > self.songs - self.heard:
            raise ValueError(
                f"listed={self.listed} is too long a list: of {self.songs} songs a listener may "
                f"have heard {self.heard}"
            )

    def popularity(self) -> Array:
        """Return the probability of each song at any position of a playlist, (songs,)."""
        weights = np.arange(1, self.songs + 1) ** -self.zipf
        return np.asarray(weights / weights.sum())

    def draw(self, rng: np.random.Generator) -> Release:
        """Draw the genres of songs, then tastes, then playlists."""
        joint = self.joint(rng.integers(self.genres, size=self.songs))
        shares = joint.sum(1)
        people = self.n + self.n_test
        tastes = rng.dirichlet(self.focus * self.genres * shares, size=people)
        genres = self._sequences(tastes, rng)
        cumulative = np.cumsum(joint / shares[:, None], axis=1)
        songs, draws = np.empty_like(genres), np.asarray(rng.random(genres.shape))
        for g in range(self.genres):
            here = genres == g
            songs[here] = np.searchsorted(cumulative[g], draws[here])
        # The last sum may be one less a rounding error.
        songs = np.minimum(songs, self.songs - 1)
        return Release(Playlists.of(list(songs[: self.n])), songs[self.n :], self.songs + 1)

    def joint(self, genre: Array) -> Array:
        """Return the probability of each genre and song together, (genres, songs).

        Arguments:
            genre: The genre of each song, (songs,).
        """
        membership = np.full((self.genres, self.songs), self.blend / self.genres)
        membership[genre, np.arange(self.songs)] += 1 - self.blend
        return np.asarray(membership * self.popularity())

    def _sequences(self, tastes: Array, rng: np.random.Generator) -> Array:
        """Return the genres of all songs, (people, length)."""
        people = len(tastes)
        cumulative = np.cumsum(tastes, axis=1)[:, None, :-1]
        fresh = (rng.random((people, self.length, 1)) >= cumulative).sum(2)
        kept = rng.random((people, self.length)) < self.flow
        genres = fresh
        for t in range(1, self.length):
            genres[:, t] = np.where(kept[:, t], genres[:, t - 1], fresh[:, t])
        return np.asarray(genres)
