"""The command that promotes a song in playlists."""

import json

import pytest

DATA = "Genres(n=100, n_test=20, songs=40, length=8, heard=4, listed=5)"
WORDS = ("recommend", "--catalogues", DATA, "--jobs", "0", "--out", "out", "--seeds", "2")


def test_a_song_is_promoted_once_for_each_cell(bench, tmp_path, no_layout):
    words = (*WORDS, "--recommenders", "MarkovChain,Popularity", "--sizes", "0.3")
    said = bench(*words, "--placements", "AtRandom,Beside('commonest')", "--format", "json")
    assert said.code == 0, said
    rows = json.loads(said.out)
    cells = {(row["learner"], row["strategy"], row["size"]) for row in rows}
    # One control for each firm, and two placements.
    assert len(cells) == len(rows) == 2 * 3
    assert {row["seeds"] for row in rows} == {2}
    assert (tmp_path / "out" / "amplification.svg").is_file()
    again = bench(*words, "--placements", "AtRandom")
    assert "8 trials, 8 of them in out already" in again.line
    assert "MarkovChain" in again.out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--recommenders", "MarkovChian"), "Did you mean 'MarkovChain'"),
        (("--recommenders", "ERM"), "'ERM'"),
        (("--placements", "Beside('rare')"), "song='rare'"),
        (("--sizes", "0.1,2"), "2 is not a share"),
        (("--sizes", "0"), "no size is above 0"),
        (("--sizes", "some"), "'some' is not a number"),
        (("--catalogues", "Genres(heard=30)"), "heard=30 leaves none"),
    ],
)
def test_unusable_options_are_explained(bench, words, text):
    said = bench(*WORDS, *words)
    assert said.code == 2
    assert text in said.line
