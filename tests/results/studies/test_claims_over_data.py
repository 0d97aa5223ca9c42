"""Claims over several data sets: the verdict over all, and a line for each."""

import numpy as np
import pandas as pd
import pytest

from bench.core.errors import BenchError
from bench.spec.grid import Part
from results.stats.meta_analysis import combine
from results.studies.base import Claim, Study, whole_claims
from results.studies.claims import OverData
from results.studies.gate import gated
from results.studies.measures import pick, success
from tests.helpers.records import records

DATA = ("Coins", "Digits", "Slabs")


def frame(centres, seeds=5, accuracy=0.9):
    """Success of ERM by data set, with a spread of .01 over seeds; JTT has .2 more."""

    def values(key):
        gain = 0.2 if key["learner"].startswith("JTT") else 0.0
        level = centres[key["dataset"].split("(")[0]] + gain + 0.01 * (key["seed"] % 3 - 1)
        low = key["learner"].startswith("JTT") and key["dataset"].startswith("Digits")
        return {"success": level, "accuracy": accuracy if low else 0.9, "n": 100}

    return records(
        values,
        dataset=[f"{name}(n=1)" for name in centres],
        learner=["ERM()", "JTT()"],
        strategy=["FeatureLabel()"],
        size=[0.0, 0.1],
        seed=range(seeds),
    )


def claim(data=DATA, learner="ERM", **fields):
    over = OverData(lambda name: success(0.1, dataset=name, learner=learner), data)
    return Claim("Success is high.", "success", over, **fields)


def study(one):
    return Study("", "", lambda quick: (Part(("Coins",), ("ERM",)),), (one,), {})


def test_the_verdict_is_over_all_and_each_data_set_has_a_line():
    table = frame({"Coins": 0.3, "Digits": 0.4, "Slabs": 0.35})
    verdicts = study(claim()).verdicts(table)
    assert verdicts["number"].tolist() == ["1", "1a", "1b", "1c"]
    assert verdicts["claim"].tolist()[1:] == ["on Coins", "on Digits", "on Slabs"]
    assert verdicts["data_sets"].tolist() == [3, 1, 1, 1]
    assert verdicts["data"].tolist() == ["Coins; Digits; Slabs", "Coins", "Digits", "Slabs"]
    whole, *lines = verdicts.to_dict("records")
    assert whole["verdict"] == "holds"
    # The half-widths of the lines over their quantile, of as many seeds, are the errors.
    errors = [(line["high"] - line["low"]) / 2 / 2.5706 for line in lines]
    wanted = combine(np.array([line["effect"] for line in lines]), np.square(errors))
    assert [whole["effect"], whole["low"], whole["high"]] == pytest.approx(wanted[:3], abs=1e-4)
    assert whole_claims(verdicts)["claim"].tolist() == ["Success is high."]


def test_a_claim_that_holds_on_each_data_set_may_be_undecided_over_all():
    table = frame({"Coins": 0.9, "Digits": 0.1, "Slabs": 0.1})
    whole, *lines = study(claim()).verdicts(table)["verdict"]
    assert (whole, lines) == ("undecided", ["holds"] * 3)


def test_a_single_data_set_is_judged_by_its_seeds_without_a_line():
    table = frame({"Coins": 0.3})
    alone = Claim("", "", success(0.1, dataset="Coins", learner="ERM"))
    found = claim().judge(table)
    assert str(found) == str(alone.judge(table))
    assert found.data_sets == 1
    assert study(claim()).verdicts(table)["number"].tolist() == ["1"]


def test_data_sets_without_a_second_seed_do_not_count():
    table = frame({"Coins": 0.3, "Digits": 0.4, "Slabs": 0.5})
    table.loc[table["dataset"].str.startswith("Slabs") & (table["seed"] > 0), "success"] = np.nan
    assert claim().judge(table).data_sets == 2


def test_records_of_none_of_the_data_sets_are_an_error():
    with pytest.raises(BenchError, match="cannot be judged: no record is of Coins, "):
        claim().judge(frame({"Adult": 0.3}))


def test_two_settings_of_one_class_have_lines_named_by_their_specs():
    table = pd.concat(
        [frame({"Coins": 0.3}), frame({"Coins": 0.3}).replace("Coins(n=1)", "Coins(n=2)")]
    )
    over = claim(("Coins(n=1)", "Coins(n=2)")).measure
    assert set(over.on(table)) == {"Coins(n=1)", "Coins(n=2)"}


@pytest.mark.parametrize(("accuracy", "counted"), [(0.88, 3), (0.87, 3), (0.869, 2)])
def test_a_learner_below_erm_is_left_out_on_that_data_set(accuracy, counted):
    table = frame({"Coins": 0.3, "Digits": 0.4, "Slabs": 0.35}, accuracy=accuracy)
    over = OverData(
        lambda name: gated(success(0.1, dataset=name, learner="JTT"), name, "JTT"), DATA
    )
    verdicts = study(Claim("It is so.", "", over)).verdicts(table)
    assert verdicts.loc[0, "data_sets"] == counted
    left_out = verdicts[verdicts["verdict"] == "left out"]
    assert left_out["claim"].tolist() == ["on Digits"] * (3 - counted)
    if counted < 3:
        assert left_out["cause"].iloc[0] == "accuracy -0.031 against ERM without a collective"
        assert "Digits" not in verdicts.loc[0, "data"]
    only = Claim(
        "It is so.", "", gated(success(0.1, dataset="Digits", learner="JTT"), "Digits", "JTT")
    )
    assert (only.judge(table).verdict == "left out") == (counted < 3)


def test_a_claim_that_is_left_out_everywhere_is_left_out():
    table = frame({"Coins": 0.3, "Digits": 0.4})
    table.loc[table["learner"] == "JTT()", "accuracy"] = 0.5
    over = OverData(
        lambda name: gated(success(0.1, dataset=name, learner="JTT"), name, "JTT"), DATA
    )
    assert Claim("It is so.", "", over).judge(table).verdict == "left out"
    assert len(pick(table, learner="JTT"))


def test_optional_data_sets_without_records_leave_a_claim_out():
    over = OverData(
        lambda name: success(0.1, dataset=name), ("TextFolder", "SMSSpam"), optional=True
    )
    verdicts = study(Claim("It is so.", "", over)).verdicts(frame({"Coins": 0.3}))
    assert verdicts["verdict"].tolist() == ["left out"]
    assert verdicts.loc[0, "cause"].startswith("no records of TextFolder or SMSSpam")
