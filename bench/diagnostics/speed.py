"""Speed of the training engine and of the harness: ``python -m bench.diagnostics.speed``.

Everything runs on one thread. The sides of a comparison take turns in one process, and the
printed ratios of their times have a median and a range: a busy machine slows both sides.

The share of the limit is the rate of arithmetic in a training, relative to the rate that large
matrix products reach in the same turn. Other processes that fill the shared cache slow small
products more than large ones; so the best turn is also compared with the fastest large products
of all turns. "Products alone" is the share that an MLP's matrix products reach with nothing
between them, which bounds every engine that consists of them.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.engine.learner import stack_size
from algorithms.erm import ERM
from algorithms.networks import MLP, ConvNet
from algorithms.runtime.threads import one_thread
from bench.datasets.base import Dataset
from bench.datasets.synthetic.coins import Coins
from bench.diagnostics.rivals import loader_loop, sklearn_pass
from bench.diagnostics.tasks import (
    WORKS,
    arithmetic,
    fitted_to,
    module,
    peak,
    products,
    spread,
    stacked,
    timed,
)
from bench.execution.sweep import sweep
from bench.experiment.trial import Trial
from bench.records.store import Store
from bench.spec.registry import LEARNERS
from collectives.planting import FeatureLabel

screen = Console(highlight=False, width=120)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def engine(rounds: int) -> None:
    """Compare the engine with the usual loops."""
    table = Table(
        "work",
        "against",
        "times faster",
        "share of the limit",
        "in the best turn",
        "products alone",
        title="one pass",
    )
    for key, work in WORKS.items():
        learner = fitted_to(work, ERM())
        rivals: dict[str, Callable[[], float]] = {
            "loader, module, SGD": lambda w=work: loader_loop(w, module(w))  # type: ignore[misc]
        }
        if isinstance(work.network, ConvNet):
            rivals["the same, pooling for stride"] = lambda w=work: loader_loop(  # type: ignore[misc]
                w, module(w, pooling=True)
            )
        if key == "A":
            rivals["scikit-learn's MLPClassifier"] = lambda w=work: sklearn_pass(w)  # type: ignore[misc]
        count = stack_size(learner, work.sample())
        dense = isinstance(work.network, MLP)
        stacked(work, learner)
        turns = [
            (
                stacked(work, learner),
                peak(),
                products(work, count) if dense else float("nan"),
                *(rival() for rival in rivals.values()),
            )
            for _ in range(rounds)
        ]
        sums = arithmetic(work)
        shares = spread([sums / t[0] / t[1] for t in turns])
        best = sums / min(t[0] for t in turns) / max(t[1] for t in turns)
        alone = spread([sums / t[2] / t[1] for t in turns]) if dense else ""
        for i, name in enumerate(rivals):
            limits = ["", "", ""] if i else [shares, f"{best:.3g}", alone]
            faster = spread([t[3 + i] / t[0] for t in turns])
            table.add_row(f"{key}: {work.name}", name, faster, *limits)
    screen.print(table)


def hooks(rounds: int) -> None:
    """Measure the cost of re-weighting, on task A."""
    work = WORKS["A"]
    names = [name for name in ("CVaRDRO", "Chi2DRO", "GroupDRO", "JTT", "LfF") if name in LEARNERS]
    learners = {name: fitted_to(work, LEARNERS[name]()) for name in names}
    # Passes per network: two-stage learners make more, and learners of pairs train two at once.
    passes = dict.fromkeys(names, 1.0) | {"LfF": 2.0}
    if "JTT" in learners:
        passes["JTT"] = 1 + learners["JTT"].first / work.epochs  # type: ignore[attr-defined]
    erm = fitted_to(work, ERM())
    table = Table("on A", "time a pass and network, of ERM's", title="re-weighting")
    turns = [
        (stacked(work, erm), *(stacked(work, learners[n]) / passes[n] for n in names))
        for _ in range(rounds)
    ]
    for i, name in enumerate(names):
        table.add_row(name, spread([t[1 + i] / t[0] for t in turns]))
    screen.print(table)


@dataclass(frozen=True)
class Constant(Learner):
    """A learner that predicts a constant and takes no time."""

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Return the constant 0."""
        return Fitted(lambda x: np.zeros(len(x), dtype=np.int64))


class Unknown(Coins):
    """A dataset like :class:`Coins` whose law is not known."""

    @property
    def law(self) -> None:  # type: ignore[override]
        """None."""
        return None


def harness(trials: int) -> None:
    """Measure the cost of a trial without training, with and without bounds of a known law."""

    def milliseconds(data: Dataset) -> float:
        strategy = FeatureLabel(data.signal, data.label)
        grid = [
            Trial(data, Constant(), strategy, i / 100, seed)
            for seed in range(-(-trials // 100))
            for i in range(100)
        ][:trials]
        with tempfile.TemporaryDirectory() as folder, Store(folder) as store:
            return timed(lambda: sweep(grid, store)) / trials * 1e3

    plain, known = milliseconds(Unknown(n=100, n_test=100)), milliseconds(Coins(n=100, n_test=100))
    screen.print(
        f"harness: {plain:.3g} ms a trial, and {known:.3g} where the law is known and bounds are "
        f"computed from it, over {trials} trials each"
    )


def workers(rounds: int) -> None:
    """Measure how much a second worker gains, once both have started."""
    from bench.datasets.synthetic.gaussians import Gaussians
    from bench.execution.backends import run_chunks

    data = Gaussians(n=2000, dimension=20)
    learner = ERM(network=MLP((128,)), epochs=30, selection="last")
    strategy = FeatureLabel(data.signal, data.label)
    chunks = [
        [Trial(data, learner, strategy, 0.01, s) for s in range(8 * c, 8 * c + 8)]
        for c in range(16)
    ]

    def seconds(jobs: int) -> float:
        # The workers start during a first chunk each.
        finished = run_chunks([*chunks[:jobs], *chunks], jobs)
        for _ in range(jobs):
            next(finished)
        return timed(lambda: list(finished))

    turns = [seconds(1) / seconds(2) for _ in range(rounds)]
    screen.print(f"two workers against one: {spread(turns)} times faster")


MEMORY = """
import resource
import numpy as np
from algorithms.engine.loop import train
from algorithms.base import Rows, TrainingSet
from algorithms.networks import MLP

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def current():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20

def go(samples, count):
    rngs = [np.random.default_rng(r) for r in range(count)]
    setting = {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.0}
    hyperparams = {name: [value] * count for name, value in setting.items()}
    train(MLP((8,)), samples, rngs, hyperparams=hyperparams, epochs=1, batch_size=64)

rng = np.random.default_rng(0)
go([TrainingSet(np.zeros((256, 784)), np.arange(256) % 10)], 1)
bare = current()
pool, index = rng.random((60000, 784), dtype=np.float32), np.arange(60000)
samples = []
for r in range(64):
    members = rng.permutation(60000)[:60 * r]
    rows = Rows(pool, index).replace(members, pool[members])
    samples.append(TrainingSet(rows, rng.integers(10, size=60000), classes=10))
filled = current()
go(samples, 64)
print(pool.nbytes / 2**20, sum(s.rows.points.nbytes for s in samples) / 2**20,
      filled - bare, peak() - bare)
"""


def memory() -> None:
    """Measure the memory of a stack of 64 replicas on 60,000 points of 784 values."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    )
    data, replaced, filled, used = map(float, done.stdout.split())
    screen.print(
        f"memory, 64 replicas on 60,000 x 784 ({data:.0f} MB), members' rows {replaced:.0f} MB: "
        f"the samples take {filled:.0f} MB, training adds {used - filled:.0f} MB at its peak; "
        f"beside members' rows that is {(used - replaced) / data:.2f} datasets in all, "
        f"{(data + used - filled) / data:.2f} without the 64 lists of labels"
    )


@app.command()
def main(
    rounds: Annotated[
        int, typer.Option(min=1, help="The number of turns of each comparison.")
    ] = 7,
    trials: Annotated[
        int, typer.Option(min=100, help="The number of trials that measure the harness.")
    ] = 10_000,
) -> None:
    """Measure the engine, the re-weighting hooks, the workers, the harness and the memory."""
    with one_thread():
        screen.print(
            f"torch {torch.__version__}, one thread, {peak() / 1e9:.0f} GFLOP/s in a large product"
        )
        engine(rounds)
        hooks(rounds)
    workers(max(rounds // 2, 1))
    harness(trials)
    memory()


if __name__ == "__main__":
    app()
