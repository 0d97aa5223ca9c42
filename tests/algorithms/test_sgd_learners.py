"""Learners with a step or an objective of their child, against plain torch, and ensembles."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from algorithms.base import Fitted, Learner
from algorithms.cvar_dro import CVaRDRO
from algorithms.ensemble import Ensemble, offspring
from algorithms.erm import ERM
from algorithms.label_smoothing import LabelSmoothing
from algorithms.logistic_regression import LogisticRegression
from algorithms.mixup import Mixup
from algorithms.networks import MLP
from algorithms.sam import SAM
from algorithms.spectral_decoupling import SpectralDecoupling
from tests.helpers.networks import NETWORKS, SHAPES, agree
from tests.helpers.replicas import equal, equal_at_any_place, fails_alone, trained
from tests.helpers.samples import CLASSES, digit_sized, generators, samples
from tests.helpers.torch_loop import SHORT, plain


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


def mixed_step(net, x, y, index, epoch, share):
    partner = [len(y) - 1, *range(len(y) - 1)]
    logits = net(share * x + (1 - share) * x[partner])
    first, second = F.cross_entropy(logits, y), F.cross_entropy(logits, y[partner])
    (share * first + (1 - share) * second).backward()


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


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("network", ["linear", "mlp", "conv"])
def test_it_goes_where_a_loop_in_plain_torch_goes(name, network):
    learner, step = ORACLES[name]
    learner = replace(learner, network=NETWORKS[network])
    shares = (lambda rng: rng.beta(0.7, 0.7, 4)) if name == "mixup" else (lambda rng: None)
    made = samples(3, shape=SHAPES.get(network, (5,)))
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):
        agree(got.parameters, plain(learner, sample, rng, step, shares))


def test_sharpness_in_no_radius_is_risk_to_the_bit():
    made = samples(4)
    for a, b in zip(trained(SAM(radius=0.0), made), trained(ERM(), made), strict=True):
        assert equal(a, b)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize(
    "learner",
    [LabelSmoothing(smoothing=0.0, **SHORT), SpectralDecoupling(coefficient=0.0, **SHORT)],
)
def test_without_its_term_an_objective_is_risk(learner):
    made = samples(4)
    for got, want in zip(trained(learner, made), trained(ERM(**SHORT), made), strict=True):
        agree(got.parameters, [p[0] for p in want.parameters])


@pytest.mark.usefixtures("double_precision")
def test_shares_of_nothing_or_all_mix_nothing():
    # One epoch: in the next one the shares have moved the generators on.
    made, setting = samples(4), {**SHORT, "epochs": 1}
    mixed = trained(Mixup(concentration=1e-9, **setting), made)
    for got, want in zip(mixed, trained(ERM(**setting), made), strict=True):
        agree(got.parameters, [p[0] for p in want.parameters])


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_replica_is_the_same_to_the_bit_alone_and_in_company(name, network):
    learner = replace(ORACLES[name][0], network=NETWORKS[network], epochs=2)
    equal_at_any_place(learner, samples(16, shape=SHAPES.get(network, (5,))))


@pytest.mark.parametrize("name", ORACLES)
def test_a_replica_is_the_same_to_the_bit_at_the_usual_size(name):
    learner = replace(ORACLES[name][0], network=MLP(), batch_size=64)
    equal_at_any_place(learner, digit_sized(8))


@pytest.mark.parametrize("name", ORACLES)
def test_a_replica_that_diverges_fails_alone(name):
    fails_alone(ORACLES[name][0])


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
        apart = [learner.fit(sample, child) for child in offspring(rng, 3)]
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
        drawn = [int(child.integers(CLASSES)) for child in offspring(rng, 5)]
        fitted = Ensemble(Whim(), members=5).fit(sample, np.random.default_rng(seed))
        most = max(sorted(set(drawn)), key=drawn.count)
        assert fitted.predict_proba is None
        assert fitted.weights is None
        assert fitted.predict(np.zeros((2, 5))).tolist() == [most, most]


def test_an_ensemble_fails_with_one_of_its_members_and_alone():
    many = Ensemble(Whim(fails=True), members=3).fit_many(samples(12), generators(12))
    drawn = [[int(child.integers(CLASSES)) for child in offspring(g, 3)] for g in generators(12)]
    assert [isinstance(f, ArithmeticError) for f in many] == [0 in labels for labels in drawn]
    assert len({0 in labels for labels in drawn}) == 2, "this shows nothing"
