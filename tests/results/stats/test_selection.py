"""Selection among variants after a run, by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from results.stats.selection import at_epoch, choices, select
from tests.helpers import records as shared


def records() -> pd.DataFrame:
    """Return records of two variants of A and one B, at two sizes and two seeds."""
    shifts = {"A(learning_rate=0.1)": 0.0, "A(learning_rate=1.0)": 0.1, "B()": 0.2}

    def values(key: dict[str, Any]) -> dict[str, float]:
        shift = shifts[key["learner"]]
        firm = {"firm_accuracy": 0.5, "firm_worst_group": 0.3 + shift, "firm_loss": 1.0 - shift}
        return {"success": 0.5 + shift + key["size"]} | firm

    return shared.records(values, learner=shifts, size=(0.0, 0.1), seed=(0, 1))


def test_each_trial_takes_its_own_best():
    table = records()
    at = (table.learner == "A(learning_rate=0.1)") & (table["size"] == 0.1) & (table.seed == 1)
    table.loc[at, "firm_accuracy"] = 0.9
    table.loc[(table.learner == "A(learning_rate=1.0)") & (table.seed == 0), "firm_accuracy"] = 0.8
    got = select(table, "accuracy").set_index(["learner", "size", "seed"])
    assert set(got.index.get_level_values(0)) == {"A()", "B()"}
    assert got.loc[("A()", 0.1, 1), "chosen"] == "A(learning_rate=0.1)"
    assert got.loc[("A()", 0.1, 0), "chosen"] == "A(learning_rate=1.0)"
    assert got.loc[("A()", 0.1, 0), "success"] == pytest.approx(0.7)
    # Of equals the best by the other rules.
    assert got.loc[("A()", 0.0, 1), "chosen"] == "A(learning_rate=1.0)"
    assert len(got) == 8


def test_the_smallest_loss_and_the_best_worst_group_win():
    for rule in ("loss", "worst_group"):
        got = select(records(), rule)
        assert set(got[got.learner == "A()"].chosen) == {"A(learning_rate=1.0)"}


def variants(count: int, seeds: int) -> pd.DataFrame:
    """Return variants that are equal by all rules, with texts in the order of their numbers."""
    firm = {"firm_accuracy": 0.5, "firm_worst_group": 0.5, "firm_loss": 1.0}
    learners = [f"A(k={k})" for k in range(count)]
    return shared.records(lambda key: firm, learner=learners, size=[0.1], seed=range(seeds))


def test_equals_draw_fair_lots_that_can_be_repeated():
    table = variants(4, 400)
    got = select(table, "accuracy")
    counts = got["chosen"].value_counts()
    assert stats.chisquare(counts.reindex([f"A(k={k})" for k in range(4)])).pvalue > 0.001
    again = select(table.sample(frac=1, random_state=0), "accuracy")
    pd.testing.assert_frame_equal(got, again)
    # The lot of a variant does not depend on the others.
    fewer = select(table[table["learner"] != "A(k=0)"], "accuracy")
    kept = (got["chosen"] != "A(k=0)").to_numpy()
    assert got["chosen"][kept].tolist() == fewer["chosen"][kept].tolist()


def test_equals_are_compared_by_the_other_rules_first():
    table = variants(3, 20)
    table.loc[table["learner"] == "A(k=1)", "firm_worst_group"] = 0.6
    table.loc[table["learner"] == "A(k=2)", "firm_loss"] = 0.1
    assert set(select(table, "accuracy")["chosen"]) == {"A(k=1)"}
    assert set(select(table, "loss")["chosen"]) == {"A(k=2)"}


def test_a_variant_that_failed_is_not_chosen_unless_all_did():
    table = records()
    failed = (table.learner == "A(learning_rate=1.0)") & (table.seed == 0)
    table.loc[failed, ["status", "firm_loss"]] = ["failed", np.nan]
    assert set(select(table, "loss").query("learner == 'A()' and seed == 0").chosen) == {
        "A(learning_rate=0.1)"
    }
    table.loc[table.learner.str.startswith("A") & (table.seed == 0), "status"] = "failed"
    table.loc[table.status == "failed", "firm_loss"] = np.nan
    got = select(table, "loss").query("learner == 'A()' and seed == 0")
    assert list(got.status) == ["failed", "failed"]


def test_choices_are_counted():
    table = records()
    table.loc[(table.learner == "A(learning_rate=0.1)") & (table.seed == 0), "firm_accuracy"] = 0.8
    told = choices(select(table, "accuracy"))
    assert list(told.chosen) == ["A(learning_rate=0.1)", "A(learning_rate=1.0)"]
    assert list(told.times) == [2, 2]
    assert list(told.of) == [4, 4]


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="accuracy, worst_group, loss"):
        select(records().rename(columns={"firm_loss": "firm_x"}), "x")


def test_epochs_are_chosen_afterwards():
    table = records().query("learner == 'B()'").reset_index(drop=True)
    path = {
        "success": [0.1, 0.2, 0.3],
        "accuracy": [0.5, 0.6, 0.7],
        "firm_accuracy": [0.5, 0.9, 0.9],
        "firm_loss": [3.0, 2.0, 1.0],
    }
    table["epochs"] = [path, None, path, None]
    table["accuracy"], table["success0"] = 0.99, -1.0
    got = at_epoch(table, "accuracy")
    assert list(got["size"]) == [0.0, 0.0, 0.1, 0.1]
    assert got.success.tolist() == pytest.approx([0.2, 0.7, 0.2, 0.8])
    assert got.accuracy.tolist() == [0.6, 0.99, 0.6, 0.99]
    assert got.success0.tolist() == pytest.approx([0.2, 0.7, 0.2, 0.7])
    assert at_epoch(table, "loss").success.tolist()[0] == pytest.approx(0.3)
    # Among variants the firm then chooses by what it saw at that epoch.
    assert got.firm_accuracy.tolist()[0] == pytest.approx(0.9)
    assert got.firm_loss.tolist()[0] == pytest.approx(2.0)
    assert table.success.tolist()[0] == pytest.approx(0.7)
