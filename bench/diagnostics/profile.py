"""Core-hours of a grid, by learner, dataset and phase: ``python -m bench.diagnostics.profile``.

Records hold the seconds of each trial, which are summed by learner and by dataset. Records do not
say how much of this is training. So a sample of a grid's trials runs again, with a clock for each
phase. The sample is drawn in proportion to seconds, so that the mean of its shares estimates
those of the whole grid.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from algorithms.runtime.threads import one_thread
from bench.core.errors import BenchError
from bench.execution.sweep import sweep
from bench.experiment.trial import Key, Trial
from bench.records import published
from bench.records.entries import by_setting
from bench.records.store import Store
from bench.spec.parsing import parse

screen = Console(highlight=False, width=120)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

#: The phases of a trial. An inner phase does not count in the phase that contains it.
PHASES = ("split", "act", "train", "evaluate", "bounds", "store", "rest")
#: Statements that import what the parent process and a worker process need.
IMPORTS = "import bench.cli.run, bench.spec.registry, bench.experiment.run"


def records_of(run: str) -> pd.DataFrame:
    """Return the records of a run's folder, or the published records of a grid.

    Arguments:
        run: A folder with records, a grid with published records, or a .parquet file of these.

    Raises:
        BenchError: If there are no such records.
    """
    folder = Path(run)
    if (folder / "records.jsonl").is_file():
        return Store(folder).frame()
    return by_setting(published.read(run)[0])


def by_class(records: pd.DataFrame) -> pd.DataFrame:
    """Return the core-seconds of each learner class on each dataset class, slowest first.

    Arguments:
        records: Records with ``seconds``; those without, which failed, count nothing.

    Returns:
        A row for each class of learners and a column for each class of datasets.
    """
    learner, dataset = (
        records[name].astype(str).str.partition("(")[0] for name in ("learner", "dataset")
    )
    sums = records["seconds"].groupby([learner, dataset]).sum().unstack(fill_value=0)
    return sums.loc[sums.sum(axis=1).sort_values(ascending=False, kind="stable").index]


def systematic_sample(seconds: pd.Series, count: int) -> pd.Series:
    r"""Draw groups of trials with probabilities in proportion to their seconds.

    With :math:`S` seconds in all and :math:`k` draws, the groups are those that contain the
    points :math:`(i + 1/2) S / k` of the cumulative seconds. A group that is slower than
    :math:`S / k` may be drawn several times.

    Arguments:
        seconds: The seconds of each group.
        count: The number k of draws.

    Returns:
        The number of draws of each group that is drawn.

    Example:
        >>> systematic_sample(pd.Series({"a": 2.0, "b": 6.5, "c": 1.5}), 5).to_dict()
        {'a': 1, 'b': 3, 'c': 1}
    """
    ends = seconds.cumsum().to_numpy()
    places = np.searchsorted(ends, (np.arange(count) + 0.5) * ends[-1] / count)
    drawn = Counter(places.tolist())
    return pd.Series({seconds.index[i]: n for i, n in sorted(drawn.items())}, dtype=int)


class Clock:
    """The processor seconds of phases, where inner phases do not count in outer ones."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open: list[str] = ["rest"]
        self._since = time.process_time()

    def _switch(self) -> None:
        now = time.process_time()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time inside the context for a phase."""
        self._switch()
        self._open.append(name)
        try:
            yield
        finally:
            self._switch()
            self._open.pop()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose calls count for a phase."""

        def call(*args: Any, **kwargs: Any) -> Any:
            with self.phase(name):
                return function(*args, **kwargs)

        return call


def phases(trials: list[Trial]) -> dict[str, float]:
    """Run trials of one learner and dataset, and return the processor seconds of each phase.

    Arguments:
        trials: The trials.

    Raises:
        BenchError: If all of them fail.
    """
    from bench.experiment import evaluation, run

    clock = Clock()
    dataset, learner = type(trials[0].dataset), type(trials[0].learner)
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        for owner, name, phase in (
            (dataset, "split", "split"),
            (run, "set_up", "act"),
            (run, "evaluate", "evaluate"),
            (evaluation, "trial_bounds", "bounds"),
            (Store, "commit", "store"),
        ):
            timed = clock.timed(phase, getattr(owner, name))
            stack.enter_context(patch.object(owner, name, timed))
        fit = staticmethod(clock.timed("train", learner.fit_stacked))
        stack.enter_context(patch.object(learner, "fit_stacked", fit))
        store = stack.enter_context(Store(folder))
        with one_thread(), clock.phase("rest"):
            progress = sweep(trials, store)
        if progress.failed == progress.total:
            raise BenchError(f"all trials of {trials[0].learner!r} fail")
    return {name: clock.seconds[name] for name in PHASES}


def trials_of(records: pd.DataFrame, learner: str, dataset: str) -> list[Trial]:
    """Return trials of a learner on a dataset: those of the first seed with the first strategy."""
    rows = records[(records["learner"] == learner) & (records["dataset"] == dataset)]
    rows = rows[(rows["seed"] == rows["seed"].min()) & rows["seconds"].notna()]
    names = ["strategy", "validation", "groups", "recruitment"]
    rows = rows[(rows[names] == rows[names].iloc[0]).all(axis=1)]
    keys = (Key(*key) for key in rows[list(Key._fields)].itertuples(index=False, name=None))
    return [
        Trial(
            parse(key.dataset, "datasets"),
            parse(key.learner, "learners"),
            parse(key.strategy, "strategies"),
            float(key.size),
            int(key.seed),
            *key[5:],  # type: ignore[arg-type]
        )
        for key in keys
    ]


def shares(records: pd.DataFrame, draws: int) -> dict[str, float]:
    """Estimate the share of each phase in the core-seconds of records.

    Arguments:
        records: The records.
        draws: The number of draws of :func:`systematic_sample`.
    """
    seconds = records.groupby(["dataset", "learner"], observed=True)["seconds"].sum()
    drawn = systematic_sample(seconds[seconds > 0].sort_values(), draws)
    total = dict.fromkeys(PHASES, 0.0)
    pairs = drawn.index.to_frame().astype(str).itertuples(index=False, name=None)
    for (dataset, learner), times in zip(pairs, drawn.tolist(), strict=True):
        found = phases(trials_of(records, learner, dataset))
        for name, spent in found.items():
            total[name] += times * spent / sum(found.values()) / draws
    return total


def import_seconds() -> float:
    """Return the processor seconds in which a fresh process imports all components."""
    code = f"{IMPORTS}; import os; t = os.times(); print(t.user + t.system)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def show_classes(table: pd.DataFrame, top: int) -> None:
    """Print the core-seconds and shares of learners, by dataset.

    Arguments:
        table: Return value of :func:`by_class`.
        top: The number of learners with a row of their own.
    """
    whole = table.to_numpy().sum()
    view = Table("learner", "core-s", "share", *map(str, table.columns), box=None)
    rows: Mapping[str, pd.Series] = {str(name): row for name, row in table.head(top).iterrows()}
    if len(table) > top:
        rows = {**rows, f"{len(table) - top} others": table.iloc[top:].sum()}
    for name, row in {**rows, "all": table.sum()}.items():
        total = row.sum()
        view.add_row(name, f"{total:.0f}", f"{total / whole:.1%}", *(f"{x:.0f}" for x in row))
    view.add_row("share", "", "", *(f"{x / whole:.1%}" for x in table.sum()))
    screen.print(view)


@app.command()
def main(
    run: Annotated[str, typer.Argument(help="A run's folder, or a grid with published records.")],
    top: Annotated[int, typer.Option(min=1, help="Learners with a row of their own.")] = 12,
    draws: Annotated[
        int, typer.Option(min=0, help="Draws of trials that run again; 0 runs none.")
    ] = 10,
) -> None:
    """Print the core-seconds of a grid by learner, dataset and phase."""
    try:
        records = records_of(run)
        show_classes(by_class(records), top)
        if not draws:
            return
        view = Table("phase", "share of core-seconds", box=None)
        for name, share in shares(records, draws).items():
            view.add_row(name, f"{share:.1%}")
        screen.print(view)
    except BenchError as error:
        screen.print(f"error: {error}", markup=False)
        raise typer.Exit(2) from None
    screen.print(
        f"a process imports all components in {import_seconds():.1f} s: the parent and each "
        f"worker do so once a run"
    )


if __name__ == "__main__":
    app()
