"""The program and its console, and functions that find and read runs."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.core.errors import BenchError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from bench.spec.grid import Grid

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Measure the success of collectives, and how it depends on the learning algorithm.",
)
notes = Console(stderr=True, highlight=False)


def folder_of(run: str) -> Path:
    """Return the folder of a run that has records.

    Raises:
        BenchError: If there is none, with the runs that exist.
    """
    for folder in (Path(run), Path("runs") / run):
        if (folder / "records.jsonl").is_file():
            return folder
    names = [path.parent.name for path in Path("runs").glob("*/records.jsonl")]
    raise unknown("run with records in", run, names)


def all_records(folder: Path) -> "pd.DataFrame":
    """Return all records of a folder, of whatever grid."""
    from bench.records.store import Store

    frame = Store(folder).frame()
    if not len(frame):
        raise BenchError(f"{folder} has no records yet: run it")
    return frame


def grid_records(folder: Path) -> "pd.DataFrame":
    """Return the records of the grid that a folder was last run with.

    A folder keeps the records of all its grids, so that no trial runs twice, but shows one grid.
    Without a description of that grid all records are returned. Where learners were tuned, the
    records are under the names of the learners: see :mod:`bench.records.entries`.
    """
    from bench.experiment.trial import Key
    from bench.records import entries

    frame, grid = all_records(folder), grid_of(folder)
    if grid is None:
        return frame
    rows = frame[list(Key._fields)].itertuples(index=False, name=None)
    inside = [key in grid for key in itertools.starmap(Key, rows)]
    if not any(inside):
        raise BenchError(f"{folder} has no records of its grid yet: run it")
    if not all(inside):
        notes.print(
            f"{len(frame) - sum(inside)} records of other grids are in {folder} too; name their "
            f"learners, strategies, ... together in one run to see them side by side"
        )
    return entries.by_entry(frame[inside].reset_index(drop=True), entries.read(folder))


def records_of(
    folder: Path, select: str | None = None, epoch: str | None = None, value: str = "headline"
) -> "pd.DataFrame":
    """Return the records of a folder's grid after the firm's choices on validation data.

    Arguments:
        folder: Folder of the run.
        select: Measure by which the firm chooses a hyper-parameter setting; no choice if None.
        epoch: Measure by which the firm chooses an epoch; no choice if None.
        value: The value that takes the place of success, see :mod:`results.stats.values`.

    Raises:
        BenchError: If records have no such value.
    """
    from results.stats import selection

    frame = grid_records(folder)
    if epoch:
        frame = selection.at_epoch(frame, epoch)  # type: ignore[arg-type]
    frame = selection.select(frame, select) if select else frame  # type: ignore[arg-type]
    return valued(frame, value)


def valued(records: "pd.DataFrame", value: str) -> "pd.DataFrame":
    """Return records in which a value takes the place of success.

    Raises:
        BenchError: If records have no such value.
    """
    from results.stats.values import with_value

    try:
        return with_value(records, value)
    except ValueError as error:
        raise BenchError(f"--value: {error}") from error


def planned_count(folder: Path, records: "pd.DataFrame") -> int | None:
    """Return how many records a finished run would have, or None if its folder doesn't say.

    Arguments:
        folder: Folder of the run.
        records: Return value of :func:`records_of`.
    """
    trials = description_of(folder).get("trials")
    more = records.attrs.get("repeated", 0) - records.attrs.get("unchosen", 0)
    return None if trials is None else trials + more


def grid_of(folder: Path) -> "Grid | None":
    """Return the grid that a folder was last run with, written out, or None if it isn't known."""
    from bench.spec.grid import Grid, check_part

    parts = description_of(folder).get("parts")
    if parts is None:
        return None
    where = str(folder / "about.json")
    return Grid(folder.name, tuple(check_part(part, where) for part in parts))


def description_of(folder: Path) -> dict[str, Any]:
    """Return the contents of a run's ``about.json``; an empty dictionary without that file."""
    from bench.records import manifest

    return manifest.read(folder)


def load_plugins_of(folder: Path) -> None:
    """Load the plugin files with which a run was made.

    Raises:
        BenchError: If a file cannot be loaded.
    """
    paths = description_of(folder).get("plugins", [])
    if not paths:
        return
    # This imports all components, which takes seconds.
    from bench.spec.registry import REGISTRY

    for path in paths:
        try:
            REGISTRY.load(path)
        except BenchError as error:
            raise BenchError(
                f"{folder} was run with a plugin, and {error}. If its file is elsewhere now, name "
                f"it by --plugin"
            ) from error


@contextmanager
def progress_bar(total: int, noun: str) -> Iterator[Callable[[], None]]:
    """Show a progress bar on a terminal; the context's value advances it by one.

    Arguments:
        total: Number of steps.
        noun: Name of the steps, in the plural.
    """
    columns = (
        BarColumn(30),
        MofNCompleteColumn(),
        TextColumn(f"{noun}, left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Create the folder of a file that is written inside the context.

    Raises:
        BenchError: If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise BenchError(f"cannot write to {path}: {reason}") from error
