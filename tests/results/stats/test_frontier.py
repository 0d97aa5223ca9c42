"""Frontiers against hand-made settings."""

import numpy as np
import pandas as pd
import pytest

from results.plots.frontier import plot_frontier
from results.plots.registry import registered
from results.stats.analysis import Analysis
from results.stats.frontier import COLUMNS, OVER_DATASETS, frontier, over_datasets
from results.stats.intervals import signed, student
from results.stats.sign_flip import joint
from tests.helpers.curves import records_of

#: ERM's success: half of the way is reached at 1 %.
SIZES = np.array([0.0, 0.0025, 0.01, 0.04])
BASE = np.array([0.0, 0.2, 0.52, 0.9])
#: Setting -> its gain in success at all positive sizes, and the accuracy that it loses.
SETTINGS = {
    "ERM()": (0.0, 0.0),
    "ERM(epochs=100)": (0.10, 0.02),
    "ERM(epochs=5)": (-0.10, 0.05),
    "JTT(upweight=2)": (0.08, 0.00),
    "JTT(upweight=5)": (0.09, 0.02),
    "JTT(upweight=50)": (0.30, 0.40),
    "LfF()": (0.05, -0.01),
}


def records(settings=SETTINGS, seeds=6, **more):
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 0.02, (seeds, 1))
    frames = []
    for name, (gain, loss) in settings.items():
        noise = shared + rng.normal(0, 0.004, (seeds, 4))
        success = np.clip(BASE + (gain + noise) * (SIZES > 0), 0, 1)
        frame = records_of({name: success}, SIZES, **more)
        frames.append(frame.assign(accuracy=0.9 - loss))
    return pd.concat(frames, ignore_index=True)


def test_settings_are_compared_with_erms_own_at_their_loss():
    table = frontier(records())
    assert table.columns.tolist() == COLUMNS
    assert table.groupby("place")["size"].first().to_dict() == {
        "small": 0.0025,
        "middle": 0.01,
        "large": 0.04,
    }
    small = table[table["place"] == "small"].set_index("setting")
    gains = {name: gain for name, (gain, _) in SETTINGS.items()}
    assert small["lift"].to_dict() == pytest.approx(gains, abs=0.01)
    assert small["loss"].to_dict() == pytest.approx({k: loss for k, (_, loss) in SETTINGS.items()})
    # JTT(2) loses nothing, as ERM() does; the others are held against ERM of 100 epochs.
    assert small["frontier"].to_dict() == pytest.approx(
        {
            "ERM()": 0.0,
            "ERM(epochs=100)": 0.1,
            "ERM(epochs=5)": 0.1,
            "JTT(upweight=2)": 0.0,
            "JTT(upweight=5)": 0.1,
            "JTT(upweight=50)": 0.1,
            "LfF()": 0.0,
        },
        abs=0.01,
    )
    assert small["strengthens"].to_dict() == {
        **dict.fromkeys(SETTINGS, False),
        "JTT(upweight=2)": True,
        "JTT(upweight=50)": True,
        "LfF()": True,
    }
    assert small["learner"].to_dict()["JTT(upweight=5)"] == "JTT"


def test_gains_are_paired_over_seeds():
    frame = records()
    row = frontier(frame).set_index(["place", "setting"]).loc[("middle", "JTT(upweight=2)")]
    at = frame[frame["size"] == 0.01].pivot(index="seed", columns="learner", values="success")
    gap = (at["JTT(upweight=2)"] - at["ERM()"]).to_numpy()
    ends = (row["above"], row["above_low"], row["above_high"])
    assert ends == pytest.approx(signed(gap)[:3])
    assert row["seeds"] == 6


def test_a_seed_does_not_choose_the_setting_that_it_is_compared_with():
    """ERM's settings are equal but for noise: the best of them by all seeds is best by chance."""
    rng = np.random.default_rng(1)
    names = ["ERM()", *(f"ERM(epochs={e})" for e in (2, 3, 4, 5)), "JTT()"]
    success = {name: rng.normal(0.5, 0.1, 4) for name in names}
    frames = [records_of({name: [[0.0, v] for v in success[name]]}, [0.0, 0.5]) for name in names]
    table = frontier(pd.concat(frames).assign(accuracy=0.9)).set_index("setting")
    above = []
    for seed in range(4):
        others = [s for s in range(4) if s != seed]
        best = max(names[:-1], key=lambda name, o=others: success[name][o].mean())
        above.append(success["JTT()"][seed] - success[best][seed])
    assert table.loc["JTT()", "above"] == pytest.approx(np.mean(above))
    best = max(success[name].mean() for name in names[:-1])
    assert table.loc["JTT()", "above"] > success["JTT()"].mean() - best


def test_distances_from_the_frontier_are_averaged_over_accurate_settings_and_datasets():
    rng = np.random.default_rng(0)
    frames = []
    for d in range(9):
        settings = {
            "ERM()": (0.0, 0.0),
            "ERM(epochs=9)": (0.01, 0.0),
            "JTT()": (-0.2 + rng.normal(0, 0.02), 0.0),
            "JTT(upweight=9)": (-0.1 + rng.normal(0, 0.02), 0.01),
            "JTT(upweight=99)": (0.3, 0.2),
            "LfF()": (0.4, 0.5 if d else 0.0),
        }
        frames.append(records(settings, seeds=3, dataset=f"Coins(n={d})"))
    table = frontier(pd.concat(frames))
    table.loc[table["learner"].str.startswith("JTT"), "learner"] = "JTT"
    found = over_datasets(table)
    assert found.columns.tolist() == OVER_DATASETS
    middle = found[found["place"] == "middle"].set_index("learner")
    assert middle.index.tolist() == ["LfF", "JTT"]
    own = table[(table["learner"] == "JTT") & (table["place"] == "middle")]
    means = own[own["loss"] <= 0.03].groupby("dataset")["above"].mean().to_numpy()
    ends = middle.loc["JTT", ["above", "low", "high"]].to_numpy(float)
    assert ends == pytest.approx(student(means)[:3])
    assert middle.loc["JTT", "p"] == pytest.approx(float(joint(means[:, None])[0]))
    assert middle.loc["JTT", ["verdict", "datasets", "settings"]].tolist() == ["loss", 9, 18]
    # One dataset gives neither an interval nor a p.
    assert middle.loc["LfF", ["verdict", "datasets", "strengthens"]].tolist() == [
        "cannot tell",
        1,
        1,
    ]


def test_entries_have_settings_of_their_own():
    frame = records().rename(columns={"learner": "setting"})
    frame["learner"] = frame["setting"].str.partition("(")[0]
    table = frontier(frame)
    pd.testing.assert_frame_equal(table, frontier(records()))


def test_settings_inside_a_wrapper_are_compared_with_erms_default_inside_it():
    """Tuning of texts: the settings are wrapped, and the learners of the grid are not."""
    frame = records(
        {
            "ERM(epochs=20, rate=1)": (0.0, 0.0),
            "ERM(epochs=20, rate=9)": (0.05, 0.0),
            "ERM(epochs=300, rate=1)": (0.1, 0.0),
            "JTT(epochs=20, rate=1)": (0.02, 0.0),
            "JTT(epochs=20, rate=9)": (0.03, 0.0),
        }
    )
    plain = frontier(frame)
    frame = frame.assign(setting=[f"HashedBag(base={text})" for text in frame["learner"]])
    owners = {text: text.replace("rate=9", "rate=1") for text in frame["learner"]}
    wrapped = frontier(frame.assign(learner=frame["learner"].map(owners)))
    assert wrapped["setting"].tolist() == [f"HashedBag(base={text})" for text in plain["setting"]]
    numbers = ["lift", "loss", "frontier", "above", "above_low", "above_high", "strengthens"]
    pd.testing.assert_frame_equal(wrapped[numbers], plain[numbers])


def test_what_is_too_far_from_a_size_is_left_out():
    few = records()
    few = few[few["size"].isin([0.0, 0.0025, 0.01])]
    assert set(frontier(few)["place"]) == {"small", "middle"}
    single = few[few["size"] != 0.0025]
    assert set(frontier(single)["place"]) == {"only"}
    assert set(frontier(single)["size"]) == {0.01}
    assert len(frontier(records({"JTT()": (0, 0), "LfF()": (0, 0)}))) == 0
    assert len(frontier(records({"ERM()": (0, 0)}))) == 0
    never = records()
    assert len(frontier(never.assign(success=0.0))) == 0


def test_a_failed_trial_is_left_out_of_its_pair():
    frame = records()
    lost = (frame["learner"] == "JTT(upweight=2)") & (frame["seed"] == 0)
    frame.loc[lost & (frame["size"] == 0.01), "status"] = "failed"
    table = frontier(frame).set_index(["place", "setting"])
    assert table.loc[("middle", "JTT(upweight=2)"), "seeds"] == 5
    assert table.loc[("small", "JTT(upweight=2)"), "seeds"] == 6


def test_the_figure_has_a_panel_a_place_and_is_left_out_without_settings():
    figure = registered()["frontier"]
    table = figure.table(Analysis(records()))
    drawn = plot_frontier(table)
    assert len(drawn.axes) == 3
    titles = [" ".join(axes.get_title().split()) for axes in drawn.axes]
    for title, place in zip(titles, ("small", "middle", "large"), strict=True):
        assert f"{place} size: " in title
    for learners in ({"ERM()": (0, 0), "JTT()": (0, 0)}, {"JTT(a=1)": (0, 0), "JTT()": (0, 0)}):
        assert not len(figure.table(Analysis(records(learners))))
