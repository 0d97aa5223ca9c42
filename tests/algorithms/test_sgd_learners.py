"""Learners with a step or an objective of their own, against plain torch, and ensembles."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.cvar_dro import CVaRDRO
from algorithms.engine.hooks import Diverged
from algorithms.engine.loop import initial, train
from algorithms.ensemble import Ensemble, offspring
from algorithms.erm import ERM
from algorithms.label_smoothing import LabelSmoothing
from algorithms.logistic_regression import LogisticRegression
from algorithms.mixup import Mixup
from algorithms.networks import MLP
from algorithms.sam import SAM
from algorithms.spectral_decoupling import SpectralDecoupling
from tests.algorithms.engine.test_loop import (
    CLASSES,
    NETWORKS,
    SHAPES,
    equal,
    generators,
    module,
    samples,
)

SHORT = {"network": MLP((7,)), "epochs": 3, "batch_size": 6, "weight_decay": 0.01}


@pytest.fixture
def doubly(monkeypatch):
    """All training in double precision."""
    monkeypatch.setattr("algorithms.engine.learner.train", partial(train, dtype=torch.float64))


def hyperparams(learner, count):
    return {f: [v] * count for f, v in vars(learner).items() if isinstance(v, float)}


def trained(learner, made, rngs=None):
    return learner.replicas(made, rngs or generators(len(made)), hyperparams(learner, len(made)))


def plain(learner, sample, rng, step, begin=lambda rng: None):
    """One training with torch's modules and optimisers; a step leaves its gradients in them."""
    net = module(learner.network, sample.x.shape[1:]).double()
    start = initial(learner.network, sample.x.shape[1:], CLASSES, [rng])
    with torch.no_grad():
        for p, values in zip(net.parameters(), start, strict=True):
            p.copy_(values[0].reshape(p.shape))
    x, y = torch.from_numpy(sample.x).double(), torch.from_numpy(sample.y)
    optimiser = torch.optim.SGD(
        net.parameters(),
        learner.learning_rate,
        learner.momentum,
        weight_decay=learner.weight_decay,
    )
    for epoch in range(learner.epochs):
        order = torch.from_numpy(rng.permutation(len(sample)))
        drawn = begin(rng)
        for number, index in enumerate(order.split(learner.batch_size)):
            optimiser.zero_grad()
            step(net, x[index], y[index], index, epoch, None if drawn is None else drawn[number])
            optimiser.step()
    return [p.detach() for p in net.parameters()]


def agree(got, want, near=1e-12):
    for a, b in zip(got.parameters, want, strict=True):
        torch.testing.assert_close(a[0].reshape(b.shape), b, atol=near, rtol=near)


def sharp_step(net, x, y, index, epoch, drawn):
    F.cross_entropy(net(x), y).backward()
    parameters = list(net.parameters())
    before = [p.detach().clone() for p in parameters]
    length = torch.cat([p.grad.flatten() for p in parameters]).norm()
    with torch.no_grad():
        for p in parameters:
            p += 0.3 * p.grad / length
    net.zero_grad()
    F.cross_entropy(net(x), y).backward()
    with torch.no_grad():
        for p, old in zip(parameters, before, strict=True):
            p.copy_(old)


def mixed_step(net, x, y, index, epoch, own):
    partner = [len(y) - 1, *range(len(y) - 1)]
    logits = net(own * x + (1 - own) * x[partner])
    (own * F.cross_entropy(logits, y) + (1 - own) * F.cross_entropy(logits, y[partner])).backward()


def smooth_step(net, x, y, index, epoch, drawn):
    F.cross_entropy(net(x), y, label_smoothing=0.3).backward()


def decoupled_step(net, x, y, index, epoch, drawn):
    logits = net(x)
    (F.cross_entropy(logits, y) + 0.3 * (logits**2).mean()).backward()


ORACLES = {
    "sam": (SAM(radius=0.3, **SHORT), sharp_step),
    "mixup": (Mixup(concentration=0.7, **SHORT), mixed_step),
    "smoothing": (LabelSmoothing(smoothing=0.3, **SHORT), smooth_step),
    "decoupling": (SpectralDecoupling(coefficient=0.3, **SHORT), decoupled_step),
}


@pytest.mark.usefixtures("doubly")
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("network", ["linear", "mlp", "conv"])
def test_it_goes_where_a_loop_in_plain_torch_goes(name, network):
    learner, step = ORACLES[name]
    learner = replace(learner, network=NETWORKS[network])
    begin = (lambda rng: rng.beta(0.7, 0.7, 4)) if name == "mixup" else (lambda rng: None)
    made = samples(3, shape=SHAPES.get(network, (5,)))
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):
        agree(got, plain(learner, sample, rng, step, begin))


def test_sharpness_in_no_radius_is_risk_to_the_bit():
    made = samples(4)
    for a, b in zip(trained(SAM(radius=0.0), made), trained(ERM(), made), strict=True):
        assert equal(a, b)


@pytest.mark.usefixtures("doubly")
@pytest.mark.parametrize(
    "learner",
    [LabelSmoothing(smoothing=0.0, **SHORT), SpectralDecoupling(coefficient=0.0, **SHORT)],
)
def test_without_its_term_an_objective_is_risk(learner):
    made = samples(4)
    for got, want in zip(trained(learner, made), trained(ERM(**SHORT), made), strict=True):
        agree(got, [p[0] for p in want.parameters])


@pytest.mark.usefixtures("doubly")
def test_shares_of_nothing_or_all_mix_nothing():
    # One epoch: in the next one the shares have moved the generators on.
    made, setting = samples(4), {**SHORT, "epochs": 1}
    mixed = trained(Mixup(concentration=1e-9, **setting), made)
    for got, want in zip(mixed, trained(ERM(**setting), made), strict=True):
        agree(got, [p[0] for p in want.parameters])


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_replica_is_the_same_to_the_bit_alone_and_in_company(name, network):
    learner = replace(ORACLES[name][0], network=NETWORKS[network])
    the_same_in_company(learner, samples(16, shape=SHAPES.get(network, (5,))))


@pytest.mark.parametrize("name", ORACLES)
def test_a_replica_is_the_same_to_the_bit_at_the_usual_size(name):
    learner = replace(ORACLES[name][0], network=MLP(), batch_size=64)
    the_same_in_company(learner, usual(8))


def usual(count, groups=3):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 64)).astype(np.float32)
    drawn = [(rng.integers(10, size=150), rng.integers(groups, size=150)) for _ in range(count)]
    return [TrainingSet(x, y, g, 10) for y, g in drawn]


def the_same_in_company(learner, made):
    everybody = len(made)
    together = trained(learner, made)
    for count in (1, 2, everybody // 2):
        for first in (0, everybody - count):
            chosen = slice(first, first + count)
            apart = trained(learner, made[chosen], generators(everybody)[chosen])
            assert all(map(equal, apart, together[chosen]))


@pytest.mark.parametrize("name", ORACLES)
def test_a_replica_that_diverges_fails_alone(name):
    fails_alone(ORACLES[name][0])


def fails_alone(learner):
    made = samples(4)
    rates = hyperparams(learner, 4) | {"learning_rate": [0.05, 1e30, 0.05, 0.05]}
    mixed, calm = learner.replicas(made, generators(4), rates), trained(learner, made)
    assert isinstance(mixed[1], Diverged)
    assert all(equal(mixed[r], calm[r]) for r in (0, 2, 3))


# ---- ensembles ----------------------------------------------------------------------------


def test_an_ensemble_of_equals_is_one_of_them():
    sample, x = samples(1, easy=True)[0], samples(1)[0].rows.pool
    one = LogisticRegression().fit(sample, np.random.default_rng(0))
    many = Ensemble(LogisticRegression(), members=4).fit(sample, np.random.default_rng(0))
    assert many.predict_proba(x) == pytest.approx(one.predict_proba(x), abs=1e-12)
    assert np.array_equal(many.predict(x), one.predict(x))


def test_an_ensemble_is_the_mean_of_separate_trainings():
    made, x = samples(3), samples(1)[0].rows.pool
    learner = CVaRDRO(**SHORT)
    together = Ensemble(learner, members=3).fit_many(made, generators(3))
    for sample, rng, fitted in zip(made, generators(3), together, strict=True):
        apart = [learner.fit(sample, own) for own in offspring(rng, 3)]
        p = sum(f.predict_proba(x) for f in apart) / 3
        assert fitted.predict_proba(x) == pytest.approx(p, abs=1e-7)
        assert np.array_equal(fitted.predict(x), p.argmax(1))
        assert fitted.weights == pytest.approx(sum(f.weights for f in apart) / 3, rel=1e-6)
        firsts = [f.predict_proba(x) for f in apart]
        assert not np.array_equal(firsts[0], firsts[1]), "members are alike: this shows nothing"


@dataclass(frozen=True)
class Whim(Learner):
    """Says of each point one label that it draws, or fails."""

    fails: bool = False

    def fit(self, sample, rng):
        label = rng.integers(sample.classes)
        if self.fails and label == 0:
            raise ArithmeticError("a whim")
        return Fitted(lambda x: np.full(len(x), label))


def test_members_without_probabilities_vote():
    sample = samples(1)[0]
    for seed in range(10):
        rng = np.random.default_rng(seed)
        told = [int(own.integers(CLASSES)) for own in offspring(rng, 5)]
        fitted = Ensemble(Whim(), members=5).fit(sample, np.random.default_rng(seed))
        most = max(sorted(set(told)), key=told.count)
        assert fitted.predict_proba is None
        assert fitted.weights is None
        assert fitted.predict(np.zeros((2, 5))).tolist() == [most, most]


def test_an_ensemble_fails_with_one_of_its_members_and_alone():
    many = Ensemble(Whim(fails=True), members=3).fit_many(samples(12), generators(12))
    told = [[int(own.integers(CLASSES)) for own in offspring(g, 3)] for g in generators(12)]
    assert [isinstance(f, ArithmeticError) for f in many] == [0 in labels for labels in told]
    assert len({0 in labels for labels in told}) == 2, "this shows nothing"
