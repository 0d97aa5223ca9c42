"""Seconds of trainings."""

import time

import pytest
import torch

from algorithms.runtime.device import VARIABLE
from bench.density.clock import training_clock


def test_a_processor_counts_its_own_seconds(monkeypatch):
    monkeypatch.setenv(VARIABLE, "cpu")
    monkeypatch.setattr(time, "process_time", lambda: 3.0)
    assert training_clock() == 3.0


def test_a_gpu_counts_wall_seconds_after_its_work(monkeypatch):
    done = []
    monkeypatch.setenv(VARIABLE, "cuda:1")
    monkeypatch.setattr(torch.cuda, "synchronize", done.append)
    monkeypatch.setattr(time, "perf_counter", lambda: 5.0 if done else pytest.fail("too early"))
    assert training_clock() == 5.0
    assert done == [torch.device("cuda:1")]
