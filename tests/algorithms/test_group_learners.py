"""Learners that look at groups, against plain torch and pipelines made by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler
from torch.nn import functional as F

from algorithms.base import TrainingSet
from algorithms.dfr import DFR
from algorithms.eiil import EIIL
from algorithms.erm import ERM
from algorithms.fishr import Fishr, gradient_variances
from algorithms.irm import IRM
from algorithms.networks import MLP
from algorithms.reweight_groups import ReweightGroups
from algorithms.subsample_groups import SubsampleGroups
from algorithms.vrex import VREx
from tests.helpers.networks import NETWORKS, SHAPES, agree
from tests.helpers.replicas import equal_at_any_place, fails_alone, trained
from tests.helpers.samples import digit_sized, generators, samples
from tests.helpers.torch_loop import SHORT, plain


def regrouped(made, groups=5, used=4):
    """Groups at random, the last of which nobody is in; some are missing in small batches."""
    rng = np.random.default_rng(7)
    for sample in made:
        sample.group, sample.groups = rng.integers(used, size=len(sample)), groups
    return made


def per_environment(values, y, sample, index, measure):
    groups = sample.group[index.numpy()]
    return {g: measure(values[groups == g], y[groups == g]) for g in sorted(set(groups.tolist()))}


def weight(learner, epoch, most):
    return min(most, learner.penalty) if epoch < learner.anneal else learner.penalty


def evenly(sample):
    """The order of an epoch in which each environment is drawn as often."""
    bounds = np.cumsum(1 / np.bincount(sample.group)[sample.group])
    last = len(sample) - 1

    def visits(rng):
        drawn = rng.random(len(sample)) * bounds[-1]
        return np.array([min(int((bounds <= u).sum()), last) for u in drawn])

    return visits


def invariant(learner, sample):
    def drift(logits, y):
        scale = torch.ones((), dtype=torch.float64, requires_grad=True)
        risk = F.cross_entropy(logits * scale, y)
        return risk, torch.autograd.grad(risk, [scale], create_graph=True)[0]

    def step(net, x, y, index, epoch, drawn):
        parts = per_environment(net(x), y, sample, index, drift).values()
        much = weight(learner, epoch, 1.0)
        loss = sum(risk + much * slope**2 for risk, slope in parts) / len(parts)
        (loss / much if much > 1 else loss).backward()

    return step


def extrapolated(learner, sample):
    def step(net, x, y, index, epoch, drawn):
        risks = per_environment(net(x), y, sample, index, F.cross_entropy).values()
        risks = torch.stack(list(risks))
        much = weight(learner, epoch, 1.0)
        loss = risks.mean() + much * risks.var(correction=0)
        (loss / much if much > 1 else loss).backward()

    return step


def sample_gradients(logits, y, leaves):
    """The gradient of each sample's loss, one by one, (n, P)."""
    losses = F.cross_entropy(logits, y, reduction="none")
    rows = [torch.autograd.grad(loss, leaves, create_graph=True) for loss in losses]
    return torch.stack([torch.cat([g.flatten() for g in row]) for row in rows])


def matched(learner, sample):
    """The rules of DomainBed: averages start at zero, are divided by 1 - memory; the mean of P."""
    memory = {}

    def step(net, x, y, index, epoch, drawn):
        leaves = list(net.parameters())[-2:]
        logits = net(x)
        risks = per_environment(logits, y, sample, index, F.cross_entropy)
        gradients = sample_gradients(logits, y, leaves)
        spread = per_environment(
            gradients, y, sample, index, lambda rows, _: rows.var(0, correction=0)
        )
        for g, fresh in spread.items():
            old = memory.get(g, torch.zeros_like(fresh))
            average = learner.memory * old + (1 - learner.memory) * fresh
            spread[g] = average / (1 - learner.memory)
            memory[g] = average.detach()
        mean = sum(spread.values()) / len(spread)
        penalty = sum((v - mean).pow(2).mean() for v in spread.values()) / len(spread)
        risk = sum(risks.values()) / len(risks)
        (risk + weight(learner, epoch, 0.0) * penalty).backward()

    return step


ORACLES = {
    "irm": (IRM(penalty=3.0, anneal=1, **SHORT), invariant),
    "mild irm": (IRM(penalty=0.5, anneal=1, **SHORT), invariant),
    "mild vrex": (VREx(penalty=0.5, anneal=1, **SHORT), extrapolated),
    "vrex": (VREx(penalty=2.0, anneal=1, **SHORT), extrapolated),
    "fishr": (Fishr(penalty=50.0, memory=0.6, anneal=1, **SHORT), matched),
}


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("network", ["linear", "mlp", "conv"])
def test_it_goes_where_a_loop_in_plain_torch_goes(name, network):
    learner, oracle = ORACLES[name]
    learner = replace(learner, network=NETWORKS[network])
    made = regrouped(samples(3, shape=SHAPES.get(network, (5,))))
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):
        step = oracle(learner, sample)
        agree(got.parameters, plain(learner, sample, rng, step, visits=evenly(sample)))


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize(
    "learner",
    [
        IRM(penalty=0.0, **SHORT),
        VREx(penalty=1.0, anneal=0, **SHORT),
        Fishr(penalty=3.0, anneal=0, **SHORT),
    ],
)
def test_one_environment_is_risk(learner):
    made, risk = regrouped(samples(3), groups=1, used=1), ReweightGroups(**SHORT)
    for got, want in zip(trained(learner, made), trained(risk, made), strict=True):
        agree(got.parameters, [p[0] for p in want.parameters])


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("cls", [IRM, VREx, Fishr])
def test_without_a_penalty_the_mean_of_the_environments_risks_is_left(cls):
    made = regrouped(samples(3))
    learner = cls(penalty=0.0, anneal=0, **SHORT)
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):

        def step(net, x, y, index, epoch, drawn, sample=sample):
            risks = per_environment(net(x), y, sample, index, F.cross_entropy).values()
            (sum(risks) / len(risks)).backward()

        agree(got.parameters, plain(learner, sample, rng, step, visits=evenly(sample)))


@pytest.mark.parametrize(
    "learner", [IRM(), VREx(), VREx(penalty=100.0), Fishr(), EIIL()], ids=repr
)
def test_rare_labels_make_no_training_diverge(learner):
    """1000 points, 10 of them with the other label: a batch has hardly ever one of these."""
    made = []
    for seed in range(6):
        rng, y = np.random.default_rng(seed), np.arange(1000) < 10
        x = rng.normal(size=(1000, 3))
        x[:, 0] += y
        made.append(TrainingSet(x, y))
    fitted = replace(learner, epochs=10, learning_rate=0.05).fit_many(made, generators(6))
    assert [f for f in fitted if isinstance(f, Exception)] == []
    for sample, f in zip(made, fitted, strict=True):
        right = f.predict(sample.x) == sample.y
        assert (right[:10].mean() + right[10:].mean()) / 2 > 0.75


@pytest.mark.parametrize("cls", [IRM, VREx, Fishr])
def test_environments_have_equal_weight_and_this_is_reported(cls):
    sample = uneven(np.random.default_rng(0))
    weights = cls(epochs=50, batch_size=200).fit(sample, generators(1)[0]).weights
    assert weights.sum() == pytest.approx(200, rel=1e-4)
    shares = [weights[sample.group == g].sum() / 200 for g in (0, 2, 3)]
    # Binomial shares of 50 * 200 draws: five standard deviations.
    assert shares == pytest.approx([1 / 3] * 3, abs=5 * np.sqrt(2 / 9 / 10000))


def test_variances_are_those_of_each_samples_own_gradient():
    rng = np.random.default_rng(0)
    features = torch.from_numpy(rng.normal(size=(2, 4, 9)))
    w, b = (torch.from_numpy(rng.normal(size=s)).requires_grad_() for s in [(2, 3, 4), (2, 3, 1)])
    y = torch.from_numpy(rng.integers(3, size=(2, 9)))
    group = torch.from_numpy(rng.integers(2, size=(2, 9)))
    within = torch.stack([group == 0, group == 1], 1).double()
    within /= within.sum(2, keepdim=True)
    logits = torch.baddbmm(b, w, features)
    logit_grad = logits.softmax(1) - F.one_hot(y, 3).transpose(1, 2)
    got = gradient_variances(features, logit_grad, within)
    for r in range(2):
        own = sample_gradients(logits[r].T, y[r], [w, b])
        # Weights (2, 3, 4), then biases (2, 3, 1); beside those of r only zeros.
        own = torch.cat(
            [own[:, :24].view(9, 2, 3, 4)[:, r], own[:, 24:].view(9, 2, 3, 1)[:, r]], 2
        )
        for g in range(2):
            want = own[group[r] == g].flatten(1).var(0, correction=0)
            torch.testing.assert_close(got[r, g], want, atol=1e-14, rtol=1e-12)


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("network", NETWORKS)
def test_a_replica_is_the_same_to_the_bit_alone_and_in_company(name, network):
    learner = replace(ORACLES[name][0], network=NETWORKS[network], epochs=2)
    equal_at_any_place(learner, regrouped(samples(16, shape=SHAPES.get(network, (5,)))))


@pytest.mark.parametrize("name", [*ORACLES, "balanced"])
@pytest.mark.parametrize("groups", [3, 10])
def test_a_replica_is_the_same_to_the_bit_at_the_usual_size(name, groups):
    learner = ReweightGroups() if name == "balanced" else ORACLES[name][0]
    learner = replace(learner, network=MLP(), epochs=2, batch_size=64)
    equal_at_any_place(learner, digit_sized(8, groups))


@pytest.mark.parametrize("name", ORACLES)
def test_a_replica_that_diverges_fails_alone(name):
    fails_alone(ORACLES[name][0])


# ---- reweighting and subsampling ----------------------------------------------------------


def uneven(rng, n=200, labels=3):
    """A sample whose labels are learnable, in groups of 10, 30 and 60 %, and a twin held out."""
    x = rng.normal(size=(2 * n, 4)).astype(np.float32)
    x[:, 0] *= 3
    y = np.digitize(x[:, 0], [-1.0, 1.0][: labels - 1])
    group = np.tile(np.repeat([0, 2, 3], [n // 10, 3 * n // 10, 6 * n // 10]), 2)
    held = TrainingSet(x[n:], y[n:], group[n:], labels)
    return TrainingSet(x[:n], y[:n], group[:n], labels, held)


def test_each_group_is_drawn_as_often_and_each_of_a_group_too():
    sample, epochs = uneven(np.random.default_rng(0)), 100
    fitted = ReweightGroups(epochs=epochs, batch_size=200).fit(sample, generators(1)[0])
    draws = fitted.weights * epochs
    assert draws.sum() == pytest.approx(epochs * 200, rel=1e-4)
    for g in (0, 2, 3):
        mine = draws[sample.group == g]
        # Binomial counts: five standard deviations.
        assert mine.sum() == pytest.approx(20000 / 3, abs=5 * np.sqrt(20000 * 2 / 9))
        each = 20000 / 3 / len(mine)
        assert mine == pytest.approx(np.full(len(mine), each), abs=5 * np.sqrt(each))


def test_as_many_of_each_group_are_left_as_the_smallest_has():
    made = [uneven(np.random.default_rng(seed)) for seed in range(4)]
    fitted = SubsampleGroups(epochs=2).fit_many(made, generators(4))
    for sample, rng, f in zip(made, generators(4), fitted, strict=True):
        assert set(f.weights.tolist()) == {0.0, 1.0}
        left = f.weights == 1
        assert np.bincount(sample.group[left]).tolist() == [20, 0, 20, 20]
        rng.permutation(200)
        (part,) = np.nonzero(left)
        alone = ERM(epochs=2).fit(sample.take(part), rng)
        assert np.array_equal(f.predict_proba(sample.x), alone.predict_proba(sample.x))
    assert not np.array_equal(fitted[0].weights, fitted[1].weights), "the draw is always the same"


def test_samples_that_shrink_differently_keep_their_places():
    made = [uneven(np.random.default_rng(s), n) for s, n in enumerate([200, 100, 200, 150, 100])]
    together = SubsampleGroups(epochs=2).fit_many(made, generators(5))
    for sample, rng, f in zip(made, generators(5), together, strict=True):
        alone = SubsampleGroups(epochs=2).fit(sample, rng)
        assert np.array_equal(alone.weights, f.weights)
        assert np.array_equal(alone.predict_proba(sample.x), f.predict_proba(sample.x))


# ---- a new last layer ---------------------------------------------------------------------


@pytest.mark.parametrize("labels", [2, 3])
def test_the_last_layer_is_that_of_a_pipeline_made_by_hand(labels):
    made = [uneven(np.random.default_rng(seed), labels=labels) for seed in range(2)]
    learner = DFR(C=0.5, draws=3, scaling="none", **{**SHORT, "network": NETWORKS["deep"]})
    rngs = generators(2)
    features = trained(ERM(**{**SHORT, "network": learner.network}), made, rngs)
    for sample, rng, fitted, erm in zip(
        made, rngs, learner.fit_many(made, generators(2)), features, strict=True
    ):
        w, b, v, c = (p[0].double().numpy() for p in erm.parameters[:-2])

        def phi(x, w=w, b=b, v=v, c=c):
            return np.maximum(v @ np.maximum(w @ x.T + b, 0) + c, 0).T

        held, scaler = sample.validation, StandardScaler().fit(phi(sample.x))
        x = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
        scores = []
        for _ in range(3):
            order = rng.permutation(200)
            chosen = [i for g in (0, 2, 3) for i in order[held.group[order] == g][:20]]
            chosen = np.sort(chosen)
            seeds = rng.integers(2**31, size=labels if labels > 2 else 1)
            flat = LogisticRegression(
                l1_ratio=1.0,
                C=0.5,
                solver="liblinear",
                random_state=int(seeds[0]),
                tol=1e-8,
                max_iter=10000,
            )
            model = OneVsRestClassifier(flat) if labels > 2 else flat
            model.fit(scaler.transform(phi(held.x[chosen])), held.y[chosen])
            scores.append(model.decision_function(scaler.transform(phi(x))))
        mean = np.mean(scores, axis=0)
        want = mean if labels > 2 else np.column_stack([0 * mean, mean])
        got = np.log(fitted.predict_proba(x))
        centred = want - np.log(np.exp(want).sum(1, keepdims=True))
        assert got == pytest.approx(centred, abs=1e-2)


def test_a_last_layer_is_sparse_and_says_no_label_that_it_never_saw():
    sample = uneven(np.random.default_rng(0))
    seen = sample.validation.y != 2
    sample.validation = sample.validation.take(np.flatnonzero(seen))
    learner = DFR(C=0.1, draws=1, epochs=20)
    (got,) = trained(learner, [sample])
    w, b = got.parameters[-2:]
    assert (w[0] == 0).float().mean() > 0.5
    assert b[0, :, 0].isfinite().tolist() == [True, True, False]
    fitted = learner.fit(sample, np.random.default_rng(0))
    assert set(fitted.predict(sample.x).tolist()) == {0, 1}


def test_a_last_layer_without_validation_data_is_refused():
    bare = TrainingSet(np.zeros((4, 2)), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="validation data"):
        DFR().fit(bare, np.random.default_rng(0))


def test_of_one_label_a_last_layer_says_that_label():
    sample = uneven(np.random.default_rng(0))
    sample.validation = sample.validation.take(np.flatnonzero(sample.validation.y == 1))
    fitted = DFR(draws=2).fit(sample, np.random.default_rng(0))
    assert set(fitted.predict(sample.x).tolist()) == {1}


def test_a_last_layer_that_fails_fails_alone(monkeypatch):
    made, retrained = (
        [uneven(np.random.default_rng(seed)) for seed in range(3)],
        DFR.retrain_last_layer,
    )

    def failing(self, trained, sample, rng, C):
        if np.array_equal(sample.y, made[1].y):
            raise FloatingPointError("on purpose")
        return retrained(self, trained, sample, rng, C)

    learner = DFR(draws=1, epochs=5)
    want = learner.fit_many(made, generators(3))
    monkeypatch.setattr(DFR, "retrain_last_layer", failing)
    got = learner.fit_many(made, generators(3))
    assert isinstance(got[1], FloatingPointError)
    for r in (0, 2):
        assert np.array_equal(got[r].predict_proba(made[r].x), want[r].predict_proba(made[r].x))
