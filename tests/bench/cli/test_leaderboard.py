"""The caption of the leaderboard names the data sets of its ranks, and the others apart."""

import pandas as pd
import pytest

from bench.cli.publish import caption, of_strategy
from bench.core.errors import BenchError
from results.report.leaderboard import leaderboard
from results.stats.ranks import field
from tests.helpers import records as shared

LEARNERS = {"ERM()": 0.1, "Fast()": 0.01, "Slow()": 1.0}


def records(datasets, learners=LEARNERS):
    return shared.records(
        lambda key: {
            "success": float(key["size"] >= LEARNERS[key["learner"]]),
            "accuracy": 0.9,
            "constant": 0.5,
            "worst_group": None,
            "environment": "one",
        },
        dataset=datasets,
        learner=learners,
        size=(0.0, 0.01, 0.1, 1.0),
        seed=range(3),
    )


def captioned(table):
    return caption(table, leaderboard(table), field(table), {})


def test_datasets_with_fewer_learners_are_named_apart():
    ranked = records([f"F{i}()" for i in range(8)])
    text = captioned(pd.concat([ranked, records(["Few()"], ["ERM()", "Fast()"])]))
    assert "over F0, F1, F2, F3, F4, F5, F6, F7, the first" in text
    assert "; fewer learners have whole curves on Few (" in text
    assert "fewer learners" not in captioned(ranked)


def test_a_few_datasets_have_no_ranks():
    assert captioned(records(["A()", "B()"])).startswith("Learners by name on A, B; ")


def test_strategies_are_chosen_by_their_class_and_named_where_they_are_averaged():
    ranked = records([f"F{i}()" for i in range(8)])
    only = ranked.assign(strategy="FeatureOnly(label=1)")
    both = pd.concat([ranked.assign(strategy="FeatureLabel(label=1)"), only])
    assert "size 0 (its mean over FeatureLabel and FeatureOnly) over F0" in captioned(both)
    one = of_strategy(both, "FeatureOnly")
    pd.testing.assert_frame_equal(one, only)
    assert "size 0 over F0" in captioned(one)
    assert of_strategy(both, None) is both
    with pytest.raises(BenchError, match=r"'Erase'.*FeatureLabel, FeatureOnly"):
        of_strategy(both, "Erase")
