"""Execution of a grid into the folder of a run, with its description and progress."""

import importlib
import pkgutil
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.cli.options import processes
from bench.cli.shared import description_of, notes
from bench.core.plugin_files import installed_plugins

if TYPE_CHECKING:
    import pandas as pd

    from bench.execution.guard import Limits
    from bench.execution.sweep import Plan
    from bench.execution.sweep import Progress as SweepProgress
    from bench.experiment.trial import Key
    from bench.records.lines import Have
    from bench.records.store import Store
    from bench.spec.grid import Grid
    from bench.spec.shard import Shard

#: A function of the number of trials to run. Its context's value is called with the progress.
ProgressBar = Callable[[int], AbstractContextManager[Callable[["SweepProgress"], None]]]


@dataclass(frozen=True)
class Settings:
    """Settings of an execution; none of them changes a record.

    Arguments:
        folder: Folder of the run.
        limits: Limits of each trial.
        jobs: Number of worker processes; None stands for one per core, 0 for this process.
        shard: Share of the grid to run; the whole grid if None.
        scheduler: Address of a Dask scheduler whose workers run the trials; local if None.
        retry_failed: Whether failed trials are run again.
        rerun_stale: Whether trials are run again whose code has changed since.
        chunk: Number of trials that are trained at a time; the learner decides if None.
    """

    folder: Path
    limits: "Limits"
    jobs: int | None = None
    shard: "Shard | None" = None
    scheduler: str | None = None
    retry_failed: bool = False
    rerun_stale: bool = False
    chunk: int | None = None

    @property
    def workers(self) -> int:
        """The number of worker processes."""
        return processes(self.jobs)

    def plan(self, grid: "Grid", have: "Mapping[Key, Have]") -> "Plan":
        """Return which trials of a grid are to be run, where those in ``have`` have records."""
        from bench.execution import sweep

        todo = sweep.Todo(have, self.retry_failed, self.rerun_stale)
        return sweep.plan(grid.trials(self.shard), todo, self.chunk)


def execute(
    grid: "Grid",
    settings: Settings,
    about: Mapping[str, Any] | None = None,
    start: "tuple[pd.DataFrame, dict[str, Any]] | None" = None,
    progress_bar: "ProgressBar | None" = None,
) -> tuple["SweepProgress", int]:
    """Run the trials of a grid that a folder lacks.

    Arguments:
        grid: Grid with all specs written out.
        settings: Where and how it is run.
        about: Further entries of the run's description.
        start: Published records that are put into the folder before, with their description.
        progress_bar: Shows the progress; a bar on stderr if None.

    Returns:
        The progress in the end, and how many trials the whole grid has.
    """
    from bench.execution import sweep
    from bench.execution.backends import run_on_dask
    from bench.records import manifest
    from bench.records.adoption import adopt
    from bench.records.store import Store

    folder, limits, scheduler = settings.folder, settings.limits, settings.scheduler
    environment = manifest.environment()
    _import_results()
    with Store(folder) as store, _interrupted_by_sigterm():
        if start is not None:
            count = adopt(*start, grid.trials(settings.shard), store)
            notes.print(f"{count} published records were put into {folder}")
        todo = sweep.Todo(store.have(), settings.retry_failed, settings.rerun_stale)
        plan = settings.plan(grid, todo.have)
        _announce(grid, settings, store, plan)
        # The figures of a shard say that the grid has more trials.
        total = plan["trials"] if settings.shard is None else grid.count()
        dask = partial(run_on_dask, scheduler=scheduler, limits=limits) if scheduler else None
        trials = (trial for trial in grid.trials(settings.shard) if trial in todo)
        description = _description(grid, settings, plan) | {"trials": total} | environment
        description |= about or {}
        bar = (progress_bar or terminal_bar)(plan["left"])
        try:
            with _described(folder, description), bar as watch:
                progress = sweep.sweep(
                    trials, store, settings.workers, watch, planned=plan, limits=limits, run=dask
                )
        except KeyboardInterrupt:
            now = sweep.plan(grid.trials(settings.shard), sweep.Todo(store.have()))
            notes.print(
                f"interrupted: {now['done']} of {plan['trials']} trials are in {folder}; "
                f"the same command goes on from there"
            )
            raise
    return progress, total


def _import_results() -> None:
    """Import all modules that read records.

    A run may take days. It ends with the code with which it began, even if the files of the
    project have changed since.
    """
    for name in ("stats", "plots", "report"):
        package = importlib.import_module(f"results.{name}")
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """End the block at SIGTERM as at Ctrl-C; only the main thread can arrange that."""

    def interrupt(*_: object) -> None:
        # A signal SIGINT would not do: a process in the background may ignore it.
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def _announce(grid: "Grid", settings: Settings, store: "Store", plan: "Plan") -> None:
    """Print what a run is going to do."""
    if store.damaged:
        notes.print(
            f"set aside damaged records ({', '.join(store.damaged)}) in "
            f"{settings.folder / 'damaged.jsonl'}; they are run again"
        )
    if plan["stale"] and not settings.rerun_stale:
        notes.print(f"{plan['stale']} records were made by other code; --rerun-stale renews them")
    workers = settings.workers
    where = f"{max(workers, 1)} process{'es' if workers > 1 else ''}"
    notes.print(
        f"grid {grid.name}: {plan['trials']} trials, {plan['left']} to run on "
        f"{settings.scheduler or where}, into {settings.folder}"
    )


def _description(grid: "Grid", settings: Settings, plan: "Plan") -> dict[str, Any]:
    """Return what ``about.json`` says of a run."""
    shard = settings.shard
    return {
        "grid": grid.name,
        "parts": [asdict(part) for part in grid.parts],
        "shard": None if shard is None else str(shard),
        "began": time.time(),
        "had": plan["trials"] - plan["left"],
        "command": sys.argv[1:],
        "processes": settings.workers,
        "threads": 1,
        "plugins": _plugins_of(grid),
    }


def _plugins_of(grid: "Grid") -> list[str]:
    """Return the paths of the plugin files that define components of a grid."""
    from bench.spec.registry import REGISTRY

    specs = (s for p in grid.parts for s in (*p.datasets, *p.learners, *p.strategies))
    words = {word for spec in specs for word in re.findall(r"\w+", spec)}
    modules = {cls.__module__ for name, cls in REGISTRY.names.items() if name in words}
    return [str(plugin.path) for plugin in installed_plugins() if plugin.name in modules]


@contextmanager
def _described(folder: Path, description: dict[str, Any]) -> Iterator[None]:
    """Write the description of a run when it begins, and with its duration when it ends."""
    from bench.records import manifest

    before = description_of(folder).get("wall_seconds", 0.0)
    started = time.perf_counter()

    def write() -> None:
        seconds = before + time.perf_counter() - started
        manifest.write(folder, {**description, "wall_seconds": seconds})

    write()
    try:
        yield
    finally:
        write()


@contextmanager
def terminal_bar(total: int) -> Iterator[Callable[["SweepProgress"], None]]:
    """Show a progress bar on stderr; the context's value updates it."""
    columns = (
        BarColumn(30),
        MofNCompleteColumn(),
        TextColumn("trials, {task.fields[failed]} failed, {task.fields[rate]} a second, left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, refresh_per_second=4, disable=not total) as bar:
        task = bar.add_task("", total=total, failed=0, rate="-")
        started = time.perf_counter()

        def watch(now: "SweepProgress") -> None:
            rate = now.done / max(time.perf_counter() - started, 1e-9)
            bar.update(task, completed=now.done, failed=now.failed, rate=f"{rate:.1f}")

        yield watch
