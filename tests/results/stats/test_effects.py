"""Effects over datasets against hand-made curves."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from results.plots.effects import plot_effects
from results.report.effects import read
from results.stats.effects import effects, gains
from results.stats.gate import UNSUITED
from tests.helpers.curves import records_of

#: ERM's success: half of the way is reached at 1 % on each dataset.
SIZES = np.array([0.0, 0.0025, 0.01, 0.04])
BASE = np.array([0.0, 0.2, 0.5, 0.9])
DATASETS = [f"Data(n={i})" for i in range(10)]
ERM = "ERM(epochs=100)"


def records(learners, seeds=2, strategy="Plant(label=1)"):
    """Return records in which learners gain, by dataset and size, and lose accuracy."""
    rng = np.random.default_rng(0)
    frames = []
    for i, dataset in enumerate(DATASETS):
        shared = rng.normal(0, 0.02, (seeds, 3))
        for name, (gain, loss) in learners.items():
            success = np.tile(BASE, (seeds, 1))
            success[:, 1:] += np.broadcast_to(gain, (len(DATASETS), 3))[i] + shared
            lost = np.broadcast_to(loss, len(DATASETS))[i]
            frame = records_of({name: success}, SIZES, dataset=dataset, strategy=strategy)
            frames.append(frame.assign(accuracy=0.9 - lost))
    return pd.concat(frames, ignore_index=True)


def row(table, learner, place):
    return table.set_index(["learner", "place"]).loc[(learner, place)]


def test_an_effect_is_a_mean_over_datasets_with_their_t_interval():
    rng = np.random.default_rng(1)
    gain = rng.normal([0.05, 0.2, -0.05], 0.03, (10, 3))
    table = effects(records({ERM: (0.0, 0.0), "JTT(epochs=100)": (gain, 0.01)}))
    for j, place in enumerate(["small", "middle", "large"]):
        found, values = row(table, "JTT(epochs=100)", place), gain[:, j]
        low, high = stats.t.interval(0.95, 9, values.mean(), stats.sem(values))
        assert [found["effect"], found["low"], found["high"]] == pytest.approx(
            [values.mean(), low, high], abs=1e-9
        )
        assert found["above"] == (values > 0).sum()
        assert found["below"] == (values < 0).sum()
        assert found["datasets"] == 10
    assert row(table, "JTT(epochs=100)", "middle")["verdict"] == "win"
    assert row(table, "JTT(epochs=100)", "small")["accuracy_difference"] == pytest.approx(-0.01)


def test_people_are_the_ratio_of_critical_masses():
    frame = records({ERM: (0.0, 0.0), "JTT()": (np.full((10, 3), -0.1), 0.0)})
    table = effects(frame)
    found = row(table, "JTT()", "people")
    logs = []
    for _, curve in frame.groupby(["dataset", "seed", "learner"]):
        curve = curve.sort_values("size").iloc[1:]
        logs.append(np.interp(0.5, curve["success"], np.log10(curve["size"])))
    # ERM comes first in each pair of curves.
    wanted = np.mean(np.diff(np.reshape(logs, (-1, 2))))
    assert found["effect"] == pytest.approx(wanted)
    assert found["verdict"] == "loss"
    assert read(table)["people, times ERM's"].iloc[0].startswith(f"{10**wanted:.2f} [")


def test_masses_beyond_the_sizes_count_as_the_largest_and_say_nothing_where_both_are():
    frame = records({ERM: (0.0, 0.0), "JTT()": (0.0, 0.0)})
    frame.loc[frame["learner"] == "JTT()", "success"] *= 0.1
    beyond = gains(frame).query("place == 'people'")
    assert (beyond["gain"] > 0.55).all()
    assert len(beyond) == 10
    frame["success"] *= 0.1
    assert not (gains(frame)["place"] == "people").any()


def test_datasets_on_which_a_learner_is_not_accurate_do_not_count():
    gain, loss = np.full((10, 3), 0.1), np.zeros(10)
    gain[:3], loss[:3] = 0.4, 0.2
    table = effects(records({ERM: (0.0, 0.0), "JTT(epochs=100)": (gain, loss)}))
    found = row(table, "JTT(epochs=100)", "middle")
    assert (found["datasets"], found["failed"]) == (7, 3)
    assert found["effect"] == pytest.approx(0.1)


def test_learners_that_are_not_made_for_data_are_no_failures():
    frame = records({ERM: (0.0, 0.0), "QDA()": (0.1, 0.0)})
    outside = {(DATASETS[0], "QDA()"), (DATASETS[1], "QDA()")}
    table = effects(frame, outside=outside)
    found = row(table, "QDA()", "middle")
    assert (found["datasets"], found["failed"]) == (8, 0)
    assert UNSUITED not in str(table)


def test_p_are_corrected_for_all_learners_and_places_of_a_strategy():
    rng = np.random.default_rng(2)
    learners = {f"L{i}()": (rng.normal(0.02 * i, 0.04, (10, 3)), 0.0) for i in range(4)}
    frame = records({ERM: (0.0, 0.0), **learners})
    table, found = effects(frame), gains(frame)
    wide = found.pivot(index="dataset", columns=["learner", "place"], values="gain")
    # All patterns of signs, and the largest t of each.
    signs = np.array(np.meshgrid(*[[1, -1]] * 10)).reshape(10, -1).T
    flipped = signs[:, :, None] * wide.to_numpy()
    largest = np.abs(stats.ttest_1samp(flipped, 0, axis=1).statistic).max(axis=1)
    t = np.abs(stats.ttest_1samp(wide, 0).statistic)
    p = {name: np.mean(largest >= one - 1e-9) for name, one in zip(wide, t, strict=True)}
    assert table.set_index(["learner", "place"])["p"].to_dict() == pytest.approx(p)
    assert 0 < (table["p"] <= 0.05).sum() < len(table)


def test_effects_over_few_datasets_are_not_tested():
    frame = records({ERM: (0.0, 0.0), "JTT()": (0.1, 0.0)})
    table = effects(frame[frame["dataset"].isin(DATASETS[:7])])
    assert table["p"].isna().all()
    assert (table["verdict"] == "cannot tell").all()


def test_settings_of_erm_are_compared_with_the_one_of_the_other_learners():
    learners = {ERM: (0.0, 0.0), "ERM(epochs=5)": (-0.1, 0.0), "JTT(epochs=100)": (0.1, 0.0)}
    table = effects(records(learners))
    assert set(table["learner"]) == {"ERM(epochs=5)", "JTT(epochs=100)"}
    assert row(table, "ERM(epochs=5)", "middle")["effect"] == pytest.approx(-0.1)


def test_places_follow_the_critical_mass_of_each_dataset():
    frame = records({ERM: (0.0, 0.0), "JTT()": (0.1, 0.0)})
    late = frame["dataset"] == DATASETS[0]
    frame.loc[late, "size"] *= 2
    sizes = gains(frame).set_index(["dataset", "learner", "place"])["size"]
    assert sizes[DATASETS[0], "JTT()", "middle"] == 0.02
    assert sizes[DATASETS[1], "JTT()", "middle"] == 0.01


def test_tasks_on_which_erm_does_not_reach_the_level_do_not_count():
    frame = records({ERM: (0.0, 0.0), "JTT()": (0.1, 0.0)})
    never = frame["dataset"] == DATASETS[0]
    frame.loc[never, "success"] *= 0.4
    assert row(effects(frame), "JTT()", "middle")["datasets"] == 9


def test_strategies_have_effects_of_their_own():
    one = records({ERM: (0.0, 0.0), "JTT()": (0.1, 0.0)})
    other = records({ERM: (0.0, 0.0), "JTT()": (-0.1, 0.0)}, strategy="Erase(label=1)")
    table = effects(pd.concat([one, other], ignore_index=True))
    found = table[table["place"] == "middle"].set_index("strategy")["effect"]
    assert found.to_dict() == pytest.approx({"Plant": 0.1, "Erase": -0.1})


def test_the_table_for_reading_and_the_figure_have_a_row_a_learner():
    table = effects(records({ERM: (0.0, 0.0), "JTT()": (0.1, 0.0), "LfF()": (-0.2, 0.2)}))
    view = read(table).set_index("learner")
    assert view.loc["JTT()", "at ERM's mass"] == "+0.10 [+0.10, +0.10] win"
    assert view.loc["LfF()", "at ERM's mass"] == ""
    assert view.loc["LfF()", "fails the gate"] == 10
    figure = plot_effects(table)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["JTT", "LfF"]
