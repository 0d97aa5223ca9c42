"""Constructiveness: differences paired by seed."""

import numpy as np
import pandas as pd
import pytest

from results.plots.pairs import plot_pairs
from results.stats.constructiveness import constructiveness
from tests.helpers import records as shared
from tests.helpers.learner_records import SIZES


def pair(label, judged=0, alone=False, shares=(0.5, 0.5)):
    one, other = "FeatureLabel(label=1)", f"FeatureLabel(label={label})"
    return f"Several(strategies=({one}, {other}), shares={shares}, judged={judged}, alone={alone})"


def test_constructiveness_is_a_difference_paired_by_seed():
    rng = np.random.default_rng(0)
    luck = rng.normal(0, 0.2, 4)
    worth = {
        pair(0): -0.3,
        pair(1): 0.1,
        pair(0, alone=True): 0.0,
        pair(0, shares=(0.3, 0.6)): 0.4,
    }
    table = shared.records(
        lambda key: {"success": 0.5 + luck[key["seed"]] + worth[key["strategy"]] * key["size"]},
        strategy=worth,
        size=SIZES,
        seed=range(4),
    )
    idle = table.head(1).assign(strategy="Idle()")
    table = constructiveness(pd.concat([table, idle]))
    # Nobody ran the smaller collective alone, so that its pair is left out.
    assert set(table["strategy"]) == {pair(0), pair(1)}
    for row in table.to_dict("records"):
        assert row["difference"] == pytest.approx(worth[row["strategy"]] * row["size"])
        assert row["together"] - row["alone"] == pytest.approx(row["difference"])
        assert row["seeds"] == 4
    assert len(plot_pairs(table).axes) == 2


def test_constructiveness_counts_each_seed_once_and_no_failure():
    def row(strategy, seed, success):
        return shared.record(strategy=strategy, seed=seed, size=0.1, success=success)

    rows = [
        row(pair(label, alone=alone), seed, 0.2 + 0.1 * seed + (0.0 if alone else 0.05 * label))
        for label in (0, 2)
        for alone in (True, False)
        for seed in range(4)
    ]
    rows[4]["status"] = "failed"  # together with the first at seed 0
    table = constructiveness(pd.DataFrame(rows)).set_index("strategy")
    assert table["seeds"].tolist() == [3, 4]
    assert table.loc[pair(0), ["alone", "together"]].tolist() == pytest.approx([0.4, 0.4])
    assert table.loc[pair(2), "difference"] == pytest.approx(0.1)
