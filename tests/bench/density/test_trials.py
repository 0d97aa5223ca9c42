"""Density models as trials: keys, records, and what they measure."""

import numpy as np
import pytest

from algorithms.density.images.conv_led import ConvLED
from algorithms.density.images.conv_wgan import ConvWGAN
from algorithms.density.kde import KDE
from bench.core.random_streams import stream
from bench.datasets.synthetic.planar_laws import LAWS
from bench.density.images import classifier, measure, trial
from bench.density.images.trial import ImageTrial
from bench.density.law_trial import LawTrial
from bench.execution.measurements import measured
from bench.records.code_version import component_version
from bench.spec.parsing import parse_any

SMALL = {"latent": 2, "channels": 4, "steps": 4, "batch_size": 8}


@pytest.fixture
def small(monkeypatch):
    """Small samples, and a count of the classifiers that are trained."""
    for name, value in {"MEASURED": 40, "BOUNDED": 10, "DRAWS": 2, "PROPOSALS": 50}.items():
        monkeypatch.setattr(measure, name, value)
    monkeypatch.setattr(measure, "SNAPSHOTS", 2)
    monkeypatch.setattr("algorithms.density.images.conv_led.BANK", 200)
    trained = []

    def train(images):
        trained.append(images)
        return classifier.train_classifier(images, steps=5)

    monkeypatch.setattr(trial, "train_classifier", train)
    trial._bench.cache_clear()
    yield trained
    trial._bench.cache_clear()


def test_keys_tell_sets_models_and_seeds_apart():
    sets = ("digits", "mnist", "fashion_mnist", "stacked_digits", "stacked_mnist")
    keys = {
        ImageTrial(name, model, seed).key
        for name in sets
        for model in (ConvLED(), ConvLED(steps=3), ConvWGAN())
        for seed in (0, 1)
    } | {
        LawTrial(law, KDE(), seed, n, test).key
        for law in ("moons", "swissroll")
        for seed in (0, 1)
        for n in (100, 200)
        for test in (100, 200)
    }
    assert len(keys) == 5 * 3 * 2 + 2**4
    key = ImageTrial("digits", ConvLED(steps=3), 1).key
    assert (parse_any(key.learner), key.size, key.seed) == (ConvLED(steps=3), 0.0, 1)
    law = parse_any(LawTrial("moons", KDE(), 0, 100, 200).key.dataset)
    assert (law.shape, law.n, law.n_test, law.overlap) == ("moons", 100, 200, 0.0)


def test_a_record_has_the_figures_of_merit_and_those_of_each_snapshot(small):
    one = ImageTrial("digits", ConvLED(**SMALL), 1)
    record = measured(one)
    assert record["status"] == "ok", record["error"]
    assert (record["n"], record["members"]) == (1078, 0)
    learnt = measure.ImageBench(small[0], trial._bench("digits").classifier).learn(one.model, 1)
    found = record["measures"]
    assert {n: v for n, v in found.items() if not n.startswith("seconds")} == {
        **{n: v for n, v in learnt.row.items() if n != "seconds"},
        **{f"{n}_at_1": v for n, v in learnt.curve[0].items() if n != "seconds"},
        **{f"{n}_at_2": v for n, v in learnt.curve[1].items() if n != "seconds"},
    }
    assert found["coverage_at_2"] == found["coverage"]
    assert found["seconds_at_1"] < found["seconds_at_2"] == found["seconds"]
    assert all(np.isfinite(value) for value in found.values())
    # The trials of a process share the classifier.
    assert len(small) == 1
    failed = measured(ImageTrial("digits", ConvWGAN(**SMALL, learning_rate=1e30), 0))
    assert (failed["status"], len(small)) == ("failed", 1)
    assert "Diverged" in failed["error"]


def test_a_record_of_a_law_is_that_of_its_points():
    record = measured(LawTrial("moons", KDE(), 3, 200, 300))
    assert record["status"] == "ok", record["error"]
    law = LAWS["moons"]
    x, _ = law.sample(200, stream(3, "data"))
    test, _ = law.sample(300, stream(3, "test"))
    learnt = KDE().fit(x, stream(3, "fit"))
    above = (law.log_prob(test) - learnt.log_prob(test)).mean()
    found = record["measures"]
    assert found["above"] == pytest.approx(above)
    assert abs(found["mass"]) < 0.01
    # Without a partition function there is no effective share.
    assert found["effective"] is None
    assert record["n"] == 200


def test_the_version_of_a_trial_is_that_of_its_model_too():
    versions = {
        component_version(one)
        for one in (ImageTrial(), ImageTrial(model=ConvWGAN()), LawTrial(), LawTrial(model=KDE()))
    }
    assert len(versions) == 4
    assert component_version(ImageTrial(seed=2)) in versions
