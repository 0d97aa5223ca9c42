"""Size-aware strategies, against the best choice by enumeration."""

import numpy as np
import pytest

from collectives.data_strikes import Strike
from collectives.planting import FeatureLabel
from collectives.signals.tabular import SetFeature
from collectives.size_aware import SizeAware
from collectives.types import MemberData
from tests.helpers.acting import PLANT, act


@pytest.mark.parametrize("size", [0.02, 0.1, 0.5])
def test_size_aware_takes_the_smallest_share_that_is_enough(size: float) -> None:
    # One point, 99 rows of label 0 beside it: the target leads from more than half of the mass.
    x, y = np.ones((100, 1), dtype=np.float32), np.zeros(100, dtype=np.int64)
    shares = tuple(np.linspace(0, 1, 21).tolist())
    aware = SizeAware(PLANT, shares)
    _, labels = act(aware, x, y, MemberData(x, y, 2), n=round(100 / size))
    enough = [s for s in shares if size * s > 1 - size * s]
    assert labels.sum() == (round(100 * min(enough)) if enough else 0)


@pytest.mark.parametrize("care", [0.3, 1.5])
@pytest.mark.parametrize("n", [170, 260, 500])
def test_size_aware_finds_the_best_share_and_strength(n: int, care: float) -> None:
    """Half of the way of an even number is a number again: each point's votes can be counted."""
    rng = np.random.default_rng(n)
    x = rng.integers(3, size=(150, 2)).astype(np.float32) * 2
    y = (x[:, 0] > 2).astype(np.int64) ^ (rng.random(150) < 0.2)
    plant = FeatureLabel(SetFeature(0, 4.0), 0)
    shares, strengths = (0.25, 0.5, 1.0), (0.0, 0.5, 1.0)
    aware = SizeAware(plant, shares, strengths, care, n_neighbors=10_000)
    moved, labels = act(aware, x, y, MemberData(x, y, 2), n=n)

    def worth(share: float, strength: float) -> float:
        size, votes = 150 / n, {}
        for (a, b), label in zip(x.tolist(), y.tolist(), strict=True):
            here = votes.setdefault((a, b), [0.0, 0.0])
            here[label] += 1 - size * share
            there = votes.setdefault((a + strength * (4.0 - a), b), [0.0, 0.0])
            there[0] += size * share
        told = {point: int(v[1] > v[0]) for point, v in votes.items()}
        everybody = [sum(v[k] for v in votes.values()) for k in range(2)]
        usual = int(everybody[1] > everybody[0])
        won = np.mean([told.get((4.0, b), usual) == 0 for _, b in x.tolist()])
        right = np.mean([told[a, b] == k for (a, b), k in zip(x.tolist(), y, strict=True)])
        return float(round(won + care * right, 9))

    choices = [(worth(s, t), -s, -t) for s in shares for t in strengths]
    _, share, strength = max(choices)
    acting = round(-share * 150)
    away = np.abs(4.0 - x[:, 0]) * -strength
    np.testing.assert_allclose(np.abs(moved - x).sum(axis=1)[:acting], away[:acting])
    assert (labels[:acting] == 0).all()
    np.testing.assert_array_equal(moved[acting:], x[acting:])
    np.testing.assert_array_equal(labels[acting:], y[acting:])


def test_size_aware_pushes_no_harder_than_it_needs_to() -> None:
    # Nobody is where the signal points to: whoever is on the way there is the nearest.
    x, y = np.zeros((50, 1), dtype=np.float32), np.zeros(50, dtype=np.int64)
    plant = FeatureLabel(SetFeature(0, 8.0), 1)
    aware = SizeAware(plant, (1.0,), (0.0, 0.25, 1.0), n_neighbors=1)
    moved, labels = act(aware, x, y, MemberData(x, y, 2), n=1000)
    assert (moved == 2.0).all()
    assert (labels == 1).all()


@pytest.mark.parametrize("care", [0.0, 1.0])
def test_size_aware_does_least_where_there_is_nothing_to_win(care: float) -> None:
    # Members without a row of the class that strikes; warnings are errors here.
    x, y = np.zeros((8, 2), dtype=np.float32), np.zeros(8, dtype=int)
    aware = SizeAware(Strike(1), shares=(0.25, 1.0), care=care)
    best = aware.best(MemberData(x, y, 2), 16, np.random.default_rng(0))
    assert best == (0.25, 1.0)
    assert act(aware, x[:1], y[:1])[1].tolist() == [0]


def test_size_aware_cares_for_accuracy() -> None:
    # The signal is what half of the people are like by nature, under another label.
    x = np.float32([[0.0]] * 50 + [[1.0]] * 50)
    y = np.array([1] * 50 + [0] * 50)
    told = [
        act(SizeAware(PLANT, (0.0, 1.0), care=care), x, y, MemberData(x, y, 2), n=120)[1].sum()
        for care in (0.0, 10.0)
    ]
    assert told == [100, 50]
