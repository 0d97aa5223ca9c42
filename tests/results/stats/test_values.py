"""Values in the place of success."""

import numpy as np
import pandas as pd
import pytest

from results.stats.bound_slack import promised
from results.stats.critical_mass import critical_mass
from results.stats.curves import success_curves
from results.stats.values import plain_success, values, with_value
from tests.helpers.curves import records_of

SIZES = (0.0, 0.01, 0.1)


def records(strategy="Plant()", others=0.5, **more):
    frame = records_of({"A()": [[0.4, 0.6, 1.0]] * 3}, SIZES, strategy=strategy, **more)
    return frame.assign(success_others=others * frame["success"], accuracy=0.9)


def both():
    return pd.concat([records(), records("Erase()", np.nan)], ignore_index=True)


def test_the_headline_is_success_on_others_where_all_trials_have_it():
    frame = with_value(both())
    plant = frame["strategy"] == "Plant()"
    assert frame.loc[plant, "success"].tolist() == [0.2, 0.3, 0.5] * 3
    assert frame.loc[~plant, "success"].tolist() == [0.4, 0.6, 1.0] * 3
    assert frame["success_all"].tolist() == both()["success"].tolist()
    assert set(frame.loc[plant, "measured"]) == {"success_others"}
    assert set(frame.loc[~plant, "measured"]) == {"success"}


def test_one_trial_without_it_changes_the_whole_panel():
    """Learners of one panel are compared by one value."""
    frame = pd.concat([records(), records().assign(learner="B()", success_others=np.nan)])
    assert set(with_value(frame)["measured"]) == {"success"}
    failed = records()
    failed.loc[0, ["status", "success", "success_others"]] = ["failed", np.nan, np.nan]
    assert set(with_value(failed)["measured"]) == {"success_others"}


@pytest.mark.parametrize("value", ["success", "success_others", "accuracy"])
def test_a_value_takes_the_place_of_success(value):
    frame = records()
    made = with_value(frame, value)
    assert made["success"].tolist() == frame[value].tolist()
    assert set(made["measured"]) == {value}
    assert plain_success(made).tolist() == frame["success"].tolist()


def test_a_value_can_be_replaced_by_another():
    again = with_value(with_value(with_value(both(), "accuracy")), "success")
    assert again["success"].tolist() == both()["success"].tolist()
    assert list(again.columns) == list(with_value(both(), "success").columns)


def test_a_value_that_records_lack_is_refused_with_the_nearest_one():
    with pytest.raises(ValueError, match=r"no value 'acuracy'\. Did you mean 'acc") as error:
        with_value(both(), "acuracy")
    for name in values(both()):
        assert name in str(error.value)


def test_curves_average_success_beside_the_headline():
    frame = both()
    frame.attrs["averaged"] = ["success_others", "accuracy"]
    curves = success_curves(with_value(frame))
    plant = curves[curves["strategy"] == "Plant()"]
    assert plant["mean"].tolist() == pytest.approx([0.2, 0.3, 0.5])
    assert plant["success_all"].tolist() == pytest.approx([0.4, 0.6, 1.0])
    goal = critical_mass(curves, 0.5).set_index("strategy")["goal"]
    assert goal["Plant()"] == pytest.approx(0.2 + 0.5 * 0.8)


def test_bounds_are_on_success_itself():
    frame = records().assign(bound_exact=0.3)
    pd.testing.assert_frame_equal(promised(with_value(frame)), promised(frame))
