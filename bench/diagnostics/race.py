"""The engine against other ways to train: ``python -m bench.diagnostics.race``.

The rivals are loops over batches in plain torch, ensembles by ``torch.func.vmap`` and
``functional_call``, scikit-learn, Opacus for DP-SGD and zuko's own loop for flows. Both sides of a
comparison take turns in one process on one thread, and do the same number of passes over the same
data, with the same sizes of batches. A number is the median of the ratios of the turns, with
their range.
"""

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from torch import Tensor

from algorithms.cvar_dro import CVaRDRO
from algorithms.density.flow import Flow
from algorithms.dpsgd import DPSGD
from algorithms.engine.learner import stack_size
from algorithms.erm import ERM
from algorithms.jtt import JTT
from algorithms.networks import Linear
from algorithms.runtime.paths import Absent
from algorithms.runtime.threads import one_thread
from bench.core.errors import BenchError
from bench.diagnostics.rivals import (
    Pass,
    loader_loop,
    opacus_loop,
    private_loop,
    sgd_classifier,
    sklearn_pass,
    tensor_loop,
    vmap_ensemble,
    zuko_loop,
)
from bench.diagnostics.tasks import (
    WORKS,
    Work,
    fitted_to,
    module,
    on,
    spread,
    stacked,
    timed,
)
from bench.records.manifest import check_device

screen = Console(highlight=False, width=120)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

LINEAR = Work("logistic regression, 64-10", Linear(), (64,), 10, 5000, 128, 4)
#: The steps and the points of a flow's training.
FLOW_STEPS, FLOW_POINTS = 20, 2000
#: Seconds of a pass over the data of one network.
Timing = Callable[[], float]


@dataclass(frozen=True)
class Comparison:
    """A method of the engine, and another way to train the same.

    Arguments:
        work: The name of the task.
        method: The name of the method.
        rival: The name of the other way.
        ours: Its seconds by the engine.
        theirs: Its seconds by the other way; None where its library is not installed.
    """

    work: str
    method: str
    rival: str
    ours: Timing
    theirs: Timing | None

    def ratios(self, rounds: int) -> list[float]:
        """Return how many times as long the rival takes, in each of some turns.

        There are none where a library of either side is not installed.
        """
        if self.theirs is None:
            return []
        try:
            self.ours(), self.theirs()  # what runs first takes longer
        except Absent:
            return []
        return [self.theirs() / self.ours() for _ in range(rounds)]


def _loop(run: Pass, passes: float = 1.0) -> Timing:
    return lambda: timed(run) * passes


def _against_loops(key: str, work: Work) -> Iterator[Comparison]:
    """Yield ERM on a task against plain loops and an ensemble by ``torch.func``."""
    learner = fitted_to(work, ERM())
    name, count = f"{key}: {work.name}", stack_size(learner, work.sample())

    def ours() -> float:
        return stacked(work, learner)

    yield Comparison(
        name, "ERM", "data loader, module, SGD", ours, lambda: loader_loop(work, module(work))
    )
    yield Comparison(name, "ERM", "indexed tensors, module, SGD", ours, _loop(tensor_loop(work)))
    ensemble = _loop(vmap_ensemble(work, count), 1 / count)
    yield Comparison(name, "ERM", f"torch.func.vmap, networks: {count}", ours, ensemble)
    if key == "A":
        rival = "scikit-learn, MLPClassifier"
        yield Comparison(name, "ERM", rival, ours, lambda: sklearn_pass(work))
    if work is LINEAR:
        rival = "scikit-learn, SGDClassifier"
        yield Comparison(name, "ERM", rival, ours, _loop(sgd_classifier(work)))


def _reweighting() -> Iterator[Comparison]:
    """Yield re-weighting learners and DP-SGD on task A against loops."""
    work = WORKS["A"]
    name, level = f"A: {work.name}", 0.1
    cvar = fitted_to(work, CVaRDRO(level=level))

    def worst(losses: Tensor) -> Tensor:
        return losses.topk(max(1, round(level * len(losses)))).values.mean()

    loop = "indexed tensors, module, SGD"
    yield Comparison(
        name, "CVaRDRO", loop, lambda: stacked(work, cvar), _loop(tensor_loop(work, worst))
    )
    jtt = fitted_to(work, JTT())
    # Time a pass of the second training: the first one adds its own passes on both sides.
    passes = 1 + jtt.first / work.epochs  # type: ignore[attr-defined]
    yield Comparison(
        name, "JTT", loop, lambda: stacked(work, jtt), _loop(tensor_loop(work), passes)
    )
    private = fitted_to(work, DPSGD())

    def ours() -> float:
        return stacked(work, private)

    yield Comparison(
        name, "DPSGD", "torch.func, vmap over samples", ours, _loop(private_loop(work))
    )
    yield Comparison(
        name, "DPSGD", "Opacus", ours, _installed("opacus", lambda: opacus_loop(work))
    )


def _flows() -> Iterator[Comparison]:
    """Yield flows against zuko's loop."""
    points = np.random.default_rng(0).standard_normal((FLOW_POINTS, 2))
    flow = Flow(steps=FLOW_STEPS)

    def ours() -> float:
        return timed(lambda: flow.fit(points, np.random.default_rng(0)))

    theirs = _installed("zuko", lambda: zuko_loop(points, flow))
    yield Comparison("spline flow in a plane", "Flow", "zuko, its own loop", ours, theirs)


def _installed(library: str, make: Callable[[], Pass]) -> Timing | None:
    """Return the timing of a rival; None where its library is not installed."""
    return _loop(make()) if importlib.util.find_spec(library) else None


def comparisons() -> Iterator[Comparison]:
    """Yield all comparisons."""
    for key, work in {**WORKS, "E": LINEAR}.items():
        yield from _against_loops(key, work)
    yield from _reweighting()
    yield from _flows()


@app.command()
def main(
    rounds: Annotated[
        int, typer.Option(min=1, help="The number of turns of each comparison.")
    ] = 5,
    device: Annotated[str, typer.Option(help="cpu, or a GPU such as cuda.")] = "cpu",
) -> None:
    """Print how many times as long other ways of training take; scikit-learn's are on the CPU."""
    try:
        with on(device):
            check_device()
    except BenchError as error:
        screen.print(f"error: {error}", markup=False)
        raise typer.Exit(2) from None
    with one_thread(), on(device):
        # A table a task, printed as soon as it is there.
        for work, group in groupby(comparisons(), key=lambda one: one.work):
            table = Table("method", "against", "times faster", title=f"{work}, one pass")
            for one in group:
                ratios = one.ratios(rounds)
                found = spread(ratios) if ratios else "not installed"
                table.add_row(one.method, one.rival, found)
            screen.print(table)


if __name__ == "__main__":
    app()
