"""Warm-started training, against two loops in plain torch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from algorithms.warm_started import WarmStarted
from tests.helpers.networks import agree, started
from tests.helpers.replicas import equal_in_any_stack, fails_alone, trained
from tests.helpers.samples import generators, samples
from tests.helpers.torch_loop import SHORT


def descend(net, learner, sample, rng, epochs):
    x, y = torch.from_numpy(sample.x).double(), torch.from_numpy(sample.y)
    optimiser = torch.optim.SGD(
        net.parameters(), learner.learning_rate, learner.momentum, weight_decay=0.01
    )
    for _ in range(epochs):
        for index in torch.from_numpy(rng.permutation(len(x))).split(learner.batch_size):
            optimiser.zero_grad()
            F.cross_entropy(net(x[index]), y[index]).backward()
            optimiser.step()


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize(("shrink", "perturb"), [(1.0, 0.0), (0.6, 0.1), (0.0, 1.0)])
def test_it_trains_on_the_earlier_sample_and_goes_on_with_all_rows(shrink, perturb):
    fields = {**SHORT, "earlier": 0.4, "update": 2, "learning_rate": 0.05}
    learner = WarmStarted(shrink=shrink, perturb=perturb, **fields)
    made = samples(3)
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):
        earlier = np.sort(rng.permutation(len(sample))[: round(0.4 * len(sample))])
        net = started(learner.network, (5,), rng)
        descend(net, learner, sample.take(earlier), rng, learner.epochs)
        fresh = started(learner.network, (5,), rng)
        with torch.no_grad():
            for p, q in zip(net.parameters(), fresh.parameters(), strict=True):
                p.mul_(shrink).add_(perturb * q)
        descend(net, learner, sample, rng, 2)
        agree(got.parameters, net.parameters())


def test_weights_are_shares_of_the_epochs_in_which_a_row_was_used():
    (sample,) = samples(1)
    fitted = WarmStarted(earlier=0.4, update=2, **SHORT).fit(sample, np.random.default_rng(0))
    earlier = np.random.default_rng(0).permutation(23)[:9]
    want = np.full(23, 2 / 5)
    want[earlier] = 1
    assert fitted.weights == pytest.approx(want)


def test_replicas_of_different_numbers_train_as_alone():
    made, learner = samples(1) * 3, WarmStarted(update=2, **SHORT)
    learners = [replace(learner, shrink=s, perturb=e) for s, e in ((1.0, 0.0), (0.5, 0.2))]
    learners.append(replace(learner, learning_rate=0.2))
    assert len({one.stacking_key() for one in learners}) == 1
    assert replace(learner, earlier=0.3).stacking_key() != learner.stacking_key()
    x, seeds = made[0].x, [np.random.default_rng(5) for _ in learners]
    together = WarmStarted.fit_stacked(learners, made, seeds)
    for one, fitted in zip(learners, together, strict=True):
        alone = one.fit(made[0], np.random.default_rng(5))
        assert np.array_equal(alone.predict_proba(x), fitted.predict_proba(x))
    assert not np.array_equal(together[0].predict_proba(x), together[1].predict_proba(x))


def test_a_replica_is_the_same_to_the_bit_alone_and_in_a_stack():
    equal_in_any_stack(WarmStarted(shrink=0.5, perturb=0.1, **SHORT), "mlp")
    fails_alone(WarmStarted(**SHORT))
