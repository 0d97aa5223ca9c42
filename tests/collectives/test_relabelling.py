"""Relabelling by a minority, against rankings and gaps by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from algorithms.empirical_bayes import EmpiricalBayes
from bench.datasets.synthetic.coins import Coins
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from collectives.relabelling import MinorityRelabel
from collectives.types import MemberData
from tests.helpers.acting import BIT, act, drawn


@pytest.mark.parametrize("ranking", ["probability", "label", "distance"])
@pytest.mark.parametrize("seed", range(3))
def test_the_minority_relabels_by_its_ranking(ranking: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(size=(120, 2)), rng.integers(2, size=120)]).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=120) > 0).astype(int)
    strategy = MinorityRelabel(BIT, 1, ranking, budget=0.3, n_neighbors=7)
    moved, labels = act(strategy, x, y, MemberData(x, y, 2))
    np.testing.assert_array_equal(moved, x)
    major = [i for i in range(120) if x[i, -1] == 1]
    able = [i for i in range(120) if x[i, -1] == 0 and y[i] == 0]
    if ranking == "probability":
        model = LogisticRegression(max_iter=1000).fit(x[major], y[major])

    def score(i: int) -> float:
        if ranking == "probability":
            return float(model.decision_function(x[i : i + 1])[0])
        rows = [j for j in major if ranking == "label" or y[j] == 1]
        near = sorted(rows, key=lambda j: np.linalg.norm(x[i] - x[j]))[:7]
        if ranking == "label":
            return float(sum(y[j] for j in near))
        return -float(np.mean([np.linalg.norm(x[i] - x[j]) for j in near]))

    chosen = [i for i in range(120) if labels[i] != y[i]]
    assert len(chosen) == round(0.3 * len(able))
    assert set(chosen) <= set(able)
    left = [score(i) for i in able if i not in chosen]
    assert min(score(i) for i in chosen) >= max(left) - 1e-5


@pytest.mark.parametrize("ranking", ["probability", "label", "distance", "random"])
def test_without_a_majority_among_the_members_all_rank_alike(ranking: Any) -> None:
    x, y = np.zeros((9, 3), dtype=np.float32), np.zeros(9, dtype=np.int64)
    assert act(MinorityRelabel(BIT, 1, ranking, budget=0.5), x, y)[1].sum() == round(0.5 * 9)
    assert BIT.carried_by(x[:0]).shape == (0,)


def test_random_ranking_is_by_lot() -> None:
    x, y = drawn(5, classes=2)
    strategy = MinorityRelabel(BIT, 1, "random", budget=0.5)
    first = strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(1))[1]
    second = strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(2))[1]
    assert (first != y).sum() == (second != y).sum() > 10
    assert (first != second).any()


def test_gaps_by_hand() -> None:
    # Minority 0, majority 1 in the last column; the answer is the first column.
    x = np.float32([[1, 0], [0, 0], [1, 0], [1, 1], [1, 1], [0, 1], [1, 1]])
    y = np.array([1, 1, 0, 1, 1, 0, 0])
    test = SimpleNamespace(x=x, y=y)
    found = MinorityRelabel(BIT, 1).measures(lambda p: p[:, 0].astype(int), test)
    # True positives 1/2 and 2/2, false positives 1/1 and 1/2; positives 2/3 and 3/4.
    assert found == {
        "odds_gap": 0.5,
        "parity_gap": pytest.approx(1 / 12),
        "error": pytest.approx(3 / 7),
    }
    for measure, value in (("odds", 0.5), ("parity", 11 / 12), ("same", 1.0)):
        won = MinorityRelabel(BIT, 1, measure=measure).success(  # type: ignore[arg-type]
            lambda p: p[:, 0].astype(int), test
        )
        assert won == pytest.approx([value] * 7)


@pytest.mark.parametrize("measure", ["odds", "parity"])
@pytest.mark.parametrize("overlap", [0.0, 1.0])
def test_without_a_minority_or_a_majority_there_is_no_gap(measure: Any, overlap: float) -> None:
    data, strategy = (
        Coins(n=200, n_test=100, overlap=overlap),
        MinorityRelabel(BIT, 1, measure=measure),
    )
    (record,) = run_trials([Trial(data, EmpiricalBayes(), strategy, 0.1, 0)])
    assert record["status"] == "failed"
    assert f"the 100 test points, {overlap * 100:.0f} of which carry {BIT}" in record["error"]
    # Of a rate that one of both lacks, the other one's gap is left.
    x, y = np.float32([[1, 0], [0, 0], [0, 1]]), np.array([1, 0, 0])
    test = SimpleNamespace(x=x, y=y)
    found = MinorityRelabel(BIT, 1).measures(lambda p: np.array([0, 1, 0]), test)
    assert found["odds_gap"] == 1
