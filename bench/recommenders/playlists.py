"""Playlists: ordered lists of songs, a list a person."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from algorithms.base import Array


@dataclass(frozen=True, eq=False)
class Playlists:
    """The ordered playlists of n people, one after the other in one array.

    Arguments:
        songs: The songs of all playlists, int64, (total,).
        ends: The position behind the last song of each playlist, int64, (n,).

    Example:
        >>> two = Playlists.of([[3, 1, 2], [0, 1]])
        >>> two.owners().tolist(), two.counts(4).tolist(), two[1].tolist()
        ([0, 0, 0, 1, 1], [1, 2, 1, 1], [0, 1])
    """

    songs: Array
    ends: Array

    @classmethod
    def of(cls, lists: Sequence[Sequence[int] | Array]) -> "Playlists":
        """Return the playlists of a sequence of lists of songs."""
        parts = [np.asarray(one, dtype=np.int64) for one in lists]
        songs = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
        return cls(songs, np.cumsum([len(one) for one in parts], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, person: int) -> Array:
        start = self.ends[person - 1] if person else 0
        return self.songs[start : self.ends[person]]

    def owners(self) -> Array:
        """Return the person of each song, (total,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.ends, prepend=0))

    def counts(self, songs: int) -> Array:
        """Return how often each song occurs, (songs,)."""
        return np.bincount(self.songs, minlength=songs)

    def matrix(self, songs: int) -> sparse.csr_array:
        """Return which songs are in which playlist, zeros and ones, (n, songs)."""
        where = self.owners(), self.songs
        held = sparse.csr_array((np.ones(len(self.songs)), where), (len(self), songs))
        held.sum_duplicates()
        held.data = np.minimum(held.data, 1.0)
        return held

    def transitions(self) -> tuple[Array, Array]:
        """Return all pairs of neighbours: the earlier songs and the later ones."""
        inside = np.diff(self.owners()) == 0
        return self.songs[:-1][inside], self.songs[1:][inside]

    def insert(self, song: int, people: Array, positions: Array) -> "Playlists":
        """Return playlists into which people have inserted a song.

        Arguments:
            song: The song.
            people: The people, (m,), each of them once.
            positions: The position of the song in the new playlist of each of them, (m,); -1
                leaves a playlist as it is.

        Example:
            >>> Playlists.of([[3, 1], [0, 1]]).insert(9, np.array([1]), np.array([1])).songs
            array([3, 1, 0, 9, 1])
        """
        starts = self.ends - np.diff(self.ends, prepend=0)
        lengths = self.ends - starts
        people, positions = people[positions >= 0], positions[positions >= 0]
        beyond = positions > lengths[people]
        if beyond.any():
            person = people[beyond][0]
            raise ValueError(
                f"position {positions[beyond][0]} lies behind the end of a playlist of "
                f"{lengths[person]} songs; allowed are 0 to {lengths[person]}, and -1"
            )
        added = np.zeros(len(self), dtype=np.int64)
        added[people] = 1
        # Insertions at one place come in the order of their people.
        order = np.argsort(people)
        places = starts[people[order]] + positions[order]
        return Playlists(np.insert(self.songs, places, song), self.ends + np.cumsum(added))
