"""Bags of hashed n-grams: collisions, memory, and the learners that see sparse matrices."""

import tracemalloc

import numpy as np
import pytest
from scipy.sparse import issparse

from algorithms.any_sklearn import Sklearn
from algorithms.base import Rows, TrainingSet
from algorithms.erm import ERM
from algorithms.hashed_bag import HashedBag
from algorithms.linear_svm import LinearSVM
from algorithms.logistic_regression import LogisticRegression
from algorithms.naive_bayes import NaiveBayes
from algorithms.networks import Linear

#: A token that no text has.
TOKEN = 999_983


def rng(seed=0):
    return np.random.default_rng(seed)


def texts(n=1500, length=40, seed=0):
    """Texts of frequent and rare words, and labels that a fifth of the words tell."""
    draw = rng(seed)
    y = draw.integers(2, size=n)
    words = draw.zipf(1.3, size=(n, length)) % 20_000 + 1
    words[:, ::5] = 30_000 + draw.integers(40, size=(n, length // 5)) + 40 * y[:, None]
    return words.astype(np.float32), y


def plant(x):
    planted = x.copy()
    planted[:, ::5] = TOKEN
    return planted


def test_a_small_collective_succeeds_with_the_default_buckets():
    # Relevant words of the other label are overwritten, so that nothing else decides.
    x, y = texts()
    test = plant(texts(seed=1)[0])
    members = np.arange(15)
    rows = Rows(x).replace(members, plant(x[members]))
    y[members] = 1
    sample = TrainingSet(rows, y, classes=2)
    few, many = (HashedBag(buckets=b).fit(sample, rng()) for b in (64, 2**18))
    assert (many.predict(test) == 1).mean() > 0.95
    assert (few.predict(test) == 1).mean() < 0.8
    assert few.report["overlap"] > 0.2
    assert many.report["overlap"] < 0.01
    assert HashedBag().buckets == 2**18


def test_the_report_counts_collisions_by_hand():
    x = np.float32([[1, 2, 0], [1, 0, 0], [3, 0, 0]])
    bag = HashedBag(buckets=2, grams=1)
    buckets = {w: int(bag.bags(np.float32([[w]])).indices[0]) for w in (1, 2, 3)}
    having = {1: {0, 1}, 2: {0}, 3: {2}}
    shared, extra = [], []
    for word, bucket in buckets.items():
        same = [w for w in buckets if buckets[w] == bucket]
        shared.append(len(same) > 1)
        extra.append(len(set.union(*(having[w] for w in same)) - having[word]) / 3)
    assert any(shared)
    report = bag.collisions(x)
    assert report["collisions"] == pytest.approx(np.mean(shared))
    assert report["overlap"] == pytest.approx(np.mean(extra))


def test_texts_without_words_are_empty_bags():
    x = np.zeros((4, 3), np.float32)
    assert HashedBag().bags(x).nnz == 0
    assert HashedBag().collisions(x) == {"collisions": 0.0, "overlap": 0.0}


@pytest.mark.parametrize(
    "base", [LogisticRegression(), LinearSVM(), Sklearn("MultinomialNB")], ids=repr
)
def test_sparse_learners_are_what_they_are_on_dense_bags(base):
    x, y = texts(n=200)
    members = np.array([3, 7])
    sample = TrainingSet(Rows(x).replace(members, plant(x[members])), y, classes=2)
    bag = HashedBag(base=base, buckets=256)
    got = bag.fit(sample, rng(1)).predict(x)
    dense = TrainingSet(bag.bags(sample.x).toarray(), y, classes=2)
    np.testing.assert_array_equal(got, base.fit(dense, rng(1)).predict(bag.bags(x).toarray()))


def test_dense_learners_see_the_most_frequent_buckets():
    x, y = texts(n=200)
    bag = HashedBag(base=NaiveBayes(), columns=50)
    fitted = bag.fit(TrainingSet(x, y), rng())
    assert fitted.report["buckets"] == 50
    bags = bag.bags(x).toarray()
    hits = (bags > 0).sum(axis=0)
    columns = np.sort(np.argsort(-hits, kind="stable")[:50])
    want = NaiveBayes().fit(TrainingSet(bags[:, columns], y), rng()).predict(bags[:, columns])
    np.testing.assert_array_equal(fitted.predict(x), want)


def test_samples_of_one_pool_are_trained_together_as_alone():
    x, y = texts(n=120)
    bag = HashedBag(base=ERM(network=Linear(), epochs=2), columns=64)
    samples = [
        TrainingSet(Rows(x, np.arange(start, start + 60)), y[start : start + 60], classes=2)
        for start in (0, 60)
    ]
    together = bag.fit_many(samples, [rng(0), rng(1)])
    for seed, (sample, fitted) in enumerate(zip(samples, together, strict=True)):
        alone = bag.fit(sample, rng(seed))
        np.testing.assert_array_equal(alone.predict_proba(x), fitted.predict_proba(x))


def test_memory_is_in_proportion_to_the_words():
    x, y = texts(n=1000)
    bag = HashedBag(base=Sklearn("MultinomialNB"), buckets=2**18)
    assert issparse(bag.bags(x))
    tracemalloc.start()
    bag.fit(TrainingSet(x, y), rng()).predict(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A dense array of bags would take 1 GiB; the words take 160 kB.
    assert peak < 64 * 2**20
