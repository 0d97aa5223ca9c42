r"""Cost as work grows: ``python -m bench.diagnostics.growth``.

Time and memory are measured at rising sizes of each axis: trials, learners, replicas in a stack,
rows, and columns. The costs at the larger half of the sizes are fitted by a power law,

.. math:: \log t = p \log x + c,

whose exponent p is printed with the range of the slopes between neighbouring sizes. The power law
says at which size the memory of this machine, or a day of one core, is used up.
"""

import contextlib
import ctypes
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import psutil
import typer
from rich.console import Console
from rich.table import Table

from algorithms.erm import ERM
from algorithms.networks import MLP
from algorithms.runtime.threads import one_thread
from bench.datasets.synthetic.gaussians import Gaussians
from bench.diagnostics.scale import trivial
from bench.diagnostics.tasks import WORKS
from bench.execution.sweep import Todo, plan
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.records.store import Store
from bench.spec.grid import Grid, Part
from collectives.planting import FeatureLabel

screen = Console(highlight=False, width=120)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

#: A day of one core, in seconds.
DAY = 86_400.0
STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Cost(NamedTuple):
    """The cost of some work.

    Arguments:
        seconds: Processor time.
        megabytes: The peak of the memory above that before; NaN where it cannot be measured.
    """

    seconds: float
    megabytes: float


def _memory(field: str) -> float:
    """Return a field of this process's memory, such as "VmHWM", in megabytes."""
    line = next(l for l in STATUS.read_text().splitlines() if l.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


def cost(run: Callable[[], object]) -> Cost:
    """Measure a call.

    Arguments:
        run: The call.
    """
    with contextlib.suppress(OSError, AttributeError):
        # Memory that earlier work freed, but that the process keeps, would hide new use.
        ctypes.CDLL(None).malloc_trim(0)
    try:
        REFERENCES.write_text("5")  # the peak starts again from the memory of now
        before = _memory("VmRSS")
    except OSError:
        before = float("nan")
    started = time.process_time()
    run()
    seconds = time.process_time() - started
    return Cost(seconds, _memory("VmHWM") - before if before == before else before)


class Growth(NamedTuple):
    """A power law of costs.

    Arguments:
        exponent: The exponent p.
        least: The smallest slope between neighbouring sizes.
        most: The largest one.
        factor: The cost at size 1 by the law.
    """

    exponent: float
    least: float
    most: float
    factor: float

    def size_at(self, budget: float) -> float:
        """Return the size at which the cost is a budget; infinity if it hardly grows."""
        if not self.exponent > 0.01:
            return float("inf")
        return float((budget / self.factor) ** (1 / self.exponent))


def fitted(sizes: Sequence[float], costs: Sequence[float]) -> Growth | None:
    """Fit a power law to the larger half of the sizes, at least two; None without two costs.

    Arguments:
        sizes: Rising sizes.
        costs: Their costs. Those that are not positive are left out.

    Example:
        >>> law = fitted([1, 10, 100], [2.0, 20.0, 200.0])
        >>> round(law.exponent, 6), round(law.size_at(2000.0))
        (1.0, 1000)
    """
    points = [(s, c) for s, c in zip(sizes, costs, strict=True) if c > 0]
    if len(points) < 2:
        return None
    x, y = np.log(np.array(points[-max(2, len(points) // 2 + 1) :])).T
    slope, start = np.polyfit(x, y, 1)
    slopes = np.diff(y) / np.diff(x)
    return Growth(float(slope), float(slopes.min()), float(slopes.max()), float(np.exp(start)))


# ---- work -----------------------------------------------------------------------------------


def store_trials(count: int) -> None:
    """Plan a grid of trivial trials, commit a record for each of them, and read all records."""
    grid = trivial(count)
    plan(grid.trials(), Todo({}))
    with tempfile.TemporaryDirectory() as folder:
        with Store(folder) as store:
            rows = [record_of(t) for t in grid.trials()]
            for start in range(0, count, 50):
                store.commit(rows[start : start + 50])
        Store(folder).frame()


def record_of(trial: Trial) -> dict[str, object]:
    """Return a made-up record of a trial."""
    return {
        **trial.key._asdict(),
        "status": "ok",
        "error": None,
        "success": 0.5,
        "code": "1a2b3c4d",
        "seconds": 0.001,
    }


def plan_learners(count: int) -> None:
    """Plan a grid with a number of learners, a hundred trials each."""
    learners = tuple(f"KNN(n_neighbors={k})" for k in range(1, count + 1))
    sizes = tuple(i / 100 for i in range(100))
    grid = Grid("learners", (Part(("Coins(n=100, n_test=100)",), learners, sizes=sizes, seeds=1),))
    plan(grid.trials(), Todo({}))


def train_replicas(count: int) -> None:
    """Train a stack of networks for one pass."""
    work = WORKS["B"]
    learner = ERM(network=work.network, batch_size=work.batch_size, epochs=1, selection="last")
    hyperparams = {name: [value] * count for name, value in learner.hyperparams().items()}
    rngs = [np.random.default_rng(r) for r in range(count)]
    learner.replicas([work.sample()] * count, rngs, hyperparams)


def run_trial(rows: int = 1000, columns: int = 20) -> None:
    """Run a trial: a network of one pass over Gaussian points."""
    data = Gaussians(n=rows, n_test=1000, dimension=columns)
    strategy = FeatureLabel(data.signal, data.label)
    learner = ERM(network=MLP((32,)), epochs=1, selection="last")
    (record,) = run_trials([Trial(data, learner, strategy, 0.01, 0)])
    assert record["status"] == "ok", record["error"]


@dataclass(frozen=True)
class Axis:
    """An axis along which work grows.

    Arguments:
        name: Its name.
        sizes: Rising sizes.
        run: Does the work of a size.
    """

    name: str
    sizes: tuple[int, ...]
    run: Callable[[int], None]

    def costs(self, longest: float) -> Iterator[tuple[int, Cost]]:
        """Yield sizes with their costs, until the next one would take too long.

        Arguments:
            longest: The most seconds for one size, at linear growth.
        """
        self.run(self.sizes[0])  # what runs first takes longer
        last = 0.0
        for before, size in zip((self.sizes[0], *self.sizes), self.sizes, strict=False):
            if last * size / before > longest:
                return
            found = cost(partial(self.run, size))
            last = found.seconds
            yield size, found


AXES = (
    Axis(
        "trials, without training", (1000, 4000, 16_000, 64_000, 256_000, 1_000_000), store_trials
    ),
    Axis("learners of a plan", (1, 4, 16, 64, 256, 1024), plan_learners),
    Axis("replicas of a stack", (1, 4, 16, 64, 256, 1024, 4096), train_replicas),
    Axis("rows, a pass", (1000, 4000, 16_000, 64_000, 256_000, 1_000_000), run_trial),
    Axis("columns, a pass", (10, 40, 160, 640, 2560), lambda d: run_trial(columns=d)),
)


def runs_out(seconds: Growth | None, megabytes: Growth | None, memory: float) -> str:
    """Return what is used up first as the size grows, and at which size.

    Arguments:
        seconds: The growth of time.
        megabytes: The growth of memory.
        memory: The memory of the machine, in megabytes.
    """
    ends = {
        "a day of one core": seconds.size_at(DAY) if seconds else float("inf"),
        f"{memory / 1024:.0f} GB": megabytes.size_at(memory) if megabytes else float("inf"),
    }
    first = min(ends, key=lambda name: ends[name])
    return f"{first}, at {ends[first]:.1g}" if np.isfinite(ends[first]) else "nothing"


def described(growth: Growth | None) -> str:
    """Return an exponent with its range as text."""
    if growth is None:
        return ""
    return f"{growth.exponent:.2f} [{growth.least:.2f}, {growth.most:.2f}]"


@app.command()
def main(
    longest: Annotated[float, typer.Option(help="The most seconds for one size.")] = 10.0,
) -> None:
    """Print the cost of work along each axis, its exponents, and what runs out first."""
    memory = psutil.virtual_memory().total / 2**20
    table = Table("axis", "to", "s", "exponent of time", "MB", "of memory", "runs out", box=None)
    with one_thread():
        for axis in AXES:
            sizes, costs = zip(*axis.costs(longest), strict=True)
            seconds = fitted(sizes, [c.seconds for c in costs])
            megabytes = fitted(sizes, [c.megabytes for c in costs])
            table.add_row(
                axis.name,
                f"{sizes[-1]:,}",
                f"{costs[-1].seconds:.2g}",
                described(seconds),
                f"{costs[-1].megabytes:.0f}",
                described(megabytes),
                runs_out(seconds, megabytes, memory),
            )
    screen.print(table)


if __name__ == "__main__":
    app()
