"""Laws on three bits, strategies that plant the last one, and the data of a firm."""

import functools
import itertools
import math

import numpy as np

from collectives.base import Strategy
from collectives.coordination_noise import Noisy
from collectives.erasing import Erase
from collectives.idle import Idle
from collectives.multiple_collectives import Several
from collectives.planting import FeatureLabel, FeatureOnly, FeatureOnlyPlus
from collectives.signals.tabular import SetFeature
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.types import Array, MemberData

BIT, LOW = SetFeature(-1, 1.0), SetFeature(0, 0.0)
POINTS = np.array(list(itertools.product([0, 1], repeat=3)), dtype=np.float32)
MOVED = np.arange(8) | 1
PLANT, ONLY, PLUS = (s(BIT, 1) for s in (FeatureLabel, FeatureOnly, FeatureOnlyPlus))
#: Strategies whose members all do what is known of them.
KNOWN: list[Strategy] = [
    PLANT,
    ONLY,
    PLUS,
    Idle(BIT, 1),
    Noisy(PLANT, dropout=0.3, wrong_label=0.2, wrong_signal=0.4),
    Noisy(ONLY, wrong_label=0.1, wrong_signal=0.2),
    Noisy(PLUS, dropout=0.2, wrong_signal=0.1),
    Noisy(Noisy(PLANT, dropout=0.5), wrong_label=0.1),
    Several((PLANT, FeatureLabel(BIT, 2)), shares=(0.6, 0.3), judged=0),
    Several((PLANT, FeatureOnly(BIT, 2)), shares=(0.5, 0.5)),
    Several((Noisy(PLANT, dropout=0.2), Erase(LOW)), shares=(0.7, 0.3), judged=0, alone=True),
]
#: Strategies of whose members some may do anything.
LOOSE: list[Strategy] = [
    Several((PLANT, Erase(BIT)), shares=(0.9, 0.1), judged=0),
    Several((PLANT, FeatureLabel(LOW, 2)), shares=(0.8, 0.15), judged=0),
    Noisy(PLANT, wrong_signal=0.1, mistaken=LOW),
    Several((Noisy(PLANT, wrong_signal=0.1, mistaken=LOW), PLUS), judged=0),
]


def law(seed: int) -> tuple[Array, np.random.Generator]:
    """Draw a law on four points without and four with the bit; some of these are light."""
    rng = np.random.default_rng(seed)
    joint = rng.dirichlet(np.full(24, 0.6)).reshape(8, 3)
    joint[1::2] *= rng.choice([0.02, 0.2, 1.0])
    return joint / joint.sum(), rng


def drawn(joint: Array, many: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw points and labels of so many people."""
    cell = rng.choice(joint.size, size=many, p=joint.ravel())
    return cell // 3, cell % 3


def index(x: Array) -> Array:
    """Return the numbers of points in the table."""
    return np.asarray(x @ (4, 2, 1), dtype=int)


def guaranteed(strategy: Strategy, x: Array, y: Array, terms: Terms) -> float:
    """Return the finite-sample bound from the members' data."""
    return float(strategy.bounds.finite_sample(Counts(POINTS[x], y, 3), terms)[0])


def firm(x: Array, y: Array, n: int, strategy: Strategy, rng: np.random.Generator) -> Array:
    """Count what a firm has, by point and label, once the first n people have acted."""
    seen, own = np.zeros((8, 3)), slice(n)
    pooled = MemberData(POINTS[x[own]], y[own], 3)
    moved, told = strategy.act(pooled.x, pooled.y, pooled=pooled, n=len(y), rng=rng)
    np.add.at(seen, (index(moved), told), 1)
    np.add.at(seen, (x[n:], y[n:]), 1)
    return seen


def left(strategy: Strategy, seen: Array, test: Array) -> float:
    """Return the success that the worst optimal firm leaves, for which all ties are lost."""
    if isinstance(strategy, Erase):
        best = seen.argmax(axis=1)
        top = np.sort(seen, axis=1)
        sure = top[:, -1] > top[:, -2]
        won = (sure & sure[MOVED] & (best == best[MOVED])) | (np.arange(8) == MOVED)
        return float(won[test].mean())
    if isinstance(strategy, Several) and strategy.judged is None:
        labels = [s.label for s in strategy.strategies]
    else:
        labels = [strategy.target]
    won = [seen[:, k] > np.delete(seen, k, axis=1).max(axis=1) for k in labels]
    return float(np.mean([w[MOVED[test]] for w in won]))


def r(small: float, k: int) -> float:
    """Return Hoeffding's deviation of a mean of k numbers in [0, 1]."""
    return math.sqrt(math.log(1 / small) / (2 * k))


def bernstein(small: float, k: int, moment: float) -> float:
    """Return Bernstein's deviation of a mean of k numbers, of a second moment."""
    log = math.log(1 / small)
    return math.sqrt(2 * moment * log / k) + log / (3 * k)


@functools.cache
def at_most(small: float, k: int, mean: float) -> float:
    """Return the largest expectation whose lower deviation sqrt(2 u log / k) leads to the mean."""
    log, low, high = math.log(1 / small), 0.0, 10.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle - math.sqrt(2 * middle * log / k) > mean:
            high = middle
        else:
            low = middle
    return min(low, 1.0)
