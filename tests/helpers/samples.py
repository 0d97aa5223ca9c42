"""Small training sets, and their generators."""

import numpy as np

from algorithms.base import Rows, TrainingSet

CLASSES = 3


def samples(count, n=23, shape=(5,), seed=0, shared=True, easy=False):
    """Training sets on one pool that differ in rows, in members' points and in labels."""
    rng = np.random.default_rng(seed)
    pools = [
        rng.normal(size=(40, *shape)).astype(np.float32) for _ in range(1 if shared else count)
    ]
    made = []
    for r in range(count):
        index = rng.permutation(40)[:n]
        replaced = rng.permutation(n)[: r % 4]
        points = rng.normal(size=(len(replaced), *shape)).astype(np.float32)
        rows = Rows(pools[r % len(pools)], index, replaced, points)
        y, z = rng.integers(CLASSES, size=n), rng.integers(CLASSES, size=11)
        validation = Rows(pools[r % len(pools)], rng.permutation(40)[:11])
        if easy:
            y, z = ((part.array()[:, :2] > 0).sum(1) for part in (rows, validation))
        validation = TrainingSet(validation, z, classes=CLASSES)
        made.append(TrainingSet(rows, y, rng.integers(2, size=n), CLASSES, validation))
        made[-1].groups = 2
    return made


def digit_sized(count, groups=3):
    """Training sets of 150 points with 64 values, in 10 classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 64)).astype(np.float32)
    drawn = [(rng.integers(10, size=150), rng.integers(groups, size=150)) for _ in range(count)]
    return [TrainingSet(x, y, g, 10) for y, g in drawn]


def generators(count):
    """A generator for each of some replicas."""
    return [np.random.default_rng(100 + r) for r in range(count)]


def blobs(n=60, d=3, seed=0):
    """Overlapping classes, and points to ask about, some of them far away."""
    draw = np.random.default_rng(seed)
    y = draw.integers(CLASSES, size=n)
    x = (draw.normal(size=(n, d)) + y[:, None]).astype(np.float32)
    asked = (draw.normal(size=(600, d)) * 3 + 1).astype(np.float32)
    return TrainingSet(x, y, classes=CLASSES), asked
