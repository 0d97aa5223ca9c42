"""Recommenders against counts by hand and dense solvers; what members insert, and where."""

from itertools import pairwise

import numpy as np
import pytest

from bench.recommenders.base import top
from bench.recommenders.genres import Genres
from bench.recommenders.item_knn import ItemKNN
from bench.recommenders.markov_chain import MarkovChain
from bench.recommenders.matrix_factorisation import MatrixFactorisation
from bench.recommenders.placements import AtEnd, AtRandom, Beside, Unplaced
from bench.recommenders.playlists import Playlists
from bench.recommenders.popularity import Popularity, Proportional
from bench.recommenders.self_attention import SelfAttention
from bench.recommenders.trial import PlaylistTrial, checked, next_songs, playlist_trials

LISTS = [[0, 1, 2], [1, 2], [3, 1, 2, 0], [4, 0], [0, 1], [2, 2, 3]]
SONGS = 6


def rng(seed=0):
    return np.random.default_rng(seed)


# ---- data ---------------------------------------------------------------------------------


def test_insertions_are_those_of_python_lists():
    generator = rng(3)
    lists = [list(generator.integers(9, size=k)) for k in (4, 1, 0, 5, 3)]
    people, positions = np.array([3, 0, 2, 4]), np.array([5, 2, 0, -1])
    changed = Playlists.of(lists).insert(9, people, positions)
    for person, position in zip(people, positions, strict=True):
        if position >= 0:
            lists[person].insert(position, 9)
    assert [changed[i].tolist() for i in range(5)] == lists
    assert changed.owners().tolist() == [i for i, one in enumerate(lists) for _ in one]


def test_a_position_behind_the_end_is_refused():
    with pytest.raises(ValueError, match=r"position 4 lies behind .* 3 songs; allowed are 0 to 3"):
        Playlists.of(LISTS).insert(5, np.array([0]), np.array([4]))


def test_transitions_do_not_cross_playlists():
    earlier, later = Playlists.of(LISTS).transitions()
    wanted = [pair for one in LISTS for pair in pairwise(one)]
    assert list(zip(earlier.tolist(), later.tolist(), strict=True)) == wanted


@pytest.mark.parametrize("flow", [0.0, 0.8])
def test_songs_have_their_popularity_at_every_position(flow):
    data = Genres(n=4000, n_test=1, songs=12, genres=3, length=6, heard=2, listed=2, flow=flow)
    lists = data.draw(rng(1)).playlists.songs.reshape(4000, 6)
    for columns in (lists[:, :1], lists[:, 5:], lists):
        held = (columns[:, :, None] == np.arange(12)).mean(1)
        z = (held.mean(0) - data.popularity()) / (held.std(0) / 4000**0.5)
        # People are independent, songs of one person are not.
        assert abs(z).max() < 4
    weights = np.array([1 / rank for rank in range(1, 13)])
    assert data.popularity() == pytest.approx(weights / weights.sum())


def test_neighbours_share_a_genre_more_often_where_genres_last():
    def agreement(flow):
        data = Genres(n=800, n_test=1, songs=40, genres=5, blend=1e-9, focus=9.0, flow=flow)
        generator = rng(2)
        genre = rng(2).integers(5, size=40)  # the first draw of the catalogue
        rows = genre[data.draw(generator).playlists.songs.reshape(800, 20)]
        return (rows[:, 1:] == rows[:, :-1]).mean()

    assert agreement(0.8) > agreement(0.0) + 0.4


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="heard=20 leaves none of the 20 songs"):
        Genres(heard=20).validate()
    with pytest.raises(ValueError, match="listed=10 is too long a list"):
        Genres(songs=15).validate()
    with pytest.raises(ValueError, match="width=7 is odd"):
        SelfAttention(width=7).validate()


# ---- recommenders -------------------------------------------------------------------------


def test_popularity_is_a_sorted_list_of_counts():
    flat = [song for one in LISTS for song in one]
    lists = Popularity().fit(Playlists.of(LISTS), SONGS, rng())(np.array([[1, 4], [2, 2]]), 3)
    for heard, found in zip(([1, 4], [2, 2]), lists.tolist(), strict=True):
        rest = [song for song in range(SONGS) if song not in heard]
        assert found == sorted(rest, key=lambda s: (-flat.count(s), s))[:3]


def test_recommendations_in_proportion_have_amplification_one():
    counts = np.array([50, 30, 15, 5])
    playlists = Playlists.of([np.repeat(np.arange(4), counts)])
    lists = Proportional().fit(playlists, 4, rng())(np.zeros((20_000, 1), dtype=int), 5)
    shares = np.bincount(lists.ravel()) / lists.size
    assert shares / (counts / 100) == pytest.approx(np.ones(4), abs=4 / (0.05 * 1e5) ** 0.5)


def test_cosines_are_those_of_sets_of_playlists():
    firm = ItemKNN(neighbours=2, shrinkage=0.5)
    sets = [{i for i, one in enumerate(LISTS) if s in one} for s in range(SONGS)]

    def cosine(s, t):
        return len(sets[s] & sets[t]) / ((len(sets[s]) * len(sets[t])) ** 0.5 + 0.5)

    heard, scores = [3, 1, 3], np.zeros(SONGS)
    for t in {3, 1}:
        others = sorted((s for s in range(SONGS) if s != t), key=lambda s: (-cosine(s, t), s))
        for s in others[:2]:
            scores[s] += cosine(s, t)
    found = firm.fit(Playlists.of(LISTS), SONGS, rng())(np.array([heard]), 4)
    assert found.tolist() == top(scores[None], np.array([heard]), 4).tolist()


def test_a_half_sweep_solves_the_dense_normal_equations():
    firm = MatrixFactorisation(factors=3, weight=4.0, penalty=0.7)
    held = Playlists.of(LISTS).matrix(SONGS)
    v, b = rng(5).standard_normal((SONGS, 3)), held.toarray()
    for u, found in enumerate(firm.solve(held, v)):
        c = np.diag(1 + 4.0 * b[u])
        wanted = np.linalg.solve(v.T @ c @ v + 0.7 * np.eye(3), v.T @ c @ b[u])
        assert found == pytest.approx(wanted, abs=1e-10)


def test_sweeps_lower_the_objective_of_the_factorisation():
    held = Playlists.of(LISTS).matrix(SONGS)
    b, firm = held.toarray(), MatrixFactorisation(factors=2)
    v, values = rng().standard_normal((SONGS, 2)), []
    for _ in range(4):
        x = firm.solve(held, v)
        v = firm.solve(held.T.tocsr(), x)
        loss = ((1 + firm.weight * b) * (b - x @ v.T) ** 2).sum()
        values.append(loss + firm.penalty * ((x**2).sum() + (v**2).sum()))
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(values))


def test_transition_probabilities_are_those_by_hand():
    chances = MarkovChain(smoothing=2.0).transition_matrix(Playlists.of(LISTS), SONGS)
    flat = [song for one in LISTS for song in one]
    # Song 1 is followed by 2, 2 and 2; song 0 by 1 and 1.
    assert chances[1, 2] == pytest.approx((3 + 2 * flat.count(2) / len(flat)) / (3 + 2))
    assert chances[0, 1] == pytest.approx((2 + 2 * flat.count(1) / len(flat)) / (2 + 2))
    assert chances[0, 5] == 0
    assert chances.sum(1) == pytest.approx(np.ones(SONGS))


@pytest.mark.parametrize("firm", [MarkovChain(), SelfAttention(epochs=15, batch_size=10)])
def test_models_of_sequences_learn_what_follows(firm):
    playlists = Playlists.of([[i % 5, (i + 1) % 5, (i + 2) % 5] for i in range(60)])
    heard = np.array([[i, (i + 1) % 5] for i in range(5)])
    assert firm.fit(playlists, 5, rng())(heard, 1)[:, 0].tolist() == [
        (i + 2) % 5 for i in range(5)
    ]


@pytest.mark.parametrize(
    "firm",
    [Popularity(), ItemKNN(), MatrixFactorisation(), MarkovChain(), SelfAttention(epochs=1)],
)
def test_a_firm_lists_other_songs_than_those_heard_and_repeats_itself(firm):
    release = Genres(n=60, n_test=20, songs=30, length=6, heard=3, listed=4).draw(rng())
    heard = release.listeners[:, :3]
    one, two = (firm.fit(release.playlists, 31, rng(7))(heard, 4) for _ in range(2))
    assert one.tolist() == two.tolist()
    assert all(
        len({*row}) == 4 and not {*row} & {*own} for row, own in zip(one, heard, strict=True)
    )


def test_a_firm_without_order_ignores_the_order():
    lists = [[3, 0, 1], [1, 2, 0], [3, 2], [0, 2, 3]]
    for firm in (Popularity(), ItemKNN(), MatrixFactorisation()):
        one, two = (
            firm.fit(Playlists.of([r[::step] for r in lists]), 5, rng())(np.array([[0], [2]]), 2)
            for step in (1, -1)
        )
        assert one.tolist() == two.tolist()


# ---- collectives --------------------------------------------------------------------------


def test_placements_are_where_they_say():
    own, counts = Playlists.of([[0, 1, 2], [2, 0], [1]]), np.array([5, 9, 1])
    wanted = {
        Unplaced(): [-1, -1, -1],
        AtEnd(): [3, 2, 1],
        Beside(): [3, 1, 1],
        Beside(side="before"): [2, 0, 0],
        Beside("commonest"): [2, 2, 1],
        Beside("commonest", "before"): [1, 1, 0],
    }
    for placement, positions in wanted.items():
        assert placement.positions(own, counts, rng()).tolist() == positions


def test_random_places_are_uniform():
    own = Playlists.of([[0, 1]] * 3000)
    found = np.bincount(AtRandom().positions(own, np.ones(2), rng()), minlength=3)
    assert abs(found - 1000).max() < 4 * (3000 * 2 / 9) ** 0.5


def test_a_trial_counts_occurrences_and_recommendations():
    data = Genres(n=200, n_test=50, songs=40, length=8, heard=4, listed=5)
    record = PlaylistTrial(data, MarkovChain(), Beside("commonest"), 0.3, 1).measure()
    measures = record["measures"]
    assert record["members"] == 60
    assert measures["trained"] == pytest.approx(60 / (200 * 8 + 60))
    assert measures["recommended"] == pytest.approx(record["success"] / 5)
    assert record["success"] > 0
    ratio = measures["recommended"] / measures["trained"]
    assert measures["amplification"] == pytest.approx(ratio)
    assert measures["proportional"] == pytest.approx(1 - (1 - measures["trained"]) ** 5)
    control = PlaylistTrial(data, MarkovChain(), Unplaced(), 0.0, 1).measure()
    assert control["measures"]["amplification"] is None
    assert control["success"] == control["members"] == 0


def test_members_of_one_seed_are_nested_and_meet_the_same_listeners():
    data = Genres(n=100, n_test=10, songs=40, length=8, heard=4, listed=5)
    chosen = []
    for size in (0.1, 0.2):
        trial = PlaylistTrial(data, Popularity(), AtEnd(), size, 3)
        release = data.draw(rng(0))
        changed, _ = trial._act(release.playlists, release.songs, release.promoted)
        chosen.append({i for i in range(100) if release.promoted in changed[i]})
    assert len(chosen[0]) == 10
    assert chosen[0] < chosen[1]


def test_the_next_song_is_the_first_that_is_new():
    listeners = np.array([[1, 2, 1, 3, 4], [1, 2, 2, 1, 1], [5, 5, 0, 5, 5]])
    assert next_songs(listeners, 2).tolist() == [3, -1, 0]


@pytest.mark.parametrize(
    ("lists", "text"), [(np.zeros((2, 3)), "shape"), (np.full((2, 2), 9), "song 9")]
)
def test_lists_that_are_none_are_refused(lists, text):
    with pytest.raises(ValueError, match=text):
        checked(lists, 2, 2, 5)


def test_size_zero_is_there_once():
    trials = playlist_trials([Genres()], [Popularity()], [AtRandom(), AtEnd()], [0.0, 0.1], 2)
    keys = [(type(t.placement).__name__, t.size, t.seed) for t in trials]
    assert len(set(keys)) == len(keys) == 6
    assert [key for key in keys if key[1] == 0] == [("Unplaced", 0.0, 0), ("Unplaced", 0.0, 1)]
