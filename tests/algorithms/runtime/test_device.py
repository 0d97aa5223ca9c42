"""Where networks train: no step of the loop takes for granted that it is the processor."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from algorithms.base import Rows, TrainingSet
from algorithms.embedded import EmbeddedMLP
from algorithms.engine.learner import GradientLearner
from algorithms.erm import ERM
from algorithms.networks import ConvNet
from algorithms.runtime.device import VARIABLE
from bench.spec.registry import LEARNERS
from tests.helpers.command_line import tiny
from tests.helpers.fake_device import Far, accelerator

GRADIENT = [n for n, c in LEARNERS.items() if issubclass(c, GradientLearner)]
SHORT = {"epochs": 2, "trace": True}
VARIANTS = {
    "Adam": ERM(optimiser="adam", weight_decay=0.1, **SHORT),
    "the best epoch": ERM(selection="accuracy", patience=1, **SHORT),
    "the worst group": ERM(selection="worst_group", patience=1, **SHORT),
    "ConvNet": ERM(network=ConvNet((2, 3)), **SHORT),
    "EmbeddedMLP": ERM(network=EmbeddedMLP(((0, 2), (3, 3)), width=2, hidden=(5,)), **SHORT),
}


def sample(seed, shape=(9,)):
    """Three classes and two groups, a tenth of the people with rows of their own."""
    rng = np.random.default_rng(seed)
    y, group = rng.integers(3, size=90), rng.integers(2, size=90)
    x = (rng.normal(size=(90, *shape)) + y.reshape(-1, *[1] * len(shape))).astype(np.float32)
    members = rng.permutation(90)[:9]
    rows = Rows(x, np.arange(90)).replace(members, x[members] + 1)
    held = TrainingSet(x[:30], y[:30], classes=3, group=group[:30])
    return TrainingSet(rows, y, classes=3, group=group, validation=held)


def learnt(learner, samples):
    """The answers of replicas, and what they gave to whom."""
    rngs = [np.random.default_rng(r) for r in range(len(samples))]
    fits = learner.fit_many(samples, rngs)
    return [[f.predict_proba(samples[0].x) for f in fits], [f.weights for f in fits]]


@pytest.mark.parametrize("name", [*GRADIENT, *VARIANTS])
def test_another_device_learns_the_same(name, monkeypatch):
    learner = VARIANTS.get(name) or replace(LEARNERS[name](), **SHORT)
    samples = [sample(s, (1, 3, 3) if name == "ConvNet" else (9,)) for s in range(2)]
    here = learnt(learner, samples)
    monkeypatch.setenv(VARIABLE, "meta")
    with accelerator():
        there = learnt(learner, samples)
    np.testing.assert_equal(there, here)


def test_what_is_learnt_stays_on_the_device(monkeypatch):
    monkeypatch.setenv(VARIABLE, "meta")
    with accelerator():
        hyperparams = {"learning_rate": [0.1], "momentum": [0.9], "weight_decay": [0.0]}
        (trained,) = ERM(epochs=1).replicas([sample(0)], [np.random.default_rng(0)], hyperparams)
    assert all(isinstance(p, Far) for p in trained.parameters)


def test_the_stand_in_refuses_what_an_accelerator_refuses():
    here = torch.ones(2)
    with accelerator() as device:
        there = torch.zeros(2, device=device)
        there += here.to(device)
        assert there.tolist() == [1, 1]
        with pytest.raises(AssertionError, match="mixes tensors of two devices"):
            there + here
        with pytest.raises(RuntimeError, match="numpy"):
            there.numpy()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
@pytest.mark.parametrize("name", GRADIENT)
def test_cuda_learns_the_same_up_to_rounding(name, monkeypatch):
    learner, samples = replace(LEARNERS[name](), **SHORT), [sample(s) for s in range(3)]
    (here, _), _ = learnt(learner, samples), monkeypatch.setenv(VARIABLE, "cuda")
    there, _ = learnt(learner, samples)
    np.testing.assert_allclose(there, here, atol=1e-3)


@pytest.mark.parametrize("how", ["option", "variable"])
def test_a_device_that_is_not_there_is_refused(how, bench, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "" if how == "option" else "cdua:0")
    said = bench(*tiny(out="a"), *(["--device", "cdua:0"] if how == "option" else []))
    assert said.code == 2
    assert "there is no device 'cdua:0'." in said.line
    assert "Allowed: cpu" in said.line
    assert not (tmp_path / "a").exists()


def test_the_device_is_part_of_what_a_run_was(no_figures, bench, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "")
    assert bench(*tiny(out="a"), "--device", "cpu").code == 0
    assert json.loads((tmp_path / "a" / "about.json").read_text())["device"] == "cpu"


def test_a_cluster_has_its_own_devices(bench, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")
    said = bench(*tiny(), "--dask", "tcp://x:1", "--device", "cpu")
    assert said.code == 2
    assert "set COLLECTIVE_BENCH_DEVICE where the workers" in said.line
