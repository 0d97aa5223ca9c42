"""Bayes rules on finite domains, against counts that share no code with them."""

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from algorithms.base import TrainingSet
from algorithms.bayes_optimal import BayesOptimal
from algorithms.empirical_bayes import EmpiricalBayes
from bench.datasets.synthetic.gaussians import Gaussians
from bench.theory.mixture import Mixture
from collectives.planting import FeatureLabel
from collectives.signals.base import Signal
from collectives.types import MemberData
from tests.helpers.cases import for_each


@for_each("seed", range(20))
def test_empirical_bayes_is_a_groupby(seed):
    draw = np.random.default_rng(seed)
    # Zeros of both signs: they are one value.
    x = np.float32(draw.integers(-1, 2, size=(150, 3)) * draw.choice([-1.0, 1.0], (150, 3)))
    y = draw.integers(4, size=150)
    seen = x[:, 0] + x[:, 1] < 2
    fitted = EmpiricalBayes().fit(
        TrainingSet(x[seen], y[seen], classes=4), np.random.default_rng(0)
    )
    frame = pd.DataFrame(x[seen], columns=list("abc")) + 0.0
    # pandas' mode is sorted: the smallest label of those that are most frequent.
    table = frame.assign(y=y[seen]).groupby(["a", "b", "c"])["y"].agg(lambda g: g.mode()[0])
    common = pd.Series(y[seen]).mode()[0]
    want = [table.get(tuple(point), common) for point in (x + np.float32(0)).tolist()]
    assert fitted.predict(x).tolist() == want


@dataclass(frozen=True)
class Finite:
    """Points 0..S-1 with any masses; a signal may take anything anywhere."""

    table: np.ndarray

    @property
    def support(self):
        return np.arange(len(self.table), dtype=np.float32)[:, None]

    def joint(self, x):
        return self.table[x[:, 0].astype(int)]

    def alternatives(self, x):
        return np.stack([np.full_like(x, s) for s in range(len(self.table))])


@dataclass(frozen=True)
class Table(Signal):
    """g as a list of images."""

    images: tuple[int, ...] = (0,)

    def __call__(self, x):
        return np.float32(self.images)[x[:, 0].astype(int)][:, None]


def law(seed):
    """A random law on a few points, some of them empty, and a draw for whatever comes next."""
    draw = np.random.default_rng(seed)
    points, labels = int(draw.integers(2, 7)), int(draw.integers(2, 5))
    table = draw.dirichlet(np.full(points * labels, 0.7)).reshape(points, labels)
    table[1:][draw.random(points - 1) < 0.4] = 0
    return Finite(table / table.sum()), draw


def rule(learner, known):
    sample = TrainingSet(known.support, np.zeros(len(known.support)), law=known)
    return learner.fit(sample, np.random.default_rng(0)).predict(known.support)


@for_each("seed", range(100))
def test_bayes_optimal_is_the_rule_of_fewest_mistakes(seed):
    known, _ = law(seed)
    points, labels = known.table.shape
    right = max(
        sum(known.table[s, f[s]] for s in range(points))
        for f in itertools.product(range(labels), repeat=points)
    )
    got = rule(BayesOptimal(), known)
    assert sum(known.table[s, got[s]] for s in range(points)) == pytest.approx(right, abs=1e-15)


def test_bayes_optimal_gives_a_tie_to_the_smallest_label():
    assert rule(BayesOptimal(), Finite(np.array([[0.1, 0.2, 0.2], [0.0, 0.5, 0.0]]))).tolist() == [
        1,
        1,
    ]


@pytest.mark.parametrize("epsilon", [0.02, 0.1, 0.3])
@for_each("seed", range(100))
def test_the_worst_law_is_near_and_turns_as_many_as_any_but_an_atom(seed, epsilon):
    known, _ = law(seed)
    points = [s for s, row in enumerate(known.table) if row.sum() > 0]
    ranked = {
        s: sorted(range(known.table.shape[1]), key=lambda y: -known.table[s, y]) for s in points
    }
    got = rule(BayesOptimal(epsilon), known)

    def distance(turned):
        # The two likeliest labels meet halfway; the total variation of the two laws.
        other = known.table.copy()
        for s in turned:
            first, second = ranked[s][:2]
            other[s, [first, second]] = (other[s, first] + other[s, second]) / 2
        return np.abs(other - known.table).sum() / 2

    def people(turned):
        return sum(known.table[s].sum() for s in turned)

    chosen = [s for s in points if got[s] != ranked[s][0]]
    assert all(got[s] == ranked[s][1] for s in chosen)
    assert distance(chosen) <= epsilon + 1e-12
    best = max(
        people(turned)
        for count in range(len(points) + 1)
        for turned in itertools.combinations(points, count)
        if distance(turned) <= epsilon
    )
    assert people(chosen) > best - max(people([s]) for s in points) - 1e-12
    # What is left does not pay for the most doubtful of the others, where the rule stops.
    rest = [s for s in points if s not in chosen]
    if rest:
        doubt = min(rest, key=lambda s: -np.diff(known.table[s, ranked[s][:2]])[0] / people([s]))
        assert distance([*chosen, doubt]) > epsilon - 1e-12


def test_the_worst_law_stops_at_the_first_decision_that_is_too_dear():
    # Turning the first, more doubtful point costs 0.1; the second would cost 0.05.
    known = Finite(np.array([[0.5, 0.3], [0.15, 0.05]]))
    turned = {e: rule(BayesOptimal(e), known).tolist() for e in (0.06, 0.11, 0.16)}
    assert turned == {0.06: [0, 0], 0.11: [1, 0], 0.16: [1, 1]}


def test_feature_label_planting_keeps_the_theorems_promise_against_the_bayes_rule():
    r"""Success is at least 1 - (1 - size) / size * gap * overlap: never less, at times no more."""
    slack = []
    for seed in range(400):
        known, draw = law(seed)
        points, labels = known.table.shape
        fixed = draw.choice(points, size=int(draw.integers(1, points)), replace=False)
        images = draw.choice(fixed, size=points)
        target = int(draw.integers(labels))
        strategy = FeatureLabel(Table(tuple(map(int, images))), target)
        mass = known.table.sum(axis=1)
        gaps, overlap, turns = [0.0], 0.0, []
        for s in sorted(set(images)):
            overlap += mass[s]
            if mass[s] > 0:
                gaps.append((known.table[s].max() - known.table[s, target]) / mass[s])
                lost, won = gaps[-1] * mass[s], mass[images == s].sum()
                # Just below the size at which the firm's decision at s turns.
                turns += [lost / (lost + won) * (1 - 1e-9)] if lost > 0 else []
        for size in [*turns, *draw.uniform(0.01, 1, size=3)]:
            pooled = MemberData(known.support, np.zeros(points, dtype=np.int64), labels)
            mixture = Mixture(known, strategy, size, pooled, 1000)
            assert mixture.joint(known.support).sum() == pytest.approx(1)
            answers = rule(BayesOptimal(), mixture)
            success = sum(mass[s] for s in range(points) if answers[images[s]] == target)
            promised = 1 - (1 - size) / size * max(gaps) * overlap
            assert success >= promised - 1e-12
            if 0.05 < promised < 0.95:
                slack.append(success - promised)
    assert len(slack) > 300
    assert min(slack) < 1e-6


def test_exchanged_labels_are_in_the_law():
    data = Gaussians(n=20_000, classes=3, distance=4.0, priors=(0.5, 0.3, 0.2), noise=0.3)
    clean = Gaussians(n=20_000, classes=3, distance=4.0, priors=(0.5, 0.3, 0.2))
    split, before = data.split(np.random.default_rng(0)), clean.split(np.random.default_rng(0))
    np.testing.assert_array_equal(split.x, before.x)
    for k, l in itertools.permutations(range(3), 2):
        moved = split.y[before.y == k] == l
        assert binomtest(int(moved.sum()), len(moved), 0.15).pvalue > 1e-3
    some = split.x[:300]
    joint, exact = data.law.joint(some), clean.law.joint(some)
    for k in range(3):
        others = sum(exact[:, l] for l in range(3) if l != k)
        np.testing.assert_allclose(joint[:, k], 0.7 * exact[:, k] + 0.3 * others / 2, rtol=1e-12)
