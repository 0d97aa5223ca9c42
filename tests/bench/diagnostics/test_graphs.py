"""A training step as a CUDA graph, beside the same step without one."""

import pytest
import torch

from algorithms.networks import MLP
from bench.diagnostics.compiled import start, step
from bench.diagnostics.graphs import captured, plain_pass
from bench.diagnostics.rivals import data_of
from bench.diagnostics.tasks import Work, on

WORK = Work("MLP", MLP((4,)), (3,), 3, 40, 16, 1)


def test_a_pass_takes_whole_batches_in_an_order_of_each_replica(monkeypatch):
    taken = []
    monkeypatch.setattr(
        "bench.diagnostics.graphs.step", lambda *arguments: taken.append(arguments[-1].clone())
    )
    plain_pass(WORK, 2, graph=False)()
    assert [rows.shape for rows in taken] == [(2, 16), (2, 16)]
    visited = torch.cat(taken, 1)
    assert all(len(set(rows.tolist())) == 32 for rows in visited)
    assert not torch.equal(visited[0], visited[1])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_graph_takes_the_step_that_it_holds():
    with on("cuda"), torch.no_grad():
        x, y = data_of(WORK)
        rows = torch.arange(32, device="cuda").view(2, 16)
        usual, held = (start(WORK, 2, torch.Generator().manual_seed(0)) for _ in range(2))
        # Three steps are taken before the capture.
        replay = captured(step, *held, x, y, rows)
        for _ in range(5):
            replay()
        for _ in range(8):
            step(*usual, x, y, rows)
    torch.testing.assert_close(held[0], usual[0], atol=1e-5, rtol=1e-4)
