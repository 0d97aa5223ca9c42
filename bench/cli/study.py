"""Studies: what papers claim, and what records say of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.run import carry_out
from bench.cli.shared import Format, app, notes, own_records

if TYPE_CHECKING:
    import pandas as pd

    from results.studies.base import Study


@app.command()
def study(
    name: Annotated[str | None, typer.Argument(help="A study; all are listed, if left.")] = None,
    quick: Annotated[bool, typer.Option(help="Fewer seeds, and smaller data.")] = False,
    jobs: Annotated[
        int | None,
        typer.Option(min=0, help="Worker processes; all cores, if left. 0: none but this one."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The study's folder; runs/study-NAME, if left.")
    ] = None,
    retry_failed: Annotated[bool, typer.Option(help="Run failed trials again.")] = False,
    rerun_stale: Annotated[
        bool, typer.Option(help="Run trials again whose code has changed since.")
    ] = False,
    format: Format = None,
) -> None:
    """Run a paper's study, or what is missing of it: figures, and the verdict on each claim.

    Example: `python run_bench.py study algorithmic-collective-action --quick`
    """
    from joblib import cpu_count

    from bench.execution.guard import Limits
    from results.studies import base
    from results.studies.outputs import write

    if name is None:
        _listed(format)
        return
    chosen = base.load(name)
    folder = out or Path("runs") / f"study-{name}"
    workers = cpu_count() if jobs is None else jobs
    grid = chosen.grid(folder.name, quick)
    carry_out(grid, folder, workers, Limits(), None, None, retry_failed, rerun_stale)
    records = own_records(folder)
    failed = int((records["status"] != "ok").sum())
    if failed:
        notes.print(f"{failed} of {len(records)} trials failed; their seeds count for no claim")
    verdicts = chosen.verdicts(records)
    paths = write(chosen, records, verdicts, folder)
    _shown(verdicts, format)
    notes.print(f"wrote {', '.join(map(str, paths))}")


def _listed(format: str | None) -> None:
    """All studies, and what they take."""
    import pandas as pd

    from results.report.terminal import show
    from results.studies.base import studies

    def trials(study: "Study", quick: bool) -> int:
        return study.grid("", quick).count()

    rows = [
        {
            "study": name,
            "paper": found.paper,
            "claims": len(found.claims),
            "trials": trials(found, False),
            "quick": trials(found, True),
        }
        for name, found in studies().items()
    ]
    show(pd.DataFrame(rows), format)


def _shown(verdicts: "pd.DataFrame", format: str | None) -> None:
    """The verdicts: for programs all there is, for reading what fits."""
    from results.report.terminal import show
    from results.studies.outputs import readable

    show(verdicts if format in ("csv", "json") else readable(verdicts), format)
