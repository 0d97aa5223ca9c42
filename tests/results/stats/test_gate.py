"""The gate by accuracy, against hand-made accuracies."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from results.stats.gate import MARGIN, UNSUITED, apart, erm_of, gate
from results.stats.ranks import field
from tests.helpers.curves import records_of

SIZES = (0.0, 0.01, 0.1)
CURVE = [[0.0, 0.3, 0.8]] * 4
#: The accuracy of ERM at each of four seeds.
BASE = np.array([0.90, 0.91, 0.89, 0.90])


def records(losses, dataset="D()", **more):
    """Return trials whose accuracy at size 0 is ERM's less a loss, and 0 with a collective."""
    frame = records_of(dict.fromkeys(losses, CURVE), SIZES, dataset=dataset, **more)
    loss = frame["learner"].map(losses)
    accuracy = BASE[frame["seed"]] - loss
    return frame.assign(accuracy=accuracy.where(frame["size"] == 0, 0.0))


def test_accuracies_are_compared_with_that_of_erm_in_pairs():
    losses = {"ERM()": 0.0, "A()": 0.03, "B()": 0.031, "C()": -0.2}
    table = gate(records(losses)).set_index("learner")
    assert table["ranked"].to_dict() == {"ERM()": True, "A()": True, "B()": False, "C()": True}
    assert table.loc["B()", "reason"] == "accuracy -0.031 against ERM"
    assert table["accuracy"].to_dict() == pytest.approx({k: 0.9 - v for k, v in losses.items()})
    assert table["accuracy_difference"].to_dict() == pytest.approx(
        {k: -v for k, v in losses.items()}
    )
    # In pairs the seeds agree, though accuracies differ by seed.
    width = table["accuracy_high"] - table["accuracy_low"]
    assert width["B()"] < 2 * stats.t(4).ppf(0.975) * BASE.std(ddof=1) + 0.1
    assert table.loc["B()", "accuracy_low"] < -0.031 < table.loc["B()", "accuracy_high"]


def test_each_dataset_has_its_own_gate():
    frame = pd.concat(
        [records({"ERM()": 0.0, "A()": 0.0}), records({"ERM()": 0.0, "A()": 0.1}, "E()")]
    )
    table = gate(frame).set_index(["dataset", "learner"])
    assert table["ranked"].to_dict() == {
        ("D()", "A()"): True,
        ("D()", "ERM()"): True,
        ("E()", "A()"): False,
        ("E()", "ERM()"): True,
    }
    (row,) = apart(gate(frame)).to_dict("records")
    assert (row["learner"], row["dataset"], row["failed"]) == ("A()", "E()", 1)
    assert field(frame).learners == []


def test_a_learner_that_is_not_made_for_the_data_is_not_ranked():
    frame = records({"ERM()": 0.0, "A()": 0.0, "B()": 0.0})
    table = gate(frame, {("D()", "A()")}).set_index("learner")
    assert table["ranked"].to_dict() == {"ERM()": True, "A()": False, "B()": True}
    assert table.loc["A()", "reason"] == UNSUITED
    assert field(frame, outside={("D()", "A()")}).learners == ["B()", "ERM()"]


def test_all_are_ranked_where_nothing_is_known():
    alone = records({"A()": 0.0, "B()": 0.5})
    assert gate(alone)["ranked"].all()
    silent = records({"ERM()": 0.0, "B()": 0.5}).drop(columns="accuracy")
    assert gate(silent)["ranked"].all()
    assert gate(silent)["accuracy"].isna().all()
    no_control = records({"ERM()": 0.0, "B()": 0.5})
    assert gate(no_control[no_control["size"] > 0])["ranked"].all()


def test_failed_trials_have_no_accuracy():
    frame = records({"ERM()": 0.0, "A()": 0.0})
    lost = (frame["learner"] == "A()") & (frame["seed"] == 0) & (frame["size"] == 0)
    frame.loc[lost, ["status", "accuracy"]] = ["failed", 0.0]
    row = gate(frame).set_index("learner").loc["A()"]
    assert row["accuracy"] == pytest.approx(BASE[1:].mean())
    assert row["accuracy_difference"] == 0


def test_erm_is_the_one_with_the_fewest_settings():
    assert erm_of(["ERM(optimiser='adam')", "ERM", "JTT()"]) == "ERM"
    assert erm_of(["JTT()", "ERMish()"]) is None
    assert MARGIN == 0.03
