"""Replicas of a learner, alone and in stacks."""

import numpy as np
import torch

from algorithms.engine.loop import Diverged
from tests.helpers.networks import SHAPES
from tests.helpers.samples import generators, samples


def numeric_fields(learner, count, **given):
    """The numeric fields of replicas as the harness passes them to a learner."""
    return {n: [v] * count for n, v in learner.hyperparams().items()} | given


def trained(learner, made, rngs=None):
    """The replicas of a learner on some training sets."""
    rngs = rngs or generators(len(made))
    return learner.replicas(made, rngs, numeric_fields(learner, len(made)))


def equal(a, b):
    """Whether the parameters of two replicas are equal to the bit."""
    return all(torch.equal(p, q) for p, q in zip(a.parameters, b.parameters, strict=True))


def equal_weights(a, b):
    """Whether two replicas gave samples the same weights."""
    if a.weights is None or b.weights is None:
        return a.weights is b.weights
    return np.array_equal(a.weights, b.weights)


def equal_in_any_stack(learner, name):
    """Demand that replicas, reports included, are the same to the bit alone and in a stack."""
    made = samples(12, shape=SHAPES.get(name, (5,)), shared=False)
    together = trained(learner, made)
    for chosen in (slice(0, 1), slice(5, 6), slice(9, 12)):
        apart = trained(learner, made[chosen], generators(12)[chosen])
        for a, b in zip(apart, together[chosen], strict=True):
            assert equal(a, b)
            assert equal_weights(a, b)
            assert a.report == b.report


def equal_at_any_place(learner, made):
    """Demand that replicas are the same to the bit at both ends of stacks of several sizes."""
    total = len(made)
    together = trained(learner, made)
    for first, count in ((0, 1), (total - 1, 1), (total - 2, 2), (0, total // 2)):
        chosen = slice(first, first + count)
        apart = trained(learner, made[chosen], generators(total)[chosen])
        assert all(map(equal, apart, together[chosen]))


def fails_alone(learner):
    """Demand that a replica that diverges leaves the others as they are."""
    made = samples(4)
    usual = learner.hyperparams()["learning_rate"]
    rates = numeric_fields(learner, 4, learning_rate=[usual, 1e30, usual, usual])
    mixed, calm = learner.replicas(made, generators(4), rates), trained(learner, made)
    assert isinstance(mixed[1], Diverged)
    assert all(equal(mixed[r], calm[r]) for r in (0, 2, 3))
