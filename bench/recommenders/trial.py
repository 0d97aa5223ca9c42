"""One recommender against one collective: from playlists to a record."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from algorithms.base import Array
from algorithms.runtime.threads import one_thread
from bench.core.random_streams import stream
from bench.experiment.trial import Key, Record
from bench.recommenders.base import Catalogue, Placement, Recommender
from bench.recommenders.genres import Genres
from bench.recommenders.placements import AtRandom, Unplaced
from bench.recommenders.playlists import Playlists
from bench.recommenders.popularity import Popularity


@dataclass(frozen=True)
class PlaylistTrial:
    r"""A firm that trains on playlists into which members have inserted a song.

    With T the share of the promoted song in the training data, and R its share of all
    recommendations to listeners who are no members,

    .. math::  \text{amplification} = R / T

    It is one for a firm that recommends songs in proportion to their counts. Success is the
    share of listeners to whom the song is recommended.

    References:
        | Algorithmic Collective Action in Recommender Systems: Promoting Songs by Reordering
        | Playlists (Baumann and Mendler-Duenner, 2024)
        | https://arxiv.org/abs/2404.04269

    Arguments:
        catalogue: The source of playlists.
        recommender: The learning algorithm of the firm.
        placement: The strategy of the collective.
        size: The share of members among the people whose playlists the firm trains on.
        seed: The seed of all random streams.
    """

    catalogue: Catalogue = Genres()  # noqa: RUF009 (frozen)
    recommender: Recommender = Popularity()  # noqa: RUF009 (frozen)
    placement: Placement = AtRandom()  # noqa: RUF009 (frozen)
    size: float = 0.01
    seed: int = 0

    @property
    def key(self) -> Key:
        """The identity of the trial and of its record."""
        names = repr(self.catalogue), repr(self.recommender), repr(self.placement)
        return Key(*names, self.size, self.seed, "clean", "given", "uniform")

    def measure(self) -> Record:
        """Draw playlists, let the collective act, train the firm, and test it on listeners.

        Returns:
            The fields of the record that describe the result. ``accuracy`` is the share of
            listeners for whom the next song that they had not heard is recommended, ``constant``
            that of the most frequent songs. ``measures`` has ``trained``, the song's share of
            the training data; ``recommended``, its share of recommendations; ``proportional``,
            the success that the share of the training data gives with independent draws; and
            ``amplification``, which is None without a member.
        """
        release = self.catalogue.draw(stream(self.seed, "data"))
        changed, members = self._act(release.playlists, release.songs, release.promoted)
        k = self.catalogue.listed
        heard = release.listeners[:, : self.catalogue.heard]
        following = next_songs(release.listeners, self.catalogue.heard)
        with one_thread():
            recommend = self.recommender.fit(changed, release.songs, stream(self.seed, "fit"))
            lists = checked(recommend(heard, k), len(heard), k, release.songs)
        usual = Popularity().fit(changed, release.songs, stream(self.seed, "fit"))(heard, k)
        hits = lists == release.promoted
        trained = float(np.mean(changed.songs == release.promoted))
        recommended = float(hits.mean())
        return {
            "members": members,
            "n": len(changed),
            "success": float(hits.any(1).mean()),
            "tested": len(heard),
            "accuracy": found(lists, following),
            "constant": found(usual, following),
            "measures": {
                "trained": trained,
                "recommended": recommended,
                "proportional": 1 - (1 - trained) ** k,
                "amplification": recommended / trained if trained else None,
            },
        }

    def _act(self, playlists: Playlists, songs: int, promoted: int) -> tuple[Playlists, int]:
        """Return the playlists after the collective has acted, and the number of members."""
        order = stream(self.seed, "members").permutation(len(playlists))
        members = order[: round(self.size * len(playlists))]
        if not len(members):
            return playlists, 0
        own = Playlists.of([playlists[person] for person in members])
        counts = playlists.counts(songs)
        positions = self.placement.positions(own, counts, stream(self.seed, "act"))
        return playlists.insert(promoted, members, positions), len(members)


def playlist_trials(
    catalogues: Sequence[Catalogue],
    recommenders: Sequence[Recommender],
    placements: Sequence[Placement],
    sizes: Sequence[float],
    seeds: int,
) -> list[PlaylistTrial]:
    """Return the trials of a grid.

    All placements are equal without members. So size 0 is there once for each recommender, with
    the control as placement.

    Arguments:
        catalogues: The sources of playlists.
        recommenders: The learning algorithms of the firm.
        placements: The strategies of the collective.
        sizes: The shares of members. Size 0 is added.
        seeds: The number of seeds.
    """
    acting = [(p, size) for p in placements for size in sizes if size > 0]
    return [
        PlaylistTrial(catalogue, recommender, placement, size, seed)
        for catalogue, recommender, (placement, size), seed in product(
            catalogues, recommenders, [(Unplaced(), 0.0), *acting], range(seeds)
        )
    ]


def next_songs(listeners: Array, heard: int) -> Array:
    """Return the first song of each listener that is not among those heard before, (m,).

    It is -1 where all later songs were heard before.

    Arguments:
        listeners: The playlists of listeners, (m, length).
        heard: The number of songs that were heard.

    Example:
        >>> next_songs(np.array([[1, 2, 2, 5], [1, 2, 1, 2]]), 2)
        array([ 5, -1])
    """
    before, after = listeners[:, :heard], listeners[:, heard:]
    fresh = (after[:, :, None] != before[:, None, :]).all(2)
    first = after[np.arange(len(after)), fresh.argmax(1)]
    return np.where(fresh.any(1), first, -1)


def found(lists: Array, following: Array) -> float:
    """Return the share of listeners whose next song is in their list, where they have one.

    Arguments:
        lists: The recommended songs, (m, k).
        following: The next song of each listener, (m,); -1 if there is none.
    """
    known = following >= 0
    return float((lists == following[:, None]).any(1)[known].mean()) if known.any() else 0.0


def checked(lists: Array, listeners: int, k: int, songs: int) -> Array:
    """Return recommended songs, if they are k songs for each listener.

    Raises:
        ValueError: If they are not.
    """
    lists = np.asarray(lists)
    if lists.shape != (listeners, k):
        raise ValueError(
            f"the recommender returned songs of shape {lists.shape} for {listeners} listeners "
            f"and {k} songs each; allowed is {(listeners, k)}"
        )
    if lists.min() < 0 or lists.max() >= songs:
        raise ValueError(
            f"the recommender returned song {lists.max() if lists.min() >= 0 else lists.min()}; "
            f"allowed are 0 to {songs - 1}"
        )
    return lists
