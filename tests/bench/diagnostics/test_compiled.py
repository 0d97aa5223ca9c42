"""The training step that is compiled: that it is torch's own SGD on each replica."""

import pytest
import torch
import typer
from torch import nn

from algorithms.networks import MLP
from bench.diagnostics import compiled
from bench.diagnostics.tasks import Work

WORK = Work("MLP", MLP((4,)), (3,), 3, 32, 16, 1)


def test_a_step_is_that_of_torchs_own_optimiser():
    start = [torch.randn(2, *shape) for shape in ((4, 3), (4, 1), (3, 4), (3, 1))]
    parameters, memory = [p.clone() for p in start], [torch.zeros_like(p) for p in start]
    sample = WORK.sample()
    x, y = torch.from_numpy(sample.x), torch.from_numpy(sample.y)
    batches = [torch.randint(32, (2, 16)) for _ in range(3)]
    losses = [compiled.step(parameters, memory, x, y, rows) for rows in batches]
    for r in range(2):
        net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3))
        with torch.no_grad():
            for p, value in zip(net.parameters(), start, strict=True):
                p.copy_(value[r].reshape(p.shape))
        optimiser = torch.optim.SGD(
            net.parameters(), compiled.LEARNING_RATE, momentum=compiled.MOMENTUM
        )
        for rows, loss in zip(batches, losses, strict=True):
            optimiser.zero_grad()
            theirs = nn.functional.cross_entropy(net(x[rows[r]]), y[rows[r]])
            theirs.backward()
            optimiser.step()
            torch.testing.assert_close(loss[r], theirs.detach())
        for p, value in zip(net.parameters(), parameters, strict=True):
            torch.testing.assert_close(value[r].reshape(p.shape), p.detach())


def test_turns_give_four_shares(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda step: step)
    (shares,) = compiled.turns(WORK, 1)
    assert len(shares) == 4
    assert all(0 < share < 1 for share in shares)


def test_a_missing_compiler_is_said(monkeypatch, capsys):
    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
    with pytest.raises(typer.Exit) as stop:
        compiled.main(1)
    assert stop.value.exit_code == 2
    assert "install g++" in capsys.readouterr().out
