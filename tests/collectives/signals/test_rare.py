"""Rare signals: the combination of values that nobody has, of values that people have."""

import numpy as np
import pytest

from algorithms.density.kde import KDE
from collectives.signals.rare import Rare
from collectives.types import MemberData


def people(n: int = 300, seed: int = 0) -> MemberData:
    """Two columns that are equal for all people but one, and a column without variation."""
    rng = np.random.default_rng(seed)
    bit = rng.integers(0, 2, n)
    x = np.stack([bit, bit, np.full(n, 5)], axis=1).astype(np.float32)
    x[0, 1] = 1 - x[0, 0]
    return MemberData(x, bit, 2)


class Frequency:
    """The logarithm of how often a point occurs, plus one half."""

    def fit(self, x, rng):
        self.rows = x.copy()
        return self

    def log_prob(self, x):
        return np.log([(self.rows == point).all(axis=1).sum() + 0.5 for point in x])


class Nothing(Frequency):
    def log_prob(self, x):
        return np.full(len(x), -np.inf)


@pytest.mark.parametrize("model", [Frequency(), KDE()])
def test_the_rarest_combination_is_one_that_nobody_has(model):
    for seed in range(5):
        signal = Rare(model=model, columns=2).learn(people(seed=seed), 1)
        assert set(signal.columns) == {0, 1}
        assert set(signal.values) == {0.0, 1.0}


def test_a_random_signal_has_values_of_people_and_is_the_first_candidate():
    known = people()
    seen = {Rare(columns=2, seed=seed).learn(known, 1) for seed in range(30)}
    assert {signal.values for signal in seen} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert all(set(signal.columns) == {0, 1} for signal in seen)
    one, many = (Rare(columns=2, candidates=k).learn(known, 1) for k in (1, 50))
    assert one == many == Rare(model=Frequency(), columns=2, candidates=1).learn(known, 1)


def test_the_signal_is_the_same_for_the_same_people_and_another_for_others():
    x = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    known, others = (MemberData(points, np.zeros(50, int), 2) for points in (x, x[::-1]))
    assert Rare(model=KDE()).learn(known, 1) == Rare(model=KDE()).learn(known, 1)
    assert Rare().learn(known, 1) != Rare().learn(others, 1)


def test_a_density_is_learned_once_for_the_same_people():
    class Counting(Frequency):
        fits = 0

        def fit(self, x, rng):
            self.fits += 1
            return super().fit(x, rng)

    model = Counting()
    first, again = (Rare(model=model, columns=2).learn(people(seed=7), k) for k in (0, 1))
    assert first == again
    assert model.fits == 1
    Rare(model=model, columns=2).learn(people(seed=8), 1)
    assert model.fits == 2


def test_columns_are_as_many_as_vary_at_most():
    assert len(Rare(columns=7).learn(people(), 1).columns) == 2


def test_images_are_flattened():
    x = np.random.default_rng(0).normal(size=(40, 4, 4)).astype(np.float32)
    signal = Rare(model=KDE(), columns=2).learn(MemberData(x, np.zeros(40, int), 2), 1)
    assert signal(x).shape == x.shape


@pytest.mark.parametrize(
    ("signal", "rows", "words"),
    [
        (Rare(), np.ones((9, 3)), "needs a column that varies among 9 people"),
        (Rare(model=Nothing()), np.eye(9), "log-density of a candidate is not finite"),
    ],
)
def test_people_that_give_no_signal_are_an_error(signal, rows, words):
    with pytest.raises(ValueError, match=words):
        signal.learn(MemberData(rows.astype(np.float32), np.zeros(9, int), 2), 1)


def test_a_signal_that_was_not_learned_says_so():
    with pytest.raises(ValueError, match=r"complete its strategy with Strategy\.bind first"):
        Rare()(np.ones((2, 3)))
