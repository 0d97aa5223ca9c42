"""Votes of models on parts of the sample, against oracles that share no code with them."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.erm import ERM
from algorithms.networks import Linear
from algorithms.partition_ensemble import PartitionEnsemble, certificates, partition, repeated
from tests.helpers.samples import CLASSES, generators, samples


def winner(votes):
    counts = [votes.count(k) for k in range(3)]
    return counts.index(max(counts))


def test_a_certificate_is_one_vote_less_than_what_changes_the_winner():
    for size in (1, 2, 3, 4, 5, 6):
        for votes in itertools.combinations_with_replacement(range(3), size):
            # The fewest votes that have to turn, over all other outcomes of the same vote.
            distance = min(
                sum(a != b for a, b in zip(votes, other, strict=True))
                for other in itertools.product(range(3), repeat=size)
                if winner(other) != winner(votes)
            )
            table = np.array([[votes.count(k) for k in range(3)]])
            assert certificates(table).tolist() == [distance - 1]


def test_a_part_depends_on_who_is_in_it_alone():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)).astype(np.float32), rng.integers(3, size=60)
    x[7], y[7] = x[3], 1 - y[3]
    parts = partition(x, y, 7)
    assert sorted(np.concatenate(parts).tolist()) == list(range(60))
    turn = np.arange(60)[::-1]
    for a, b in zip(parts, partition(x[turn], y[turn], 7), strict=True):
        assert np.array_equal(x[a], x[turn][b])
        assert np.array_equal(y[a], y[turn][b])
    moved = x.copy()
    moved[20] += 1
    touched = 0
    for a, b in zip(parts, partition(moved, y, 7), strict=True):
        touched += not np.array_equal(x[a], moved[b])
    assert touched in (1, 2)


def contents(x, y, parts):
    """The rows of each part, in their order."""
    return [[(*x[i].tolist(), int(y[i])) for i in part] for part in partition(x, y, parts)]


def test_parts_repeat_few_of_their_rows_to_have_few_sizes():
    for n in range(1, 1500):
        rows = repeated(np.arange(n))
        assert rows[:n].tolist() == list(range(n))
        assert set(rows[n:].tolist()) <= set(range(n))
        assert len(rows) - n < max(n / 16, 1)
    assert len({len(repeated(np.arange(n))) for n in range(250, 311)}) <= 6


def test_a_row_that_comes_or_goes_touches_one_part_also_among_equal_rows():
    """All samples of at most 5 of these rows, in each order; and each row that may come."""
    kinds = [(0.0, 0), (0.0, 1), (1.0, 0)]
    for size in range(5):
        for chosen in itertools.product(range(3), repeat=size):
            rows = [kinds[k] for k in chosen]
            x, y = np.float32([[r[0]] for r in rows]).reshape(-1, 1), [r[1] for r in rows]
            before = contents(x, y, 3)
            for point, label in kinds:
                for place in range(size + 1):
                    more = np.insert(x, place, [[point]], axis=0)
                    after = contents(more, np.insert(y, place, label).astype(int), 3)
                    changed = [a != b for a, b in zip(before, after, strict=True)]
                    assert sum(changed) == 1


def test_equal_rows_are_spread_over_parts():
    x, y = np.float32([[0, 0], [1, 1]]).repeat(50, axis=0), np.repeat([0, 1], 50)
    fitted = PartitionEnsemble(ERM(epochs=2, batch_size=8)).fit(
        TrainingSet(x, y), np.random.default_rng(0)
    )
    assert all(set(y[part].tolist()) == {0, 1} for part in partition(x, y, 10))
    assert np.array_equal(fitted.predict(x), y)


@dataclass(frozen=True)
class Picky(Learner):
    """Predicts the commonest label; refuses parts that hold a certain person."""

    refuses: float = math.nan

    def fit(self, sample, rng):
        if (sample.flat[:, 0] == np.float32(self.refuses)).any():
            raise ArithmeticError("I would rather not")
        most = int(np.bincount(sample.y).argmax())
        return Fitted(lambda x: np.full(len(x), most))


def test_parts_vote():
    sample = samples(1)[0]
    x, y = sample.x, sample.y
    parts = [p for p in partition(x, y, 4) if len(p)]
    votes = [int(np.bincount(y[p]).argmax()) for p in parts]
    fitted = PartitionEnsemble(Picky(), parts=4).fit(sample, np.random.default_rng(0))
    assert set(fitted.predict(x).tolist()) == {winner(votes)}
    counts = [votes.count(k) for k in range(3)]
    assert fitted.predict_proba(x)[0] == pytest.approx(np.array(counts) / len(votes))
    safe = certificates(np.array([counts]))[0]
    want = {"voters": len(votes), "certificate": safe, "certified": float(safe >= 2)}
    assert fitted.report == want


def test_parts_that_are_empty_or_fail_do_not_vote():
    sample = samples(1)[0]
    x, y = sample.x, sample.y
    parts = partition(x, y, 4)
    lone = next(p for p in parts if len(set(y[p].tolist())) > 1)
    picky = PartitionEnsemble(Picky(refuses=float(x[lone[0], 0])), parts=4)
    fitted = picky.fit(sample, np.random.default_rng(0))
    assert fitted.report["voters"] == sum(len(p) > 0 for p in parts) - 1
    few = sample.take(np.arange(3))
    fitted = PartitionEnsemble(parts=30).fit(few, np.random.default_rng(0))
    assert fitted.report["voters"] <= 3
    assert fitted.predict(x).shape == (23,)
    alone = PartitionEnsemble(Picky(refuses=float(x[0, 0])), parts=1)
    with pytest.raises(ArithmeticError, match="rather not"):
        alone.fit(sample, np.random.default_rng(0))


def test_no_more_votes_turn_than_rows_come_and_go():
    learner = PartitionEnsemble(ERM(network=Linear(), epochs=2, batch_size=8), parts=9)
    (sample,) = samples(1)
    before = learner.fit(sample, np.random.default_rng(0))
    x = sample.validation.x
    changed = sample.x
    changed[[2, 11]] += 5
    after = learner.fit(TrainingSet(changed, sample.y, None, CLASSES), np.random.default_rng(0))
    # Two changed rows are four that come or go, and touch four parts at most.
    scale = before.report["voters"], after.report["voters"]
    votes = before.predict_proba(x) * scale[0], after.predict_proba(x) * scale[1]
    assert np.abs(votes[0] - votes[1]).sum(1).max() <= 2 * 4 + 1e-6
    safe = certificates(np.rint(votes[0]).astype(int)) >= 4
    assert np.array_equal(before.predict(x)[safe], after.predict(x)[safe])


def test_an_ensemble_of_parts_is_the_same_in_any_company():
    made = samples(5)
    learner = PartitionEnsemble(ERM(epochs=2, batch_size=8), parts=3)
    together = learner.fit_many(made, generators(5))
    for sample, rng, whole in zip(made, generators(5), together, strict=True):
        alone = learner.fit(sample, rng)
        assert np.array_equal(alone.predict_proba(sample.x), whole.predict_proba(sample.x))
        assert alone.report == whole.report
