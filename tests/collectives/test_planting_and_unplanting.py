"""Planting off the signal set, and unplanting, against what one does by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from collectives.planting import FeatureOnlyPlus
from collectives.unplanting import Unplant
from tests.helpers.acting import BIT, act, drawn


def test_feature_only_plus_moves_other_labels_off_the_signal() -> None:
    x, y = drawn()
    moved, labels = act(FeatureOnlyPlus(BIT, label=2), x, y)
    assert labels.tolist() == y.tolist()
    outside = x[x[:, -1] == 0].astype(float)
    for before, after, label in zip(x, moved, y, strict=True):
        if label == 2:
            assert after.tolist() == [before[0], before[1], 1.0]
        elif before[-1] == 0:
            assert after.tolist() == before.tolist()
        else:
            nearest = ((outside - before) ** 2).sum(axis=1).min()
            assert after[-1] == 0
            assert ((after - before) ** 2).sum() == nearest


def test_feature_only_plus_stays_where_there_is_nowhere_to_go() -> None:
    x, y = np.ones((3, 2), dtype=np.float32), np.array([0, 1, 0])
    np.testing.assert_array_equal(act(FeatureOnlyPlus(BIT, 1), x, y)[0], x)


@pytest.mark.parametrize("asked", [3, 50, 10_000])
@pytest.mark.parametrize("way", ["adaptive", "naive"])
def test_unplanting_takes_the_best_other_label(way: Any, asked: int) -> None:
    x, y = drawn(1)
    moved, labels = act(Unplant(BIT, 1, way, asked, n_neighbors=1000), x, y)
    survey = list(zip(x, y, strict=True))[: min(asked, 100)]
    for before, after, label in zip(x, moved, labels, strict=True):
        assert after.tolist() == [before[0], before[1], 1.0]
        here = [k for p, k in survey if p[-1] == 1 and (way == "naive" or (p == after).all())]
        here = here or [k for _, k in survey]
        counts = [here.count(k) if k != 1 else -1 for k in range(3)]
        assert label == counts.index(max(counts))


def test_unplanting_has_won_where_another_label_is_given() -> None:
    test = SimpleNamespace(x=np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 1]]), y=np.zeros(3, int))
    won = Unplant(BIT, label=2).success(lambda x: x.sum(axis=1).astype(int), test)
    assert won.tolist() == [1.0, 0.0, 1.0]
