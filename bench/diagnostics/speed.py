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
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from statistics import median
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from torch import nn

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.engine.learner import GradientLearner, stack_size
from algorithms.erm import ERM
from algorithms.networks import MLP, ConvNet, Network
from algorithms.runtime.threads import one_thread
from bench.datasets.base import Dataset
from bench.datasets.synthetic.coins import Coins
from bench.execution.sweep import sweep
from bench.experiment.trial import Trial
from bench.records.store import Store
from bench.spec.registry import LEARNERS
from collectives.planting import FeatureLabel

screen = Console(highlight=False, width=120)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Work:
    """A training task.

    Arguments:
        name: The name in the table.
        network: The network.
        points: The shape of a point.
        classes: The number of labels.
        n: The number of samples.
        batch_size: Samples per step.
        epochs: Passes over the data.
    """

    name: str
    network: Network
    points: tuple[int, ...]
    classes: int
    n: int
    batch_size: int
    epochs: int

    def sample(self, seed: int = 0) -> TrainingSet:
        """Return noise of the right shape, which takes the same arithmetic as data."""
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(self.n, *self.points)).astype(np.float32)
        return TrainingSet(x, rng.integers(self.classes, size=self.n), classes=self.classes)


WORKS = {
    "A": Work("MLP 64-128-10", MLP((128,)), (64,), 10, 5000, 128, 4),
    "B": Work("MLP 20-32-2", MLP((32,)), (20,), 2, 2000, 64, 8),
    "C": Work("conv net, 8x8", ConvNet((8, 16)), (1, 8, 8), 10, 2000, 128, 2),
    "D": Work("conv net, 28x28", ConvNet((8, 16)), (1, 28, 28), 10, 1024, 128, 1),
}


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def module(work: Work, pooling: bool = False) -> nn.Sequential:
    """Build the network from torch's layers, if asked with pooling in place of stride."""
    layers: list[nn.Module] = []
    width, height = prod(work.points), 0
    if isinstance(work.network, ConvNet):
        depth, height, _ = work.points
        for channels in work.network.channels:
            layers.append(nn.Conv2d(depth, channels, 3, stride=1 if pooling else 2, padding=1))
            layers += [nn.ReLU(), *([nn.MaxPool2d(2, ceil_mode=True)] if pooling else [])]
            depth, height = channels, (height + 1) // 2
        width = depth * height**2
    elif isinstance(work.network, MLP):
        for units in work.network.hidden:
            layers += [nn.Flatten(), nn.Linear(width, units), nn.ReLU()]
            width = units
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width, work.classes))


def loader_loop(work: Work, net: nn.Module) -> float:
    """Return the seconds of one pass in the usual loop of data loader, module and optimiser."""
    sample = work.sample()
    data = torch.utils.data.TensorDataset(torch.from_numpy(sample.x), torch.from_numpy(sample.y))
    loader = torch.utils.data.DataLoader(data, work.batch_size, shuffle=True)
    steps = torch.optim.SGD(net.parameters(), 0.05, 0.9)

    def run() -> None:
        for x, y in loader:
            steps.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            steps.step()

    return timed(run)


def stacked(work: Work, learner: GradientLearner) -> float:
    """Return the seconds of one pass of one replica in a stack as wide as the cache allows."""
    sample = work.sample()
    count = stack_size(learner, sample)
    rngs = [np.random.default_rng(r) for r in range(count)]
    hyperparams = {name: [value] * count for name, value in learner.hyperparams().items()}
    return (
        timed(lambda: learner.replicas([sample] * count, rngs, hyperparams))
        / count
        / learner.epochs
    )


def fitted_to(work: Work, learner: GradientLearner) -> GradientLearner:
    """Return the learner with the network, batches and number of epochs of a task."""
    return replace(
        learner,
        network=work.network,
        batch_size=work.batch_size,
        epochs=work.epochs,
        selection="last",
    )


def arithmetic(work: Work) -> float:
    """Return the floating-point operations of the matrix products of one pass."""
    total, places, first = 0, [], True
    if isinstance(work.network, ConvNet):
        side = work.points[1]
        for _ in work.network.channels:
            side = (side + 1) // 2
            places.append(side**2)
    shapes = [
        p.shape for p in work.network.parameters(work.points, work.classes) if p.shape[1] > 1
    ]
    for shape, count in zip(shapes, [*places, *[1] * len(shapes)], strict=False):
        # Forward, gradient of the weights, and gradient of the inputs but for the first layer.
        total += (2 if first else 3) * 2 * prod(shape) * count
        first = False
    return float(total * work.n)


def products(work: Work, count: int) -> float:
    """Return the seconds of the matrix products of one pass of a replica, alone."""
    shapes = [p.shape for p in work.network.parameters(work.points, work.classes)[::2]]
    layers = [
        [
            torch.ones(count, *shape)
            for shape in ((v, w), (v, 1), (w, work.batch_size), (v, work.batch_size))
        ]
        for v, w in shapes
    ]

    def step() -> None:
        for i, (weights, biases, inputs, slopes) in enumerate(layers):
            torch.baddbmm(biases, weights, inputs)
            torch.bmm(slopes, inputs.transpose(1, 2))
            if i:
                torch.bmm(weights.transpose(1, 2), slopes)

    def run() -> None:
        for _ in range(-(-work.n // work.batch_size)):
            step()

    step()
    return timed(run) / count


def peak(seconds: float = 0.3) -> float:
    """Return the floating-point operations a second of large single-precision matrix products.

    Arguments:
        seconds: How long they run: about as long as the training in the comparison, so that a
            busy machine slows both.
    """
    a = torch.ones(1024, 1024)
    times = [timed(lambda: a @ a)]
    while sum(times) < seconds:
        times.append(timed(lambda: a @ a))
    return 2 * 1024**3 * len(times) / sum(times)


def spread(ratios: Sequence[float]) -> str:
    """Return the median and range as text."""
    return f"{median(ratios):.3g} [{min(ratios):.3g}, {max(ratios):.3g}]"


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


def sklearn_pass(work: Work) -> float:
    """Return the seconds of one pass in scikit-learn."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier
    from sklearn.utils._testing import ignore_warnings

    sample = work.sample()
    net = MLPClassifier(
        (128,), solver="sgd", batch_size=work.batch_size, max_iter=2, momentum=0.9, tol=0.0
    )
    with ignore_warnings(category=ConvergenceWarning):
        return timed(lambda: net.fit(sample.flat, sample.y)) / 2


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
