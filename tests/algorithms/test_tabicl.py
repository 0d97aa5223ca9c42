"""TabICL with tiny random weights: they classify nothing well, and the same way each time."""

import importlib.util

import numpy as np
import pytest
import torch

from algorithms.base import TrainingSet
from algorithms.runtime.paths import Absent
from algorithms.tabicl import TabICL
from bench.contract import checks_for

LEARNER = TabICL(checkpoint="tiny/weights.ckpt", views=2)


def problem(labels=(0, 1, 2)):
    rng = np.random.default_rng(0)
    y = rng.choice(labels, size=60)
    return TrainingSet(rng.normal(y[:, None], 0.3, size=(60, 3)).astype(np.float32), y, classes=3)


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """Write a checkpoint with random weights below a data root of its own."""
    pytest.importorskip("tabicl")
    from tabicl._model.tabicl import TabICL as Transformer

    config = {
        "embed_dim": 16,
        "col_num_blocks": 1,
        "col_nhead": 2,
        "col_num_inds": 4,
        "row_num_blocks": 1,
        "row_nhead": 2,
        "row_num_cls": 2,
        "icl_num_blocks": 1,
        "icl_nhead": 2,
    }
    torch.manual_seed(0)
    network = Transformer(**config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, 0, 0.3)
    monkeypatch.setenv("COLLECTIVE_BENCH_DATA", str(tmp_path))
    path = tmp_path / "tiny" / "weights.ckpt"
    path.parent.mkdir()
    torch.save({"config": config, "state_dict": network.state_dict()}, path)
    return path


def test_probabilities_are_those_of_the_library(checkpoint):
    from tabicl import TabICLClassifier

    sample = problem()
    fitted = LEARNER.fit(sample, np.random.default_rng(5))
    theirs = TabICLClassifier(
        n_estimators=2,
        model_path=checkpoint,
        device="cpu",
        random_state=int(np.random.default_rng(5).integers(2**31)),
    ).fit(sample.x, sample.y)
    p = fitted.predict_proba(sample.x)
    np.testing.assert_allclose(p, theirs.predict_proba(sample.x), atol=1e-6)
    assert p.std(axis=0).max() > 1e-3
    np.testing.assert_array_equal(fitted.predict(sample.x), p.argmax(axis=1))


def test_the_seed_determines_the_views(checkpoint):
    sample = problem()
    one, again, other = (
        LEARNER.fit(sample, np.random.default_rng(seed)).predict_proba(sample.x)
        for seed in (0, 0, 3)
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-4


@pytest.mark.parametrize("labels", [(0, 1), (0, 2), (2,)])
def test_labels_may_be_missing(checkpoint, labels):
    sample = problem(labels)
    p = LEARNER.fit(sample, np.random.default_rng(0)).predict_proba(sample.x)
    assert p.shape == (60, 3)
    assert p[:, list(labels)].sum(1) == pytest.approx(1)


@pytest.mark.parametrize(
    # Random weights learn nothing.
    "check",
    [check for check in checks_for(LEARNER) if check.__name__ != "beats_chance"],
    ids=lambda check: check.__name__,
)
def test_the_contract_with_a_checkpoint_that_is_there(checkpoint, check):
    check(LEARNER)


def test_a_missing_file_is_named_with_the_way_to_get_it(checkpoint):
    checkpoint.unlink()
    with pytest.raises(Absent, match=r"weights.ckpt is missing. `hf download jingang/TabICL"):
        LEARNER.files()


def test_without_the_library_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for attempt in (LEARNER.files, lambda: LEARNER.fit(problem(), np.random.default_rng(0))):
        with pytest.raises(Absent, match=r"tabicl: pip install '.*\[foundation\]'"):
            attempt()


@pytest.mark.parametrize("name", ["", "/root/a.ckpt", "../a.ckpt", "C:\\a.ckpt"])
def test_paths_of_one_machine_are_refused(name):
    with pytest.raises(ValueError, match="relative to the data root"):
        TabICL(checkpoint=name).validate()
