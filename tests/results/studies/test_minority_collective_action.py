"""The study of minorities: data sets whose files are there, and the mean over them."""

import pandas as pd
import pytest

from bench.core.random_streams import stream
from bench.spec.parsing import parse
from results.studies.measures import success
from results.studies.minority_collective_action import (
    GENERATED,
    GOOD,
    STUDY,
    TABLES,
    _over_tables,
    _way,
)


def test_without_files_the_study_uses_generated_data_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("COLLECTIVE_BENCH_DATA", str(tmp_path))
    assert STUDY.left_out() == list(TABLES)
    (part,) = STUDY.parts(True)
    assert part.datasets == (GENERATED,)
    assert {parse(text, "strategies").label for text in part.strategies} == {GOOD}


def test_the_majority_of_generated_data_has_the_good_label_more_often():
    data = parse(GENERATED, "datasets")
    split = data.split(stream(0, "data"))
    majority = data.signal.carried_by(split.x)
    good = split.y == GOOD
    assert good[majority].mean() - good[~majority].mean() > 0.1


def records(values):
    rows = [
        {
            "dataset": data,
            "learner": "ERM()",
            "strategy": "Idle()",
            "size": 0.1,
            "seed": seed,
            "validation": "clean",
            "groups": "given",
            "recruitment": "uniform",
            "success": value,
        }
        for data, by_seed in values.items()
        for seed, value in enumerate(by_seed)
    ]
    return pd.DataFrame(rows)


def test_a_claim_is_about_the_mean_over_data_sets_at_each_seed():
    measure = _over_tables(lambda data: success(0.1, dataset=data))
    frame = records({"Coins(n=1)": [0.1, 0.3, None], "Coins(n=2)": [0.5, 0.9, 0.2]})
    found = measure(frame)
    assert found[[0, 1]].tolist() == pytest.approx([0.3, 0.6])
    # A seed that failed on one data set has no mean.
    assert pd.isna(found[2])


def test_ways_have_one_name_on_all_data_sets():
    text = "MinorityRelabel(label={}, ranking='{}', budget={})"
    assert _way(text.format(0, "label", 0.5)) == _way(text.format(1, "label", 0.5))
    assert _way(text.format(0, "label", 0.5)) == "half, by label"
    assert _way(text.format(0, "random", 0.5)) == "half, at random"
    assert _way(text.format(0, "random", 1.0)) == "all"
