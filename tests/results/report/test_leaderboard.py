"""The leaderboard: it says what ranks and critical masses say, and no more."""

import pandas as pd

from results.report.leaderboard import RANKED, leaderboard, read
from results.stats.critical_mass import critical_mass
from results.stats.curves import success_curves
from results.stats.ranks import field, mean_ranks
from tests.helpers import records as shared

SIZES = (0.0, 0.01, 0.1, 1.0)


def records(**more):
    """A learner that follows at once, one that follows late, and one that is only on some data."""
    from_size = {"Fast()": 0.01, "Slow()": 1.0, "Here()": 0.1}
    table = shared.records(
        lambda key: {
            "success": float(key["size"] >= from_size[key["learner"]]),
            "effective_size": key["size"],
            "accuracy": 1.0,
        },
        dataset=["D()", "E(n=1)"],
        learner=from_size,
        size=SIZES,
        seed=range(3),
        strategy=["Plant(label=1)"],
    )
    return table[(table["learner"] != "Here()") | (table["dataset"] != "D()")].assign(**more)


def test_ranks_and_masses_are_those_of_their_own_tables():
    table = leaderboard(records())
    assert list(table.columns) == [*RANKED, "D", "E"]
    pd.testing.assert_frame_equal(table[RANKED], mean_ranks(field(records()))[RANKED])
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


def test_it_is_read_with_intervals():
    board = leaderboard(records())
    view = read(board)
    assert list(view.columns) == ["learner", "mean rank", "critical mass at 0.5, D", "E"]
    assert view["mean rank"].tolist() == ["1.0 [1.0, 1.0]", "2.0 [2.0, 2.0]"]
