"""What the commands share: the program, its options, and how a run is found and read."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

from bench.core.errors import BenchError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from bench.spec.grid import Grid

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="How far does a collective get, and how does that depend on the learning algorithm?",
)
notes = Console(stderr=True, highlight=False)

Format = Annotated[
    Literal["text", "csv", "json", "md"] | None, typer.Option(help="How a table is printed.")
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(help="A Python file with learners, strategies, signals, datasets. Repeatable."),
]
Run = Annotated[str, typer.Argument(help="A run's folder, or its name under runs/.")]
Rule = Literal["accuracy", "worst_group", "loss"]
Select = Annotated[
    Rule | None,
    typer.Option(help="Of the variants of a learner take the firm's choice, trial by trial."),
]
Epoch = Annotated[
    Rule | None, typer.Option(help="Of the epochs of a learner that recorded them, likewise.")
]


def _root(folder: Path | None) -> Path | None:
    """Make a folder the data root, of this process and of its workers."""
    if folder is not None:
        if not folder.is_dir():
            raise BenchError(f"--data {folder} is not a folder")
        from bench.datasets.io.data_root import use

        use(folder)
    return folder


Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The data root, where files of data lie; else COLLECTIVE_BENCH_DATA names it.",
        callback=_root,
    ),
]


def _device(name: str | None) -> str | None:
    """Make a device the one of this process and of its workers."""
    if name is not None:
        from algorithms.runtime.device import VARIABLE

        os.environ[VARIABLE] = name
    return name


Device = Annotated[
    str | None,
    typer.Option(
        help="Where networks train, like cuda or cuda:1; else COLLECTIVE_BENCH_DEVICE names it. "
        "The processor, if nobody does.",
        callback=_device,
    ),
]
SHARES = "shares between 0 and 1"
Axis = Annotated[list[str] | None, typer.Option(help="Specs, separated by commas. Repeatable.")]


def plug(files: list[Path] | None) -> None:
    """Register what plugin files define."""
    from bench.spec.registry import REGISTRY

    for file in files or []:
        REGISTRY.load(file)


def numbers(option: str, text: str, allowed: str) -> list[float]:
    """The numbers that an option was given, separated by commas.

    Arguments:
        option: Its name.
        text: What was given.
        allowed: What they are to be.
    """
    found = []
    for word in text.split(","):
        try:
            found.append(float(word))
        except ValueError as error:
            raise BenchError(
                f"{option} {text}: {word!r} is no number. Allowed: {allowed}, separated by commas"
            ) from error
    return found


def folder_of(run: str) -> Path:
    """The folder of a run that has records."""
    for folder in (Path(run), Path("runs") / run):
        if (folder / "records.jsonl").is_file():
            return folder
    known = [p.parent.name for p in Path("runs").glob("*/records.jsonl")]
    raise unknown("run with records in", run, known)


def records_of(
    folder: Path, select: str | None = None, epoch: str | None = None
) -> "pd.DataFrame":
    """The records of a folder's grid, after the choices that a firm makes on validation data."""
    from results.stats import selection

    frame = own_records(folder)
    if epoch:
        frame = selection.at_epoch(frame, epoch)  # type: ignore[arg-type]
    return selection.select(frame, select) if select else frame  # type: ignore[arg-type]


def planned(folder: Path, records: "pd.DataFrame") -> int | None:
    """How many records a run's table would have if its grid were finished; None if nobody knows.

    Arguments:
        folder: The run's folder.
        records: What :func:`records_of` made of its records.
    """
    trials = about_of(folder).get("trials")
    return None if trials is None else trials - records.attrs.get("unchosen", 0)


def own_records(folder: Path) -> "pd.DataFrame":
    """The records of the grid that a folder was last run with; all of them, if none is named.

    A folder keeps what it was ever given, so that no trial runs twice, but shows one grid.
    """
    from bench.experiment.trial import Key

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
    return frame[inside].reset_index(drop=True)


def all_records(folder: Path) -> "pd.DataFrame":
    """All records that a folder has, of whatever grid."""
    from bench.records.store import Store

    frame = Store(folder).frame()
    if not len(frame):
        raise BenchError(f"{folder} has no records yet: run it")
    return frame


def grid_of(folder: Path) -> "Grid | None":
    """The grid that a folder was last run with, written out."""
    from bench.spec.grid import Grid, checked

    parts = about_of(folder).get("parts")
    if parts is None:
        return None
    where = str(folder / "about.json")
    return Grid(folder.name, tuple(checked(part, where) for part in parts))


def about_of(folder: Path) -> dict[str, Any]:
    """What a run was, as its folder says; empty where it does not."""
    from bench.records.merge import described

    return described(folder)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make the folder of a file that is written meanwhile.

    Raises:
        BenchError: If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise BenchError(f"cannot write to {path}: {reason}") from error
