"""Comparisons with other ways to train: that both sides do the same work."""

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from algorithms.density.flow import Flow
from algorithms.networks import MLP, ConvNet, Linear
from algorithms.runtime.paths import Absent
from bench.diagnostics import race, rivals
from bench.diagnostics.race import Comparison, comparisons
from bench.diagnostics.tasks import Work, module

WORKS = {
    "MLP": Work("MLP", MLP((4,)), (3,), 2, 60, 16, 2),
    "linear": Work("linear", Linear(), (3,), 2, 60, 16, 2),
    "conv net": Work("conv net", ConvNet((2,)), (1, 4, 4), 2, 60, 16, 2),
}


@pytest.mark.parametrize("work", WORKS.values(), ids=WORKS.keys())
def test_an_ensemble_by_vmap_goes_where_single_loops_go(work, monkeypatch):
    """In one order of the samples, each network takes the steps of torch's own optimiser."""
    torch.manual_seed(0)
    nets = [module(work) for _ in range(2)]
    singles = [module(work) for _ in range(2)]
    for net, single in zip(nets, singles, strict=True):
        single.load_state_dict(net.state_dict())
    # The ensemble owns its parameters: they are read from where its stack is made.
    stacks = []

    def stacked(nets):
        parameters, buffers = torch.func.stack_module_state(nets)
        stacks.append({name: p.detach() for name, p in parameters.items()})
        return stacks[0], buffers

    made = iter(nets)
    monkeypatch.setattr(rivals, "module", lambda work: next(made))
    monkeypatch.setattr(rivals, "stack_module_state", stacked)
    order = torch.arange(work.n)
    run = rivals.vmap_ensemble(work, 2)
    monkeypatch.setattr(torch, "rand", lambda *shape, **_: order.expand(2, -1) / work.n)
    run()
    x, y = rivals.data_of(work)
    for r, single in enumerate(singles):
        steps = torch.optim.SGD(single.parameters(), rivals.RATE, rivals.MOMENTUM)
        for batch in order.split(work.batch_size):
            steps.zero_grad()
            torch.nn.functional.cross_entropy(single(x[batch]), y[batch]).backward()
            steps.step()
        for name, p in single.named_parameters():
            np.testing.assert_allclose(stacks[0][name][r], p.detach(), atol=1e-6)


def test_a_method_whose_library_is_missing_has_no_ratios():
    def absent():
        raise Absent("DPSGD needs the library dp_accounting")

    assert Comparison("A", "DPSGD", "a loop", absent, lambda: 1.0).ratios(2) == []
    assert Comparison("A", "DPSGD", "Opacus", lambda: 1.0, None).ratios(2) == []


def test_all_ways_train():
    work = WORKS["MLP"]
    for run in (
        rivals.tensor_loop(work),
        rivals.private_loop(work),
        rivals.sgd_classifier(work),
        rivals.zuko_loop(np.zeros((20, 2)), Flow(steps=2, hidden=(4,), batch_size=8)),
    ):
        run()


def test_a_library_that_is_not_installed_is_no_error():
    assert race._installed("no_such_library", lambda: pytest.fail("it is made")) is None
    assert Comparison("work", "ERM", "rival", float, None).ratios(3) == []


def test_sides_take_turns():
    turns = []

    def side(name, seconds):
        return lambda: turns.append(name) or seconds

    found = Comparison("work", "ERM", "rival", side("ours", 2.0), side("theirs", 3.0)).ratios(2)
    assert found == [1.5, 1.5]
    assert sorted(turns) == ["ours"] * 3 + ["theirs"] * 3
    assert turns[2:4] in (["ours", "theirs"], ["theirs", "ours"])


def test_each_method_meets_each_kind_of_rival():
    names = [(one.work[:1], one.method, one.rival.partition(",")[0]) for one in comparisons()]
    assert len(set(names)) == len(names)
    methods = {method for _, method, _ in names}
    assert methods == {"ERM", "CVaRDRO", "JTT", "DPSGD", "Flow"}
    for key in "ABCDE":
        assert {r for k, _, r in names if k == key} >= {"data loader", "torch.func.vmap"}


def test_a_table_a_task_is_printed(monkeypatch):
    made = [
        Comparison("A", "ERM", "a loop", lambda: 1.0, lambda: 3.0),
        Comparison("A", "JTT", "a loop", lambda: 1.0, lambda: 2.0),
        Comparison("B", "ERM", "a library", lambda: 1.0, None),
    ]
    monkeypatch.setattr(race, "comparisons", lambda: iter(made))
    said = CliRunner().invoke(race.app, ["--rounds", "1"])
    assert said.exit_code == 0
    first, second = said.output.split("B, one pass")
    assert "A, one pass" in first
    assert "3 [3, 3]" in first
    assert "JTT" in first
    assert "not installed" in second


def test_a_device_that_is_not_there_is_refused():
    said = CliRunner().invoke(race.app, ["--device", "cdua"])
    assert said.exit_code == 2
    assert "there is no device 'cdua'" in said.output
