"""A training step as a CUDA graph: the kernels of a step are launched by one call.

Steps of tiny networks are so short that a GPU waits for the host to launch their kernels. A graph
holds the kernels of the step of :mod:`bench.diagnostics.compiled`, and the host launches them all
at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from algorithms.runtime.device import device
from bench.diagnostics.compiled import Step, start, step
from bench.diagnostics.rivals import Pass, data_of
from bench.diagnostics.tasks import Work


@contextmanager
def _beside() -> Iterator[None]:
    """Queue the device's work on another stream, as captures want it."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream().wait_stream(stream)


def captured(
    take: Step, parameters: list[Tensor], memory: list[Tensor], x: Tensor, y: Tensor, rows: Tensor
) -> Pass:
    """Return a function that takes the same step again, with the values of the moment.

    The arguments are those of :func:`bench.diagnostics.compiled.step`; the step changes the
    parameters in place, and reads the positions that are then in ``rows``.
    """
    with _beside():
        for _ in range(3):
            take(parameters, memory, x, y, rows)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        take(parameters, memory, x, y, rows)
    # The graph reads and writes at the addresses of these tensors, but does not own them.
    owned = parameters, memory, x, y, rows

    def replay() -> tuple[object, ...]:
        graph.replay()
        return owned

    return replay


def plain_pass(work: Work, count: int, graph: bool) -> Pass:
    """Return one pass of replicas over whole batches, each in an order of its own.

    Arguments:
        work: The task, whose network has one hidden layer.
        count: The number of replicas.
        graph: Whether the step is a graph; otherwise its kernels are launched one by one.
    """
    x, y = data_of(work)
    parameters, memory = start(work, count, torch.Generator().manual_seed(0))
    rows = torch.zeros(count, work.batch_size, dtype=torch.int64, device=device())
    steps = work.n // work.batch_size
    arguments = parameters, memory, x, y, rows
    with torch.no_grad():
        take = captured(step, *arguments) if graph else lambda: step(*arguments)

    def run() -> None:
        with torch.no_grad():
            order = torch.rand(count, work.n, device=x.device).argsort(1)
            for batch in order[:, : steps * work.batch_size].split(work.batch_size, 1):
                rows.copy_(batch)
                take()

    return run
