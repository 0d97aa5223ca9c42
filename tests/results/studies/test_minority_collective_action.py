"""The study of minorities: data sets whose files are there, and the mean over them."""

import pandas as pd

from bench.core.random_streams import stream
from bench.spec.parsing import parse
from results.studies.minority_collective_action import (
    GENERATED,
    GOOD,
    STUDY,
    TABLES,
    _over,
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
            "strategy": "MinorityRelabel(ranking='label', budget=0.5)",
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


def test_each_data_set_of_the_records_has_its_own_numbers():
    measures = _over(lambda at: at(0.1, "success", "ERM", "label", 0.5))
    frame = records({"Coins(n=1)": [0.1, 0.3], "Adult(n=2)": [0.5, 0.7]})
    found = {name: of(frame).tolist() for name, of in measures.on(frame).items()}
    assert found == {"Adult": [0.5, 0.7], "Coins": [0.1, 0.3]}


def test_ways_have_one_name_on_all_data_sets():
    text = "MinorityRelabel(label={}, ranking='{}', budget={})"
    assert _way(text.format(0, "label", 0.5)) == _way(text.format(1, "label", 0.5))
    assert _way(text.format(0, "label", 0.5)) == "half, by label"
    assert _way(text.format(0, "random", 0.5)) == "half, at random"
    assert _way(text.format(0, "random", 1.0)) == "all"
