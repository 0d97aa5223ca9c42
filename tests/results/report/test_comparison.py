"""A comparison that fits on a screen."""

import numpy as np
import pandas as pd

from results.report.comparison import ROWS, comparison
from results.report.tables import render
from results.stats.paired import against, compare
from tests.helpers.curves import records_of

SIZES = (0.0, 0.01, 0.1, 0.2)


def records(learners=("ERM()", "Fast()", "Slow()"), seeds=8, **more):
    rng = np.random.default_rng(0)
    rise = {"Fast()": [0, 0.6, 0.9, 1.0], "Slow()": [0, 0.0, 0.1, 0.2]}
    curves = {
        name: np.clip(rise.get(name, [0, 0.3, 0.5, 0.8]) + rng.normal(0, 0.02, (seeds, 4)), 0, 1)
        for name in learners
    }
    frame = records_of(curves, SIZES, **more)
    return frame.assign(n=1000, members=1000 * frame["size"], accuracy=0.9)


def read(frame, **more):
    return comparison(frame, compare(frame, "ERM()", **more), "ERM()", **more)


def test_a_row_has_mass_area_accuracy_and_verdicts():
    table, notes = read(records())
    assert table.columns.tolist() == [
        "task",
        "learner",
        "critical mass at 0.5 above size 0",
        "area",
        "accuracy",
        "area, less ERM",
        "by area",
        "by critical mass",
    ]
    assert table["learner"].tolist() == ["Fast", "ERM", "Slow"]
    assert table["task"].tolist() == ["D, S", "", ""]
    assert table["by area"].tolist() == ["win", "compared with", "loss"]
    assert table["by critical mass"].tolist() == ["win", "", "loss"]
    assert "people" in table.iloc[0, 2]
    assert notes == []
    # From the other side, the differences have the other sign.
    turned = against(records(), "ERM()")
    table = comparison(records(), turned, "ERM()").table
    assert table["by area"].tolist() == ["loss", "compared with", "win"]
    assert table["ERM less its area"].iloc[0].startswith("-")


def test_a_learner_below_the_gate_has_its_reason_in_place_of_verdicts():
    frame = records()
    frame.loc[frame["learner"] == "Fast()", "accuracy"] = 0.8
    table = read(frame).table.set_index("learner")
    assert table.loc["Fast", "by area"] == "not ranked: accuracy -0.100 against ERM"
    assert table.loc["Fast", "by critical mass"] == ""
    assert table.loc["Fast", "accuracy"] == "0.800"


def test_too_few_seeds_are_said_once():
    made = read(records(seeds=4))
    (note,) = made.notes
    assert note == (
        "4 seeds cannot reach p <= .05 after the correction for 2 learners: it takes 7 seeds"
    )
    assert "p <= .05" not in render(made.table, "text")


def test_at_most_thirty_lines_are_printed():
    names = ["ERM()", "Fast()", "Slow()", *(f"L{i:02d}()" for i in range(6))]
    frame = pd.concat([records(names, 9, dataset=f"E{i}()") for i in range(4)], ignore_index=True)
    table, notes = read(frame)
    assert len(table) == ROWS
    assert len(render(table, "text").splitlines()) + len(notes) <= 30
    # Wins and losses come first, and the learner itself stays.
    assert (table["learner"] == "ERM").sum() == 4
    assert table["by area"].isin(["win", "loss"]).sum() == 8
    assert notes[0] == f"{4 * 9 - ROWS} more rows, 0 of them with a win or a loss: --all"


def test_controls_are_left_out_and_no_text_is_nonsense():
    frame = pd.concat([records(), records(strategy="Idle()").assign(success=0.0)])
    table, _ = read(frame.reset_index(drop=True))
    assert len(table) == 3
    text = render(table, "text")
    assert all(word not in text for word in ("inf", "-0.000", "nan", "None"))
