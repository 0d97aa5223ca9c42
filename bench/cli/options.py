"""Options that several commands share, and functions that parse their texts."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from bench.core.errors import BenchError

#: Headings under which the help lists options.
SELECT, EXECUTION, LIMITS = "Select trials", "Execution", "Limits"
INPUT, OUTPUT = "Input", "Output"
SHARES = "shares between 0 and 1"


def _use_data_root(folder: Path | None) -> Path | None:
    """Use a folder as the data root in this process and in its workers."""
    if folder is not None:
        if not folder.is_dir():
            raise BenchError(f"--data {folder} is not a folder")
        from bench.datasets.io.data_root import use

        use(folder)
    return folder


def _use_device(name: str | None) -> str | None:
    """Use a device in this process and in its workers."""
    if name is not None:
        from algorithms.runtime.device import VARIABLE

        os.environ[VARIABLE] = name
    return name


def _load_plugins(files: list[Path] | None) -> list[Path] | None:
    """Register the components that plugin files define."""
    if files:
        from bench.spec.registry import REGISTRY

        for file in files:
            REGISTRY.load(file)
    return files


Format = Annotated[
    Literal["text", "csv", "json", "md", "latex"] | None,
    typer.Option(help="Format of the printed table (default: text).", rich_help_panel=OUTPUT),
]
Plugins = Annotated[
    list[Path] | None,
    typer.Option(
        help="Python file that defines learners, strategies, signals or datasets. Repeatable.",
        callback=_load_plugins,
        rich_help_panel=INPUT,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data root: the folder with files of real data (default: COLLECTIVE_BENCH_DATA).",
        callback=_use_data_root,
        rich_help_panel=INPUT,
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        help="Device on which networks are trained, such as cuda or cuda:1 "
        "(default: COLLECTIVE_BENCH_DEVICE, otherwise the CPU).",
        callback=_use_device,
        rich_help_panel=EXECUTION,
    ),
]
Run = Annotated[str, typer.Argument(help="Folder of a run, or its name under runs/.")]
StrategyClass = Annotated[str, typer.Option(help="Class of the collectives' strategies.")]
Level = Annotated[float, typer.Option(min=0, max=1, help="Level of success.")]
Value = Annotated[
    str,
    typer.Option(
        help="What is compared with sizes and levels: success, success_others (on test points "
        "whose own label is not the target), accuracy, or another share. The headline is "
        "success_others for strategies that plant a label, and success for all others."
    ),
]
Above = Annotated[
    Literal["control", "zero"],
    typer.Option(
        help="What a level is a share of: of the success that is missing at size 0, or of all."
    ),
]
Rule = Literal["accuracy", "worst_group", "loss"]
Select = Annotated[
    Rule | None,
    typer.Option(
        help="In each trial, keep the hyper-parameters that are best on the firm's "
        "validation data by this measure."
    ),
]
Epoch = Annotated[
    Rule | None,
    typer.Option(
        help="In each trial of a learner that recorded its epochs, keep the epoch that is best on "
        "the firm's validation data by this measure."
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Number of worker processes (default: all cores). 0 runs trials in this process.",
        rich_help_panel=EXECUTION,
    ),
]
Drawing = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=0,
        help="Number of processes that draw (default: all cores). 0 and 1 draw in this process.",
        rich_help_panel=EXECUTION,
    ),
]
RetryFailed = Annotated[
    bool,
    typer.Option("--retry-failed", help="Run failed trials again.", rich_help_panel=EXECUTION),
]
RerunStale = Annotated[
    bool,
    typer.Option(help="Run trials again if their code has changed.", rich_help_panel=EXECUTION),
]
Width = Annotated[
    Literal["one", "two", "neurips", "icml", "jmlr", "thesis"],
    typer.Option(
        help="Width of figures: of one or two columns of a page, or of a paper.",
        rich_help_panel=OUTPUT,
    ),
]


def processes(jobs: int | None) -> int:
    """Return a number of processes; that of the cores if it is None."""
    from joblib import cpu_count

    return cpu_count() if jobs is None else jobs


def split_words(texts: Sequence[str] | None) -> list[str] | None:
    """Split the texts of an option at commas; return None if there are none.

    Example:
        >>> split_words(["uniform, class", "group"])
        ['uniform', 'class', 'group']
    """
    if texts is None:
        return None
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def parse_numbers(option: str, text: str, allowed: str) -> list[float]:
    """Return the numbers in the text of an option, separated by commas.

    Arguments:
        option: Name of the option, for the error.
        text: Value of the option.
        allowed: Which numbers are allowed, for the error.

    Raises:
        BenchError: If a word is not a number.
    """
    numbers = []
    for word in text.split(","):
        try:
            numbers.append(float(word))
        except ValueError as error:
            raise BenchError(
                f"{option} {text}: {word!r} is not a number. Allowed: {allowed}, separated by "
                f"commas"
            ) from error
    return numbers
