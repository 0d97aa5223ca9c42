"""The sentences that open a report say what the records hold, and no more."""

import numpy as np
import pandas as pd
import pytest

from results.report.findings import findings
from results.stats.analysis import Analysis
from results.stats.critical_mass import critical_mass
from results.stats.curves import area, success_curves
from tests.helpers import records as shared

SIZES = [0.0, 0.001, 0.01, 0.1]
#: Where the success of each learner passes one half: by construction a step.
STEPS = {"ERM()": 0.01, "Late()": 0.1, "Never()": 2.0}


def records(seeds: int = 8, **more: object) -> pd.DataFrame:
    """Success of 0 below a learner's step and of 0.8 from it on, with some noise."""
    rng = np.random.default_rng(0)

    def values(key: dict) -> dict:
        success = 0.8 * (key["size"] >= STEPS[key["learner"]]) + rng.uniform(0, 0.02)
        return {"success": success, "accuracy": 0.9, "constant": 0.5}

    axes = {"learner": STEPS, "size": SIZES, "seed": range(seeds)}
    return shared.records(values, dataset=["D()"], strategy=["S()"], **axes).assign(**more)


def test_masses_are_those_of_the_table() -> None:
    frame = records()
    first, _, _ = findings(Analysis(frame))
    masses = critical_mass(success_curves(frame), 0.5, frame).set_index("learner")["estimate"]
    low, high = (f"{100 * float(f'{masses[name]:.2g}'):g}%" for name in ("ERM()", "Late()"))
    assert first.startswith(f"The smallest critical mass at level 0.5 is {low} (95 % interval")
    assert f"ERM on D, S); the largest is {high} (" in first
    assert first.endswith("Of 3 curves, 1 do not reach it at any size.")


def test_differences_are_counted_and_the_largest_is_named() -> None:
    frame = records()
    _, second, _ = findings(Analysis(frame))
    areas = area(frame).set_index("learner")["area"]
    assert second.startswith("Of 2 areas compared with ERM's, 0 are significantly larger and 2 ")
    assert f"The largest difference is {areas['Never()'] - areas['ERM()']:+.2f} [" in second
    assert "(Never on D, S)" in second


def test_few_seeds_decide_nothing_and_the_report_says_so() -> None:
    _, second, _ = findings(Analysis(records(seeds=3)))
    assert second == (
        "Whether a learner's area differs from ERM's cannot be decided: 3 seeds cannot reach p "
        "at most .05 for 2 learners, whatever the differences."
    )


def test_without_erm_nothing_is_compared() -> None:
    frame = records()
    _, second, _ = findings(Analysis(frame[frame["learner"] != "ERM()"]))
    assert second == "The run has no ERM with which learners could be compared."
    _, second, _ = findings(Analysis(frame[frame["learner"] == "ERM()"]))
    assert second == "The run has no learner beside ERM."


@pytest.mark.parametrize(
    ("accuracy", "says"),
    [
        (0.9, "no learner is more than 0.03 less accurate than ERM on any dataset"),
        (0.5, "1 of 3 learners are more than 0.03 less accurate than ERM"),
        (np.nan, "no accuracies that could be compared"),
    ],
)
def test_learners_that_are_less_accurate_than_erm_are_named(accuracy: float, says: str) -> None:
    frame = records()
    late = frame["learner"] == "Late()"
    known = accuracy == accuracy
    frame["accuracy"] = np.where(late, accuracy, 0.9 if known else np.nan)
    _, _, third = findings(Analysis(frame))
    assert says in third
    assert ("(Late)" in third) == (accuracy == 0.5)


def test_a_run_without_success_found_nothing() -> None:
    frame = records(status="failed", success=np.nan)
    assert findings(Analysis(frame)) == ["No trial has succeeded, so that nothing was found."]
