"""The contract on somebody's own class, on the command line."""

import json
from pathlib import Path

import pytest

from tests.helpers.command_line import BAD, GOOD, tiny

STOCHASTIC = GOOD.replace(
    "keep = [", "draws = GENERATOR.choice(len(sample), len(sample) // 2)\n        keep = ["
).replace("sample.y == k)", "(sample.y == k) & np.isin(np.arange(len(sample)), draws))")
PLAN = '''
from dataclasses import dataclass
import numpy as np
from collectives.base import Strategy

@dataclass(frozen=True)
class Ones(Strategy):
    """Members hand in label 1.

    References:
        | Ones (Somebody, 2023)
        | https://example.org/ones
    """

    def act(self, x, y, *, pooled, n, rng):
        return x.copy(), np.ones_like(y)

    def success(self, predict, test):
        return (predict(test.x) == 1).astype(float)
'''


def verdicts(bench, source, **more):
    Path("plugged.py").write_text(source)
    said = bench("check", "plugged.py", "--format", "json")
    rows = {row["check"]: row["verdict"] for row in json.loads(said.out)}
    assert said.code == ("failed" in rows.values())
    return {check for check, verdict in rows.items() if verdict == "failed"}, rows


def test_a_good_plugin_passes_its_check(bench):
    failed, rows = verdicts(bench, GOOD)
    assert failed == set()
    assert len(rows) > 8
    said = bench("check", "plugged.py")
    assert "Centroids" in said.out
    assert said.code == 0


def test_a_good_stochastic_plugin_passes_its_check(bench):
    assert verdicts(bench, STOCHASTIC.replace("GENERATOR", "rng"))[0] == set()


@pytest.mark.parametrize(
    ("generator", "check"),
    [
        ("np.random.default_rng()", "repeats_itself"),
        ("np.random.default_rng(0)", "uses_its_generator"),
        ("np.random", "leaves_global_randomness_alone"),
    ],
)
def test_randomness_of_its_own_fails_the_check(bench, generator, check):
    assert check in verdicts(bench, STOCHASTIC.replace("GENERATOR", generator))[0]


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        ("shrink: By", "shrunk: By", "documents_its_fields"),
        ("(Somebody, 1957)", "(Somebody)", "cites_its_source"),
        ("argmin(1)", "argmax(1)", "beats_chance"),
        ("argmin(1)", "argmin(1) + 5", "predicts_labels"),
        (
            "return Fitted(predict)",
            "sample.y[:] = 0; return Fitted(predict)",
            "leaves_the_data_alone",
        ),
        ("Fitted(predict)", "Fitted(predict, weights=means[:, 0])", "weighs_its_samples"),
    ],
)
def test_what_breaks_a_promise_fails_its_check(bench, old, new, check):
    assert old in GOOD
    assert check in verdicts(bench, GOOD.replace(old, new))[0]


def test_a_class_that_is_not_frozen_is_refused_before_its_check(bench):
    Path("plugged.py").write_text(GOOD.replace("frozen=True", "frozen=False"))
    said = bench("check", "plugged.py")
    assert said.code == 2
    assert "plugged.py: decorate the class with @dataclass(frozen=True)" in said.line


def test_who_exits_fails_its_checks(bench):
    failed, rows = verdicts(bench, BAD.replace("BODY", "raise SystemExit(3)"))
    assert len(rows) > 8
    assert {"predicts_labels", "repeats_itself"} <= failed
    assert "SystemExit: 3" in bench("check", "plugged.py", "--format", "csv").out


@pytest.mark.parametrize(("made", "says"), [("None", "None"), ("sample.y", "ndarray")])
def test_who_fits_nothing_is_told_so(bench, made, says):
    assert "trains_independently" in verdicts(bench, BAD.replace("BODY", f"return {made}"))[0]
    said = bench("check", "plugged.py", "--format", "csv").out
    assert said.count(f"fit returned {says}, not Fitted") == 11
    assert "no attribute" not in said


@pytest.mark.parametrize(
    ("proba", "says"),
    [
        ("np.full((len(x), 2), 0.5)", None),
        ("np.full((len(x), 3), 1 / 3)", "(400, 3) for 400 points of 2 labels"),
        ("np.full((len(x), 2), np.nan)", "800 of 800 are nan"),
        ("np.full((len(x), 2), 7.0)", "those of a point sum to 14"),
        ("np.tile([1.5, -0.5], (len(x), 1))", "some are below 0, down to -0.5"),
    ],
)
def test_probabilities_that_are_none_fail_the_check(bench, proba, says):
    source = GOOD.replace("Fitted(predict)", f"Fitted(predict, lambda x: {proba})")
    assert verdicts(bench, source)[0] == ({"predicts_probabilities"} if says else set())
    said = bench("check", "plugged.py", "--format", "json").out
    assert (says or "Its probabilities") in said


def test_a_shipped_component_is_checked_by_its_spec(bench):
    said = bench("check", "KNN(n_neighbors=3)")
    assert said.code == 0, said
    assert bench("check", "Patch(size=1)").code == 0
    assert bench("check", "Idle").code == 0


def test_a_strategy_needs_no_more_than_act_and_success(bench, no_figures):
    assert verdicts(bench, PLAN)[0] == set()
    assert bench(*tiny(plugin="plugged.py", strategies="Ones")).code == 0


def test_labels_that_are_not_there_fail_the_check(bench):
    source = PLAN.replace("ones_like(y)", "full_like(y, 55)")
    assert "hands_in_as_many_rows" in verdicts(bench, source)[0]
    said = bench("check", "plugged.py", "--format", "json").out
    assert "labels [55] are handed in, known are 0..1" in said


def test_a_strategy_whose_trials_fail_is_said(bench):
    aimless = f"{PLAN}\n    target = property(lambda self: self.aim)\n"
    assert verdicts(bench, aimless)[0] == {"makes_records"}
    assert "no attribute 'aim'" in bench("check", "plugged.py", "--format", "csv").out
