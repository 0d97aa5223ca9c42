"""Density models on a device: all tensors are there, and the random numbers are the same."""

import numpy as np
import pytest
import torch

from algorithms.base import TrainingSet
from algorithms.density.cnf import CNF
from algorithms.density.denoising_path import DenoisingPath
from algorithms.density.energies import SmoothMLP
from algorithms.density.fixed_proposal import FixedProposal
from algorithms.density.flow import Flow
from algorithms.density.generative import Generative
from algorithms.density.images.conv_led import ConvLED
from algorithms.density.images.conv_meg import ConvMEG
from algorithms.density.images.conv_wgan import ConvWGAN
from algorithms.density.led import LED
from algorithms.density.led_classifier import LEDClassifier
from algorithms.density.led_flow import LEDFlow, SplineFlow
from algorithms.density.maf import MAF
from algorithms.density.meg import MEG
from algorithms.density.one_way_flow import OneWayFlow
from algorithms.density.path_led import PathLED
from algorithms.density.wgan_critic import WGANCritic
from algorithms.runtime.device import VARIABLE
from tests.helpers.fake_device import Far, accelerator

SHORT = {
    "energy": SmoothMLP((4,)),
    "steps": 2,
    "batch_size": 8,
    "proposals": 12,
    "rounds": 2,
    "final": 48,
}
ONE_WAY = OneWayFlow(layers=1, bumps=2, hidden=4)
SPLINE = {"transforms": 1, "hidden": (4,)}
FLOW = Flow(steps=2, batch_size=8, **SPLINE)
VECTORS = {
    "a mixture": LED(generator=ONE_WAY, components=(1, 3), penalty=0.1, weight_decay=0.1, **SHORT),
    "LED": LED(generator=OneWayFlow(layers=2, bumps=2, hidden=4, latent=1), **SHORT),
    "FixedProposal": FixedProposal(**SHORT),
    "MEG": MEG(generator=ONE_WAY, **SHORT),
    "WGANCritic": WGANCritic(generator=ONE_WAY, **SHORT),
    "LEDFlow": LEDFlow(generator=SplineFlow(**SPLINE), **SHORT),
    "Flow": FLOW,
    "MAF": MAF(steps=2, batch_size=8, **SPLINE),
    "CNF": CNF(steps=2, batch_size=8, hidden=(4,), tolerance=1e-2),
    "PathLED": PathLED(
        generator=DenoisingPath(levels=3, hidden=4, frequencies=3, batch_size=8),
        hidden=(4,),
        frequencies=3,
        high=(3.0, 5.0),
        steps=2,
        batch_size=8,
        proposals=12,
        bank=40,
    ),
}
IMAGES = [cls(latent=2, channels=2, steps=2, batch_size=4) for cls in (ConvLED, ConvMEG, ConvWGAN)]
CLASSIFIERS = {
    "LEDClassifier": LEDClassifier(LED(generator=ONE_WAY, **SHORT)),
    "Generative": Generative(FLOW),
}


def rng(seed=0):
    return np.random.default_rng(seed)


def of_vectors(model):
    """All that a density answers, as one array."""
    x = rng().standard_normal((30, 2))
    density = model.fit(x, rng(1))
    found = [density.log_prob(x), density.sample(5, rng(2))]
    if hasattr(density, "propose"):
        found += density.propose(7, rng(3))
    if hasattr(density, "push"):
        found.append(density.push(x[:3]))
    assert all(isinstance(part, np.ndarray) for part in found)
    return density, np.concatenate([part.ravel() for part in found])


def of_images(model):
    x = rng().random((40, 8, 8)).astype(np.float32)
    density = model.fit(x, rng(1))
    found = [density.energy(x), density.log_bound(x[:3], 2, rng(2)), density.sample(3, rng(3))]
    found += [*density.propose(4, rng(4)), density.decode(rng(5).standard_normal((2, 2)))]
    assert all(isinstance(part, np.ndarray) for part in found)
    return density, np.concatenate([part.ravel() for part in found])


def tensors(value, seen=None):
    """All tensors that a density holds."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        parts = list(value.values())
    elif isinstance(value, list | tuple):
        parts = list(value)
    else:
        parts = list(getattr(value, "__dict__", {}).values())
    return [found for part in parts for found in tensors(part, seen)]


CASES = [(of_vectors, m) for m in VECTORS.values()] + [(of_images, m) for m in IMAGES]
NAMES = [*VECTORS, *(type(m).__name__ for m in IMAGES)]


@pytest.mark.parametrize(("answers", "model"), CASES, ids=NAMES)
def test_a_device_learns_the_same_and_mixes_no_tensors(answers, model, monkeypatch):
    _, here = answers(model)
    monkeypatch.setenv(VARIABLE, "meta")
    with accelerator():
        density, there = answers(model)
    np.testing.assert_array_equal(there, here)
    held = tensors(density)
    assert held
    assert all(isinstance(t, Far) for t in held)


@pytest.mark.parametrize("learner", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_classifiers_of_densities_learn_the_same_on_a_device(learner, monkeypatch):
    x = rng().standard_normal((60, 2)).astype(np.float32)
    sample = TrainingSet(x, (x[:, 0] > 0).astype(int))
    here = learner.fit(sample, rng(1)).predict_proba(x)
    monkeypatch.setenv(VARIABLE, "meta")
    with accelerator():
        there = learner.fit(sample, rng(1)).predict_proba(x)
    np.testing.assert_array_equal(there, here)


def test_a_fitted_density_answers_where_it_was_trained(monkeypatch):
    """A change of the configured device leaves what was learnt where it is."""
    monkeypatch.setenv(VARIABLE, "meta")
    x = rng().standard_normal((60, 2))
    with accelerator():
        density = FLOW.fit(x, rng(1))
        there = density.log_prob(x)
        monkeypatch.setenv(VARIABLE, "cpu")
        np.testing.assert_array_equal(density.log_prob(x), there)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
@pytest.mark.parametrize(("answers", "model"), CASES, ids=NAMES)
def test_cuda_learns_the_same_up_to_rounding(answers, model, monkeypatch):
    _, here = answers(model)
    monkeypatch.setenv(VARIABLE, "cuda")
    _, there = answers(model)
    np.testing.assert_allclose(there, here, atol=1e-3, rtol=1e-3)
