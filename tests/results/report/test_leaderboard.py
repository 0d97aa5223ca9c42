"""The leaderboard: it says what ranks and critical masses say, and no more."""

import pandas as pd

from results.report.leaderboard import RANKED, leaderboard, read
from results.stats.critical_mass import critical_mass
from results.stats.curves import success_curves
from results.stats.ranks import field, mean_ranks
from tests.helpers import records as shared

SIZES = (0.0, 0.01, 0.1, 1.0)


DATASETS = ("D()", "E(n=1)", *(f"F{i}()" for i in range(6)))


def records(datasets=DATASETS[:2], **more):
    """A learner that follows at once, one that follows late, and one that is only on some data."""
    from_size = {"Fast()": 0.01, "Slow()": 1.0, "Here()": 0.1}
    table = shared.records(
        lambda key: {
            "success": float(key["size"] >= from_size[key["learner"]]),
            "effective_size": key["size"],
            "accuracy": 1.0,
        },
        dataset=datasets,
        learner=from_size,
        size=SIZES,
        seed=range(3),
        strategy=["Plant(label=1)"],
    )
    return table[(table["learner"] != "Here()") | (table["dataset"] == "E(n=1)")].assign(**more)


def test_ranks_and_masses_are_those_of_their_own_tables():
    frame = records(DATASETS)
    table = leaderboard(frame)
    assert list(table.columns)[: len(RANKED) + 2] == [*RANKED, "D", "E"]
    pd.testing.assert_frame_equal(table[RANKED], mean_ranks(field(frame))[RANKED])
    assert table["learner"].tolist() == ["Fast()", "Slow()"]
    texts = critical_mass(success_curves(records()), 0.5).set_index(["dataset", "learner"])["text"]
    for row in table.to_dict("records"):
        assert [row["D"], row["E"]] == [
            texts["D()", row["learner"]],
            texts["E(n=1)", row["learner"]],
        ]
    assert leaderboard(records(), 1.0)["D"].tolist() != table["D"].tolist()


def test_panels_are_named_by_what_tells_them_apart():
    other = records(strategy="Erase(label=1)")
    ways = records(validation="contaminated")
    table = leaderboard(pd.concat([records(), other, ways]))
    assert list(table.columns)[len(RANKED) :] == [
        "D, Erase, clean",
        "D, Plant, clean",
        "D, Plant, contaminated",
        "E, Erase, clean",
        "E, Plant, clean",
        "E, Plant, contaminated",
    ]


def test_two_datasets_have_no_mean_rank():
    board = leaderboard(records())
    assert board["learner"].tolist() == ["Fast()", "Slow()"]
    assert board[["rank", "low", "high"]].isna().all(axis=None)
    assert (board["datasets"].tolist(), board["seeds"].tolist()) == ([2, 2], [3, 3])
    assert list(read(board).columns) == ["learner", "critical mass at 0.5, D", "E"]


def test_a_learner_is_left_out_of_data_that_it_is_not_made_for():
    board = leaderboard(records(DATASETS[1:]), outside={(d, "Slow()") for d in DATASETS})
    assert board["learner"].tolist() == ["Fast()", "Here()"]


def test_it_is_read_with_intervals():
    board = leaderboard(records(DATASETS))
    view = read(board)
    assert list(view.columns)[:4] == ["learner", "mean rank", "critical mass at 0.5, D", "E"]
    assert view["mean rank"].tolist() == ["1.0 [1.0, 1.0]", "2.0 [2.0, 2.0]"]
