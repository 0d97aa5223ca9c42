"""Fixtures of the learners' tests."""

from functools import partial

import pytest
import torch

from algorithms.engine.loop import train


@pytest.fixture
def double_precision(monkeypatch):
    """All training of gradient learners in double precision."""
    monkeypatch.setattr("algorithms.engine.learner.train", partial(train, dtype=torch.float64))
