"""The leaderboard: it says what ranks and critical masses say, and no more."""

from functools import cache

import pandas as pd

from results.report.leaderboard import FIXED, RANKED, leaderboard, read
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
    assert list(table.columns)[: len(FIXED) + 2] == [*FIXED, "D", "E"]
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
    assert list(table.columns)[len(FIXED) :] == [
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
    assert list(read(board).columns) == ["learner", "critical mass at 0.5 above size 0, D", "E"]


def test_a_learner_is_left_out_of_data_that_it_is_not_made_for():
    board = leaderboard(records(DATASETS[1:]), outside={(d, "Slow()") for d in DATASETS})
    assert board["learner"].tolist() == ["Fast()", "Here()"]


@cache
def many(learners=("ERM()", "Fast()", "Slow()", "Broken()")):
    """Twelve datasets of three kinds, and a learner of low accuracy on two of them."""
    from_size = dict(zip(learners, (0.1, 0.01, 1.0, 0.01), strict=False))
    frames = []
    for i in range(12):
        frame = shared.records(
            lambda key: {
                "success": float(key["size"] >= from_size[key["learner"]]),
                "accuracy": 0.9,
                "constant": 0.5,
            },
            dataset=[f"F{i:02d}()"],
            learner=from_size,
            size=SIZES,
            seed=range(6),
        )
        low = (frame["learner"] == "Broken()") & (i < 2)
        frames.append(frame.assign(accuracy=frame["accuracy"].mask(low, 0.5 + i / 10)))
    return pd.concat(frames, ignore_index=True)


KINDS = {f"F{i:02d}()": ("laws", "images", "texts")[i % 3] for i in range(12)}


@cache
def board():
    return leaderboard(many(), kinds=KINDS)


def test_a_learner_below_the_gate_is_shown_apart_with_its_accuracy():
    table = board()
    assert table["learner"].tolist() == ["Fast()", "ERM()", "Slow()", "Broken()"]
    assert table["rank"].isna().tolist() == [False, False, False, True]
    assert table["reason"].tolist()[:3] == [""] * 3
    assert table["reason"].iloc[3] == (
        "not ranked: accuracy -0.400 against ERM on F00, and below on 1 more"
    )
    # It has a rank on the kind of data on which its accuracy is ERM's, and Fast shares it.
    kinds = table.set_index("learner")[["rank on laws", "rank on images", "rank on texts"]]
    assert kinds.loc["Broken()"].isna().tolist() == [True, True, False]
    assert kinds.loc["Fast()"].tolist() == [1.0, 1.0, 1.5]


def test_verdicts_against_erm_are_counted_over_datasets():
    verdicts = board().set_index("learner")[["win", "tie", "loss", "cannot tell"]]
    assert verdicts.loc["Fast()"].tolist() == [12, 0, 0, 0]
    assert verdicts.loc["Slow()"].tolist() == [0, 0, 12, 0]
    assert verdicts.loc[["ERM()", "Broken()"]].isna().all(axis=None)


def test_many_datasets_are_read_without_a_column_for_each():
    view = read(board())
    assert view.columns.tolist() == [
        "learner",
        "mean rank",
        "win/tie/loss/?",
        "rank on images",
        "rank on laws",
        "rank on texts",
        "accuracy, less ERM",
        "",
    ]
    assert view["win/tie/loss/?"].tolist() == ["12/0/0/0", "", "0/0/12/0", ""]
    assert view["accuracy, less ERM"].tolist() == ["+0.000"] * 3 + ["-0.400"]


def test_it_is_read_with_intervals():
    board = leaderboard(records(DATASETS))
    view = read(board)
    assert list(view.columns) == ["learner", "mean rank"]
    assert view["mean rank"].tolist() == ["1.0 [1.0, 1.0]", "2.0 [2.0, 2.0]"]
