"""Crowds that strike or contribute, against what one does by hand."""

from typing import Any

import numpy as np
import pytest

from algorithms.empirical_bayes import EmpiricalBayes
from bench.contract import source
from bench.core.random_streams import stream
from bench.datasets.synthetic.coins import Coins
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from collectives.data_strikes import Contribute, Strike
from tests.helpers.acting import act, drawn


@pytest.mark.parametrize(
    ("kind", "stays"), [(Strike, lambda y: y != 2), (Contribute, lambda y: y == 2)]
)
def test_crowds_copy_those_who_stay(kind: Any, stays: Any) -> None:
    x, y = drawn(2)
    x = x + 9 * np.arange(200, dtype=np.float32)[:, None]  # each row its own
    moved, labels = act(kind(label=2), x, y)
    kept = stays(y)
    np.testing.assert_array_equal(moved[kept], x[kept])
    assert stays(labels).all()
    rows = {tuple(p): k for p, k in zip(x.tolist(), y.tolist(), strict=True)}
    assert all(rows[tuple(p)] == k for p, k in zip(moved.tolist(), labels.tolist(), strict=True))
    copies = [tuple(p) for p in moved[~kept].tolist()]
    assert len(set(copies)) > 0.3 * len(copies)


@pytest.mark.parametrize("kind", [Strike, Contribute])
def test_crowds_without_anybody_who_stays_do_nothing(kind: Any) -> None:
    x, y = drawn(2)
    same = np.full_like(y, 2 if kind is Strike else 0)
    moved, labels = act(kind(label=2), x, same)
    np.testing.assert_array_equal(moved, x)
    np.testing.assert_array_equal(labels, same)


def test_crowds_count_only_the_points_of_their_class() -> None:
    data = Coins(n=300, n_test=200, overlap=0.0, noise=0.2)
    trials = [
        Trial(data, EmpiricalBayes(), kind(label=1), size, 0)
        for kind in (Strike, Contribute)
        for size in (0.0, 0.9)
    ]
    struck = run_trials(trials)
    test = data.split(stream(0, "data"))
    assert struck[0]["tested"] == (test.y[test.test] == 1).sum()
    assert struck[0]["success"] == pytest.approx(1 - struck[2]["success"])
    assert struck[1]["success"] > struck[0]["success"] + 0.3
    assert struck[3]["success"] > struck[2]["success"] + 0.05
    assert all(r["success_others"] is None for r in struck)


def test_a_title_of_two_lines_is_cited_whole() -> None:
    title, year, link = source(Strike)
    assert title.endswith("Companies? (Vincent and Hecht, 2021)")
    assert title.startswith("Can ")
    assert (year, link) == ("2021", "https://doi.org/10.1145/3449177")
