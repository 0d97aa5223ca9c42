"""Runs of many trials."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.cli.execution import Settings
from bench.cli.shared import notes
from bench.cli.tuning import Tuning, execute_stages
from bench.core.errors import BenchError
from bench.execution.guard import Limits
from bench.spec import grid as grids
from collective_bench.components import specs
from collective_bench.progress import progress_bar
from collective_bench.results import Run

_KINDS = ("datasets", "learners", "strategies")
_WAYS = ("validation", "groups", "recruitment")


def run(
    learners: Any = None,
    datasets: Any = None,
    strategies: Any = None,
    sizes: float | Iterable[float] | None = None,
    seeds: int | None = None,
    *,
    jobs: int | None = None,
    out: str | Path = "runs/python",
    grid: str | None = None,
    tune: int | None = None,
    validation: str | Iterable[str] | None = None,
    groups: str | Iterable[str] | None = None,
    recruitment: str | Iterable[str] | None = None,
    retry_failed: bool = False,
    rerun_stale: bool = True,
    time_limit: float | None = None,
    memory_limit: float | None = None,
    patience: int = 3,
    progress: bool = True,
) -> Run:
    """Run all trials of a grid that a folder lacks, and return the run.

    The records are those of the command line, bit for bit: they depend neither on the number of
    jobs nor on the process that trains. The folder is that of an ordinary run, which the command
    line can continue and show. The same call goes on after an interruption.

    Components are objects, classes, specs such as ``"JTT(upweight=50)"``, or lists that mix them.
    Their classes may be defined in a notebook. Strategies whose signal or label is None take those
    of each dataset.

    Arguments:
        learners: The learning algorithms of the firm.
        datasets: The sources of data; :func:`collective_bench.from_arrays` makes one of arrays.
        strategies: The strategies of the collective; ``FeatureLabel`` without a grid.
        sizes: The members' shares of the population. Size 0, the control, is always added.
        seeds: The number of seeds, counted from 0.
        jobs: The number of worker processes: one a core if None; 0 trains in this process.
        out: The folder of the run.
        grid: The name of a shipped grid, or a TOML file. Other arguments replace its axes.
        tune: The number of settings that each learner is tuned over, once for each dataset, on the
            firm's validation data; 0 for no tuning. The grid's own number if None.
        validation: "clean", "contaminated", or both.
        groups: The groups that the firm knows: "given", "own", "unknown", or several of them.
        recruitment: How members are chosen: "uniform", "class", "group", "distance", or several.
        retry_failed: Whether failed trials are run again.
        rerun_stale: Whether trials are run again whose code has changed since, as that of a class
            in a notebook.
        time_limit: Seconds of a trial.
        memory_limit: Megabytes of a worker process.
        patience: The number of equal failures in a row after which a learner is stopped on a
            dataset. 0: never.
        progress: Whether a progress bar and notes are shown.

    Raises:
        BenchError: If an argument is not allowed. Trials that fail raise nothing: they are rows
            of :attr:`collective_bench.Run.failed`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as out:
        ...     made = run("EmpiricalBayes", "Coins(n=200)", sizes=0.2, seeds=2, jobs=0, out=out,
        ...                progress=False)
        ...     made.curves()[["size", "mean"]]
           size  mean
        0   0.0   0.0
        1   0.2   1.0
    """
    axes: dict[str, Any] = {
        kind: None if values is None else specs(values, kind)
        for kind, values in zip(_KINDS, (datasets, learners, strategies), strict=True)
    }
    axes |= {"sizes": _listed(sizes), "seeds": seeds}
    axes |= dict(zip(_WAYS, map(_listed, (validation, groups, recruitment)), strict=True))
    folder = Path(out)
    chosen = _grid(grid, axes, folder.name)
    limits = Limits(time_limit, memory_limit, patience)
    if jobs == 0 and (limits.time or limits.memory):
        raise BenchError("limits need a worker process that can be ended: give jobs=1 or more")
    settings = Settings(folder, limits, jobs, retry_failed=retry_failed, rerun_stale=rerun_stale)
    quiet, notes.quiet = notes.quiet, notes.quiet or not progress
    try:
        chosen.check_files_and_labels()
        for line in chosen.descriptions():
            notes.print(line, markup=False, soft_wrap=True)
        about = {"command": _command(chosen.written_out(), grid, folder)}
        tuning = Tuning(chosen.tune if tune is None else tune)
        execute_stages(chosen, settings, tuning, about, progress_bar)
        made = Run(folder)
        made.note_failures()
    finally:
        notes.quiet = quiet
    return made


def _listed(values: Any) -> list[Any] | None:
    """Return a value or several ones as a list; None stays."""
    if values is None:
        return None
    single = isinstance(values, str) or not isinstance(values, Iterable)
    return [values] if single else [getattr(v, "item", lambda v=v: v)() for v in values]


def _grid(name: str | None, axes: dict[str, Any], run: str) -> grids.Grid:
    """Return a named grid with some axes replaced, or the grid of these axes.

    Arguments:
        name: The name of the grid; None takes the axes alone.
        axes: The values of each axis; None where the grid's or the default ones are taken.
        run: The name of the run.
    """
    if name is not None:
        return grids.change(grids.load(name), **axes)
    table = {axis: values for axis, values in axes.items() if values is not None}
    return grids.Grid(run, (grids.check_part(table, "collective_bench.run"),))


def _command(grid: grids.Grid, name: str | None, folder: Path) -> list[str]:
    """Return the words of the command line that continues the run.

    Arguments:
        grid: The grid, written out.
        name: The name of the grid that was changed; None if there was none.
        folder: The folder of the run.
    """
    words = ["run", *([name] if name else [])]
    parts = grid.parts
    for axis in (*_KINDS, "sizes", *_WAYS):
        values = dict.fromkeys(str(v) for part in parts for v in getattr(part, axis))
        words += [f"--{axis}", ",".join(values)]
    return [*words, "--seeds", str(max(part.seeds for part in parts)), "--out", str(folder)]
