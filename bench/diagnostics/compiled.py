"""A compiled training step against the engine: ``python -m bench.diagnostics.compiled``.

``torch.compile`` fuses what lies between the matrix products of a step: the lookup of points,
rectifiers, the softmax and the optimiser. The same step is written here in plain torch, for a
perceptron with one hidden layer, SGD with momentum, and R replicas in one stack. It is timed as
it is and compiled, beside the engine and beside the matrix products of the step alone, which
bound every program that consists of them. The rates of arithmetic are shares of the rate of
large matrix products in the same turn.

Compilation takes a minute for each task and needs a C++ compiler.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.functional import log_softmax

from algorithms.engine.learner import stack_size
from algorithms.erm import ERM
from algorithms.networks import MLP
from algorithms.runtime.device import device
from algorithms.runtime.threads import one_thread
from bench.core.errors import BenchError
from bench.diagnostics.rivals import data_of
from bench.diagnostics.tasks import (
    WORKS,
    Work,
    arithmetic,
    fitted_to,
    peak,
    products,
    spread,
    stacked,
    timed,
)

screen = Console(highlight=False, width=120)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

#: Perceptrons, with whole batches only. Batches of 16 are those of PartitionEnsemble's parts.
TASKS = (
    replace(WORKS["A"], n=39 * 128),
    Work("MLP 64-64-10, batches of 16", MLP((64,)), (64,), 10, 1024, 16, 4),
    Work("MLP 10-64-2, batches of 64", MLP((64,)), (10,), 2, 2048, 64, 4),
)
LEARNING_RATE, MOMENTUM = 0.05, 0.9
Step = Callable[[list[Tensor], list[Tensor], Tensor, Tensor, Tensor], Tensor]


def step(
    parameters: list[Tensor], memory: list[Tensor], x: Tensor, y: Tensor, rows: Tensor
) -> Tensor:
    """Take one step of SGD with momentum, in place, and return the losses, (R,).

    Arguments:
        parameters: Weights (R, H, d), biases (R, H, 1), weights (R, K, H), biases (R, K, 1).
        memory: The optimiser's memory, of the same shapes.
        x: All points, (n, d).
        y: All labels, (n,).
        rows: The positions of each replica's batch, (R, B).
    """
    w1, b1, w2, b2 = parameters
    points, classes = x[rows], w2.shape[1]
    hot = y[rows][:, None] == torch.arange(classes, device=y.device)[:, None]
    active = torch.baddbmm(b1, w1, points.transpose(1, 2)).relu()
    logs = log_softmax(torch.baddbmm(b2, w2, active), 1)
    size = rows.shape[1]
    slopes = (logs.exp() - hot.float()) / size
    inner = torch.bmm(w2.transpose(1, 2), slopes) * (active > 0)
    gradients = (
        torch.bmm(inner, points),
        inner.sum(2, keepdim=True),
        torch.bmm(slopes, active.transpose(1, 2)),
        slopes.sum(2, keepdim=True),
    )
    for p, v, g in zip(parameters, memory, gradients, strict=True):
        v.mul_(MOMENTUM).add_(g)
        p.sub_(v, alpha=LEARNING_RATE)
    return -(logs * hot).sum((1, 2)) / size


def start(work: Work, count: int, generator: torch.Generator) -> tuple[list[Tensor], list[Tensor]]:
    """Return random parameters of replicas and an empty memory, each (R, ...).

    Arguments:
        work: The task, whose network has one hidden layer.
        count: The number of replicas R.
        generator: The generator of randomness.
    """
    shapes = [p.shape for p in work.network.parameters(work.points, work.classes)]
    drawn = [torch.randn(count, *shape, generator=generator) / 8 for shape in shapes]
    parameters = [p.to(device()) for p in drawn]
    return parameters, [torch.zeros_like(p) for p in parameters]


def trained(work: Work, count: int, take: Step) -> list[Tensor]:
    """Return the parameters of replicas after one pass over the samples.

    Arguments:
        work: The task, whose network has one hidden layer.
        count: The number of replicas R.
        take: The step.
    """
    generator = torch.Generator().manual_seed(0)
    x, y = data_of(work)
    parameters, memory = start(work, count, generator)
    order = torch.stack([torch.randperm(work.n, generator=generator) for _ in range(count)])
    for rows in order.split(work.batch_size, 1):
        take(parameters, memory, x, y, rows.contiguous())
    return parameters


def turns(work: Work, rounds: int) -> Iterator[tuple[float, ...]]:
    """Yield the shares of the limit of the engine, the step, the compiled step and the products.

    Arguments:
        work: The task.
        rounds: The number of turns.

    Raises:
        BenchError: If the compiled step trains other networks than the step itself.
    """
    learner = fitted_to(work, ERM())
    count, sums = stack_size(learner, work.sample()), arithmetic(work)
    compiled: Step = torch.compile(step)
    ours, theirs = (trained(work, count, take) for take in (step, compiled))
    if not all(torch.allclose(a, b, atol=1e-4) for a, b in zip(ours, theirs, strict=True)):
        raise BenchError(f"{work.name}: the compiled step trains other networks")
    stacked(work, learner)
    for _ in range(rounds):
        ways = [timed(partial(trained, work, count, take)) / count for take in (step, compiled)]
        seconds = (stacked(work, learner), *ways, products(work, count))
        limit = peak()
        yield tuple(sums / s / limit for s in seconds)


@app.command()
def main(
    rounds: Annotated[int, typer.Option(min=1, help="The number of turns of each task.")] = 7,
) -> None:
    """Print which share of the rate of large matrix products training reaches."""
    if not (shutil.which("g++") or shutil.which("clang++")):
        screen.print("error: torch.compile needs a C++ compiler: install g++ or clang++")
        raise typer.Exit(2)
    table = Table("one pass", "engine", "plain step", "compiled step", "gain", "products alone")
    try:
        with one_thread(), torch.no_grad():
            for work in TASKS:
                engine, plain, compiled, alone = zip(*turns(work, rounds), strict=True)
                gains = [c / e for e, c in zip(engine, compiled, strict=True)]
                columns = (engine, plain, compiled, gains, alone)
                table.add_row(work.name, *(spread(column) for column in columns))
    except BenchError as error:
        screen.print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    screen.print(table)


if __name__ == "__main__":
    app()
