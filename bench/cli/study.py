"""The command that runs the study of a paper: its claims against records."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.execution import Settings, execute
from bench.cli.measurements import measured_records
from bench.cli.options import Format, Jobs, RerunStale, RetryFailed
from bench.cli.shared import app, grid_records, notes

if TYPE_CHECKING:
    import pandas as pd

    from results.studies.base import Study


@app.command()
def study(
    name: Annotated[
        str | None, typer.Argument(help="Name of a study; without it, all are listed.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer seeds, and smaller data.")] = False,
    jobs: Jobs = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the study (default: runs/study-NAME).")
    ] = None,
    retry_failed: RetryFailed = False,
    rerun_stale: RerunStale = False,
    format: Format = None,
) -> None:
    """Run the study of a paper, or its missing trials; draw figures and judge each claim.

    Example: `python run_bench.py study algorithmic-collective-action --quick`
    """
    from bench.execution.guard import Limits
    from results.studies import base
    from results.studies.base import whole_claims
    from results.studies.outputs import write
    from results.studies.published import run_folder

    if name is None:
        _print_studies(format)
        return
    chosen = base.load(name)
    folder = out or run_folder(name)
    settings = Settings(folder, Limits(), jobs, retry_failed=retry_failed, rerun_stale=rerun_stale)
    for text in chosen.left_out():
        notes.print(f"left out, since the data root lacks its file: {text}", soft_wrap=True)
    records = _records(chosen, quick, settings)
    failed = int((records["status"] != "ok").sum())
    if failed:
        notes.print(
            f"{failed} of {len(records)} trials failed; their seeds are left out of all claims"
        )
    with notes.status("judging claims and drawing figures"):
        verdicts = chosen.verdicts(records)
        paths = write(chosen, records, verdicts, folder)
    _print_verdicts(verdicts, format)
    notes.print(_tally(whole_claims(verdicts)["verdict"].value_counts().to_dict()))
    notes.print(f"wrote {len(paths)} tables and figures to {folder}", soft_wrap=True)


def _records(chosen: "Study", quick: bool, settings: Settings) -> "pd.DataFrame":
    """Run the trials of a study that its folder lacks, and return the records of all of them."""
    if chosen.measurements is not None:
        return measured_records(chosen.measurements(quick), settings)
    execute(chosen.grid(settings.folder.name, quick), settings)
    return grid_records(settings.folder)


def _print_studies(format: str | None) -> None:
    """Print all studies: claims by their verdicts, data, and numbers of trials.

    Verdicts are those of the run in the folder ``runs``, or else those that ship.
    """
    import pandas as pd

    from results.report.terminal import show
    from results.studies.base import studies
    from results.studies.published import summary

    rows = []
    for name, entry in studies().items():
        judged = summary(name)
        rows.append(
            {
                "study": name,
                "claims": len(entry.claims),
                "hold": judged.holds if judged else "",
                "fail": judged.fails if judged else "",
                "undecided": judged.undecided if judged else "",
                "seeds": judged.seeds if judged else "",
                "on the paper's data": judged.replicated if judged else "",
                "data": judged.data if judged else ", ".join(entry.data()),
                "verdicts of": judged.source if judged else "none yet",
                "trials": entry.count(quick=False),
                "quick": entry.count(quick=True),
                "paper": entry.paper,
            }
        )
    show(pd.DataFrame(rows), format)


def _tally(counts: Mapping[Any, int]) -> str:
    """Return how many claims hold, fail and are undecided, in words.

    Example:
        >>> _tally({"holds": 11, "undecided": 3, "fails": 1})
        '11 hold, 3 undecided, 1 fails'
        >>> _tally({"holds": 1, "left out": 2})
        '1 holds, 0 undecided, 0 fail, 2 left out'
    """
    holds, undecided, fails = (counts.get(word, 0) for word in ("holds", "undecided", "fails"))
    left_out = f", {counts['left out']} left out" if counts.get("left out") else ""
    return (
        f"{holds} {'holds' if holds == 1 else 'hold'}, {undecided} undecided, "
        f"{fails} {'fails' if fails == 1 else 'fail'}{left_out}"
    )


def _print_verdicts(verdicts: "pd.DataFrame", format: str | None) -> None:
    """Print the verdicts: all columns for csv and json, the readable ones for text."""
    from results.report.terminal import show
    from results.studies.outputs import readable

    show(verdicts if format in ("csv", "json") else readable(verdicts), format)
