"""Cost of a grid without its training: ``python -m bench.diagnostics.scale``.

It measures the time until the first trial, the memory of the parent process, and the times to
commit and to read records. From these it simulates how well 1 to 1,000 workers are used.
"""

import heapq
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from bench.execution.sweep import Todo, chunks_of, plan
from bench.records.store import Store
from bench.spec.grid import Grid, Part

screen = Console(highlight=False, width=120)
BATCH = 50


def trivial(trials: int) -> Grid:
    """Return a grid of a thousand trials a seed."""
    learners = tuple(f"KNN(n_neighbors={k})" for k in range(1, 11))
    sizes = tuple(i / 100 for i in range(100))
    return Grid(
        "trivial",
        (Part(("Coins(n=100, n_test=100)",), learners, sizes=sizes, seeds=trials // 1000),),
    ).written_out()


def megabytes() -> float:
    """Return the peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(trials: int) -> list[float]:
    """Measure a grid; the values are those of the table's columns, in their order."""
    grid, before = trivial(trials), megabytes()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        made = plan(grid.trials(), Todo({}))
        planned = time.perf_counter()
        next(chunks_of(grid.trials(), made))
        first = time.perf_counter()
        lean = megabytes() - before
        rows = (
            t.key._asdict()
            | {"status": "ok", "error": None, "members": 5, "n": 100, "code": "1a2b3c4d"}
            | dict.fromkeys(["success", "accuracy", "effective_size", "firm_loss"], t.seed / 7)
            | {"tested": 100, "seconds": 0.001, "report": {}}
            for t in grid.trials()
        )
        with Store(folder) as store:
            spent = 0.0
            while batch := [row for _, row in zip(range(BATCH), rows, strict=False)]:
                now = time.perf_counter()
                store.commit(batch)
                spent += time.perf_counter() - now
        times = []
        for _ in range(2):
            now = time.perf_counter()
            assert len(Store(folder).frame()) == trials
            times.append(time.perf_counter() - now)
        reading = megabytes() - before
        now = time.perf_counter()
        assert not plan(grid.trials(), Todo(Store(folder).have()))["left"]
        resumed = time.perf_counter() - now
        size = Path(folder, "records.jsonl").stat().st_size / 2**20
    return [
        planned - started,
        first - planned,
        lean,
        spent / trials * 1e3,
        *times,
        reading,
        resumed,
        megabytes() - before,
        size,
    ]


def efficiency(workers: int, seconds: Sequence[float], overhead: float, start: float) -> float:
    """Return the share of time in which workers train, if one parent serves all of them.

    Arguments:
        workers: The number of workers.
        seconds: The length of each chunk.
        overhead: Seconds that the parent takes to send a chunk and to commit its records.
        start: Seconds until a worker is ready.
    """
    free = [(start, w) for w in range(workers)]
    parent = last = 0.0
    for length in seconds:
        ready, worker = heapq.heappop(free)
        # The parent serves one chunk at a time.
        parent = max(parent, ready) + overhead
        last = max(last, parent + length)
        heapq.heappush(free, (parent + length, worker))
    return float(np.sum(seconds) / (workers * last))


def simulate(chunk: float, overhead: float, start: float, each: int) -> list[str]:
    """Simulate the efficiency of 1 to 1,000 workers, for chunks of lognormal lengths.

    Arguments:
        chunk: The mean length of a chunk, in seconds.
        overhead: Seconds that the parent takes for a chunk.
        start: Seconds until a worker is ready.
        each: The number of chunks per worker.
    """
    row = []
    for workers in (1, 2, 10, 100, 1000):
        rng = np.random.default_rng(0)
        lengths = chunk * rng.lognormal(-0.125, 0.5, size=each * workers)
        row.append(f"{efficiency(workers, lengths.tolist(), overhead, start):.0%}")
    return row


def main(
    trials: Annotated[
        list[int] | None, typer.Argument(help="Numbers of trials of the grids.")
    ] = None,
    alone: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Measure grids of trivial trials, each in a process of its own, and simulate workers."""
    if alone and trials:
        print(*measure(trials[0]))
        return
    table = Table(
        "trials",
        "plan, s",
        "first chunk, s",
        "MB then",
        "commit, ms a record",
        "first frame, s",
        "frame, s",
        "MB then",
        "resume, s",
        "MB then",
        "file, MB",
        box=None,
    )
    for n in trials or [1000, 100_000, 1_000_000]:
        words = [sys.executable, "-m", "bench.diagnostics.scale", "--alone", str(n)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        table.add_row(
            f"{n:,}",
            *[
                f"{float(x):.2g}" if float(x) < 10 else f"{float(x):.0f}"
                for x in done.stdout.split()
            ],
        )
    screen.print(table)
    view = Table("chunk", *map("{:,} workers".format, (1, 2, 10, 100, 1000)), box=None)
    for chunk in (1.0, 10.0, 100.0):
        view.add_row(f"{chunk:g} s", *simulate(chunk, 0.01, 5.0, 50))
    screen.print(view)


if __name__ == "__main__":
    typer.run(main)
