"""The checks of a GPU, rehearsed on the processor."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from algorithms.density.images.conv_meg import ConvMEG
from algorithms.density.kde import KDE
from algorithms.ensemble import Ensemble
from algorithms.erm import ERM
from algorithms.jtt import JTT
from algorithms.runtime.paths import Absent
from bench.diagnostics import gpu
from bench.diagnostics.host_waits import waits
from bench.diagnostics.tasks import Work
from tests.helpers.fake_device import accelerator

TINY = Work("MLP 3-4-2", gpu.WORKS["B"].network, (3,), 2, 40, 10, 1)


def test_nested_components_have_short_trainings():
    assert gpu.shortened(ERM(epochs=100)) == ERM(epochs=3)
    assert gpu.shortened(Ensemble(base=ERM(epochs=9))).base == ERM(epochs=3)
    assert gpu.shortened(ERM(epochs=2)) == ERM(epochs=2)


def test_all_that_trains_networks_is_checked():
    found = gpu.components()
    assert {"ERM", "JTT", "Ensemble", "LED", "KDE", "ConvLED", "ConvWGAN"} <= set(found)
    assert not {"KNN", "RandomForest"} & set(found)


TINY_IMAGES = ConvMEG(latent=2, channels=2, steps=2, batch_size=4)


@pytest.mark.parametrize(
    "component", [JTT(epochs=2), KDE(), TINY_IMAGES], ids=["JTT", "KDE", "ConvMEG"]
)
def test_a_rehearsal_compares_results_with_themselves(component):
    assert gpu.difference(component, "cpu") == 0


def test_results_of_another_device_are_compared():
    """The stand-in for a device computes the same; a change of its results is found."""
    learner = ERM(epochs=2)
    with accelerator():
        assert gpu.difference(learner, "meta") == 0
        assert gpu.difference(TINY_IMAGES, "meta") == 0
    answers = gpu.answers
    calls = []

    def changed(component):
        calls.append(component)
        return answers(component) + 0.5 * (len(calls) == 2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu, "answers", changed)
        assert gpu.difference(learner, "cpu") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("read", "count"),
    [
        (lambda t: float(t.sum()), 1),
        (lambda t: t.tolist(), 1),
        (lambda t: t.numpy(), 1),
        (lambda t: bool((t > 1).any()), 1),
        (lambda t: t[t > 1], 1),
        (lambda t: t.nonzero(), 1),
        (lambda t: t[torch.tensor([0, 1])] + t.sum() * 2, 0),
        (lambda t: torch.where(t > 1, t, 0), 0),
    ],
)
def test_reads_of_values_are_counted(read, count):
    tensor = torch.arange(3.0)
    assert sum(waits(lambda: read(tensor), "cpu").values()) == count


def test_waits_of_an_epoch_have_their_places():
    two, three = (waits(gpu.epoch_of(TINY, 2, epochs), "cpu") for epochs in (2, 3))
    found = three - two
    assert found
    assert all(where.startswith("algorithms/engine/") for where in found)
    # Per page of batches and per epoch, but not per step.
    assert max(found.values()) <= 2
    assert sum(found.values()) == sum((two - waits(gpu.epoch_of(TINY, 2, 1), "cpu")).values())


def test_rates_are_those_of_all_ways(monkeypatch):
    # Each measured call takes two seconds by this clock.
    monkeypatch.setattr(gpu, "timed", lambda run: 2.0)
    found = dict(gpu.rates(TINY, "cpu", (2, 4)))
    assert found == {
        "plain loop": 0.5,
        "torch.func.vmap, 2": 1.0,
        "engine, 2": 1.0,
        "engine, 4": 2.0,
        "plain step, 2": 1.0,
        "plain step, 4": 2.0,
    }


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--device cdua", "there is no device 'cdua'"),
        ("--device cpu --stacks many", "written like 64,256"),
    ],
)
def test_what_is_not_there_is_refused(words, says):
    said = CliRunner().invoke(gpu.app, words.split())
    assert said.exit_code == 2
    assert says in said.output


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_command_says_how_to_rehearse():
    said = CliRunner().invoke(gpu.app, [])
    assert said.exit_code == 2
    assert "finds no GPU here" in said.output
    assert "--device cpu" in said.output


def test_a_difference_ends_the_command_with_one(monkeypatch):
    monkeypatch.setattr(gpu, "components", lambda: {"ERM": ERM(epochs=1)})
    monkeypatch.setattr(gpu, "WORKS", {"A": replace(TINY, batch_size=TINY.n)})
    monkeypatch.setattr(gpu, "DENSITY_STEPS", 1)
    monkeypatch.setattr(gpu, "DENSITY_POINTS", 50)
    assert CliRunner().invoke(gpu.app, ["--device", "cpu", "--stacks", "2"]).exit_code == 0
    for part in ("show_waits", "show_rates", "show_densities"):
        monkeypatch.setattr(gpu, part, lambda *_: None)
    numbers = iter(np.arange(2.0))
    monkeypatch.setattr(gpu, "answers", lambda component: np.full(3, next(numbers)))
    assert CliRunner().invoke(gpu.app, ["--device", "cpu", "--stacks", "2"]).exit_code == 1


def test_a_component_whose_files_are_missing_is_not_checked(monkeypatch, capsys):
    def answers(component):
        raise Absent("the encoder is not at hand")

    monkeypatch.setattr(gpu, "components", lambda: {"Finetune": ERM(epochs=1)})
    monkeypatch.setattr(gpu, "answers", answers)
    assert gpu.show_agreement("cpu")
    assert "not checked: the encoder is not at hand" in capsys.readouterr().out
