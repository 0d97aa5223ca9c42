"""Learners that train twice, or two networks, against oracles that share no code with them."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from algorithms.base import TrainingSet
from algorithms.eiil import EIIL, second_environment
from algorithms.engine.loop import Diverged
from algorithms.erm import ERM
from algorithms.irm import IRM
from algorithms.jtt import JTT
from algorithms.lff import LfF
from algorithms.networks import MLP
from algorithms.spectral_signatures import SpectralSignatures
from algorithms.trimmed_loss import TrimmedLoss
from tests.helpers.networks import NETWORKS, agree, started
from tests.helpers.replicas import equal, equal_in_any_stack, numeric_fields, trained
from tests.helpers.samples import CLASSES, generators, samples

# ---- trained twice --------------------------------------------------------------------------


def test_the_error_set_is_what_a_short_training_gets_wrong():
    sizes = set()
    for sample, a, b in zip(samples(4), generators(4), generators(4), strict=True):
        first = ERM(epochs=2, batch_size=8, selection="last").fit(sample, a)
        wrong = first.predict(sample.x) != sample.y
        fitted = JTT(epochs=3, batch_size=8, first=2, upweight=7.0).fit(sample, b)
        assert fitted.weights.tolist() == np.where(wrong, 7.0, 1.0).tolist()
        assert np.array_equal(fitted.flagged, wrong)
        sizes.add(wrong.sum())
    assert len(sizes) > 1
    fitted = JTT(epochs=3, batch_size=8, upweight=1.0).fit(samples(1)[0], generators(1)[0])
    assert fitted.weights.tolist() == [1.0] * 23


@pytest.mark.parametrize(
    "learner", [JTT(first=100, learning_rate=0.3), EIIL(first=100, learning_rate=0.3)]
)
def test_a_first_model_without_mistakes_does_no_harm(learner):
    (sample,) = samples(1, easy=True)
    fitted = replace(learner, epochs=60).fit(sample, generators(1)[0])
    assert not fitted.flagged.any()
    assert (fitted.predict(sample.x) == sample.y).mean() == 1


TRIMMED = TrimmedLoss(outliers=0.2), SpectralSignatures(outliers=0.2)


@pytest.mark.parametrize("learner", [JTT(first=1), EIIL(first=1), LfF(), *TRIMMED])
def test_who_diverges_at_first_fails_alone(learner):
    learner, made = replace(learner, epochs=2, batch_size=8), samples(3)
    wild = learner.replicas(
        made, generators(3), numeric_fields(learner, 3, learning_rate=[0.01, 1e30, 0.01])
    )
    calm = trained(learner, made)
    assert isinstance(wild[1], Diverged)
    assert equal(wild[0], calm[0])
    assert equal(wild[2], calm[2])
    lost = learner.replicas(
        made, generators(3), numeric_fields(learner, 3, learning_rate=[1e30] * 3)
    )
    assert all(isinstance(o, Diverged) for o in lost)


# ---- failures of a biased network -----------------------------------------------------------


def two_networks(sample, rng, *, epochs, batch_size, learning_rate, exponent, memory):
    """Learning from failure with two modules, two optimisers, and a loop over samples."""
    net = MLP((7,))
    pair, steps = [], []
    for _ in range(2):
        pair.append(started(net, (5,), rng))
        steps.append(torch.optim.SGD(pair[-1].parameters(), learning_rate, 0.9))
    x, y = torch.from_numpy(sample.x).double(), torch.from_numpy(sample.y)
    averages, given = [{}, {}], np.zeros(len(sample))
    for _ in range(epochs):
        for index in torch.from_numpy(rng.permutation(len(sample))).split(batch_size):
            cross = [
                nn.functional.cross_entropy(f(x[index]), y[index], reduction="none") for f in pair
            ]
            for average, losses in zip(averages, cross, strict=True):
                for i, loss in zip(index.tolist(), losses.tolist(), strict=True):
                    average[i] = (
                        memory * average[i] + (1 - memory) * loss if i in average else loss
                    )
            hard = []
            for i in index.tolist():
                alike = [j for j in range(len(sample)) if y[j] == y[i]]
                b, d = (a[i] / max(a.get(j, 0.0) for j in alike) for a in averages)
                hard.append(b / (b + d))
                given[i] += hard[-1]
            p = torch.exp(-cross[0])
            objectives = [(1 - p**exponent) / exponent, torch.tensor(hard) * cross[1]]
            for step, objective in zip(steps, objectives, strict=True):
                step.zero_grad()
                objective.mean().backward()
                step.step()
    return list(pair[1].parameters()), given / epochs


@pytest.mark.usefixtures("double_precision")
def test_it_learns_from_failure_as_two_plain_networks_do():
    made = samples(3)
    learner = LfF(network=MLP((7,)), epochs=5, batch_size=6, exponent=0.6, memory=0.8)
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):
        want, given = two_networks(
            sample, rng, epochs=5, batch_size=6, learning_rate=0.01, exponent=0.6, memory=0.8
        )
        assert got.weights == pytest.approx(given, abs=1e-7)
        agree(got.parameters, want, 1e-7)


# ---- inferred environments ------------------------------------------------------------------


def test_the_inferred_environments_are_the_best_of_all_splits():
    rng = np.random.default_rng(7)
    for _ in range(25):
        n, classes = int(rng.integers(2, 9)), int(rng.integers(2, 5))
        z = torch.tensor(rng.normal(size=(n, classes)) * 3)
        y = torch.tensor(rng.integers(classes, size=n))
        scale = torch.ones(n, 1, dtype=torch.float64, requires_grad=True)
        total = nn.functional.cross_entropy(scale * z, y, reduction="sum")
        slope = torch.autograd.grad(total, scale)[0][:, 0].numpy()

        def violation(split, slope=slope):
            split = np.array(split)
            return (slope[split].sum() ** 2 + slope[~split].sum() ** 2) / len(slope) ** 2

        splits = list(itertools.product([False, True], repeat=n))
        best = max(map(violation, splits))
        got = second_environment(z.softmax(1).numpy(), y.numpy())
        assert violation(got) == pytest.approx(best)
    # A label of no probability at all is a mistake; one of probability one is none.
    sure = np.float32([[1, 0], [1, 0]])
    assert second_environment(sure, np.array([0, 1])).tolist() == [False, True]


def test_it_minimises_the_invariant_risk_of_the_inferred_environments():
    for sample, a, b in zip(samples(3), generators(3), generators(3), strict=True):
        first = ERM(epochs=2, batch_size=8, selection="last").fit(sample, a)
        second = second_environment(first.predict_proba(sample.x), sample.y)
        assert 0 < second.sum() < len(second)
        parted = TrainingSet(sample.rows, sample.y, second, CLASSES)
        want = IRM(epochs=3, batch_size=8, penalty=0.1).fit(parted, a).predict_proba(sample.x)
        got = EIIL(epochs=3, batch_size=8, penalty=0.1, first=2).fit(sample, b)
        assert np.array_equal(got.predict_proba(sample.x), want)
        assert np.array_equal(got.flagged, second == 1)


def test_inferred_environments_have_equal_weight_and_this_is_reported():
    (sample,) = samples(1)
    fitted = EIIL(epochs=200, batch_size=23).fit(sample, np.random.default_rng(0))
    assert fitted.weights.sum() == pytest.approx(23, rel=1e-4)
    # Binomial shares of 200 * 23 draws: five standard deviations.
    share = fitted.weights[fitted.flagged].sum() / 23
    assert share == pytest.approx(0.5, abs=5 * np.sqrt(0.25 / 4600))


# ---- company --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mlp", "odd conv"])
@pytest.mark.parametrize("learner", [LfF(), EIIL(first=1)], ids=repr)
def test_a_replica_is_the_same_to_the_bit_in_any_company(name, learner):
    equal_in_any_stack(replace(learner, epochs=3, batch_size=8, network=NETWORKS[name]), name)
