"""Learners against each other: those of a run, or a new one against what is published."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.run import carry_out
from bench.cli.shared import (
    Epoch,
    Format,
    Plugins,
    Select,
    app,
    folder_of,
    notes,
    own_records,
    plug,
    records_of,
)
from bench.core.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

    from algorithms.base import Learner


@app.command()
def compare(
    what: Annotated[
        str,
        typer.Argument(
            metavar="RUN | FILE.py:LEARNER",
            help="A run; or, with --grid, a learner: in a Python file, or a spec.",
        ),
    ],
    baseline: Annotated[str, typer.Option(help="The learner to compare with.")] = "ERM",
    grid: Annotated[
        str | None,
        typer.Option(help="A grid with published records, or a .parquet file of such."),
    ] = None,
    level: Annotated[float, typer.Option(min=0, max=1, help="The level of success.")] = 0.5,
    allow_missing: Annotated[
        bool, typer.Option(help="Compare over the seeds that are left where trials are missing.")
    ] = False,
    jobs: Annotated[int | None, typer.Option(min=0, help="Worker processes, with --grid.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The new learner's run, with --grid; under runs/, if left.")
    ] = None,
    select: Select = None,
    epoch: Epoch = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Paired differences between learners: intervals, corrected sign-flip tests, verdicts.

    With --grid one new learner against all that is published of a grid: only the new one is run.
    First three published trials are run again, to show that this machine reproduces them.

    Example: `python run_bench.py compare quick --baseline ERM`

    Example: `python run_bench.py compare my_learner.py:MyLearner --grid learners`
    """
    plug(plugin)
    if grid is not None:
        if select or epoch:
            raise BenchError("--select and --epoch are for runs; they don't go with --grid")
        _newcomer(what, grid, baseline, level, jobs, out, format)
        return
    if ".py" in what and not Path(what).is_dir():
        raise BenchError(
            f"{what} is a learner, not a run: say against which grid, as in --grid learners"
        )
    if jobs is not None or out is not None:
        raise BenchError("--jobs and --out go with --grid: a run was run already")
    from results.stats.completeness import refuse_missing
    from results.stats.paired import compare as paired

    records = records_of(folder_of(what), select, epoch)
    try:
        if not allow_missing:
            refuse_missing(records)
        table = paired(records, baseline, level)
    except ValueError as error:
        hint = "" if allow_missing or "missing" not in str(error) else _MISSING
        raise BenchError(f"{error}{hint}") from error
    _show_differences(table, "learner", format)


_MISSING = "\nRun what is missing (run, with --retry-failed), or say --allow-missing"


def _show_differences(table: "pd.DataFrame", who: str, format: str | None) -> None:
    from results.report.terminal import show, with_interval
    from results.stats.frames import PANEL

    if format in ("csv", "json"):
        show(table, format)
        return
    short = [*PANEL, who, "measure", "size", "difference", "low", "high", "interval"]
    short += ["seeds", "p", "p_holm", "verdict", "needed", "note"]
    show(with_interval(table[short], "difference", "difference"), format)


def _learner(what: str) -> "Learner":
    """The learner that is named: FILE.py:Class, FILE.py with one, or a spec."""
    from algorithms.base import Learner
    from bench.spec.parsing import parse
    from bench.spec.registry import REGISTRY

    file, colon, name = what.partition(".py:")
    if not colon and not what.endswith(".py"):
        spec: Learner = parse(what, "learners")
        return spec
    added = REGISTRY.load(f"{file}.py" if colon else what)
    found = [cls for cls in added if issubclass(cls, Learner)]
    if not colon:
        if len(found) != 1:
            said = ", ".join(cls.__name__ for cls in found) or "none"
            raise BenchError(f"{what} defines not one learner but {said}: give {what}:NAME")
        name = found[0].__name__
    if name.partition("(")[0].strip() not in {cls.__name__ for cls in found}:
        said = ", ".join(cls.__name__ for cls in found) or "none"
        raise BenchError(f"{file}.py defines no learner {name!r}; it defines {said}")
    named: Learner = parse(name, "learners")
    return named


def _newcomer(
    what: str,
    grid: str,
    baseline: str,
    level: float,
    jobs: int | None,
    out: Path | None,
    format: str | None,
) -> None:
    """Run one learner, and set it against what is published."""
    import pandas as pd
    from joblib import cpu_count

    from bench.execution import reproduce
    from bench.execution.worker_process import Limits
    from bench.records import published
    from results.display_names import labels, resolve
    from results.report.one_vs_all import page
    from results.stats.completeness import missing, refuse_missing

    learner, (rows, told) = _learner(what), published.read(grid)
    if repr(learner) in set(rows["learner"]):
        raise BenchError(f"{learner!r} is published with the grid {grid} already")
    try:
        base = resolve(baseline, rows["learner"])
    except ValueError as error:
        raise BenchError(f"--baseline: {error}") from error
    _reproduce(reproduce.rerun(published.sentinels(rows)), told)
    _stale(rows)
    folder = out or Path("runs") / f"{type(learner).__name__}-on-{Path(grid).stem}"
    workers = cpu_count() if jobs is None else jobs
    wanted = published.grid_like(rows, learner, folder.name)
    carry_out(wanted, folder, workers, Limits(), retry_failed=True, rerun_stale=True)
    own = own_records(folder)[published.COLUMNS]
    lost = set(missing(rows)["learner"])
    if lost:
        short = labels(rows["learner"])
        left = ", ".join(sorted(short[name] for name in lost))
        notes.print(f"left out, since trials of theirs failed: {left}", soft_wrap=True)
        if base in lost:
            raise BenchError(f"the baseline {baseline} has failed trials; give another --baseline")
    records = pd.concat([rows[~rows["learner"].isin(lost)], own], ignore_index=True)
    try:
        refuse_missing(records)
    except ValueError as error:
        raise BenchError(f"{error}\nSee runs' errors with: status {folder}") from error
    made = page(records, repr(learner), base, level)
    (folder / "compare.csv").write_text(made.differences.to_csv(index=False))
    if format in ("csv", "json"):
        _show_differences(made.differences, "baseline", format)
        return
    from results.report.terminal import show

    for title, table in made.sections:
        print(f"\n# {title}\n")
        show(table, format)
    print(f"\n{made.summary}")
    notes.print(f"records and all differences are in {folder}")


def _reproduce(again: list[Any], told: dict[str, Any]) -> None:
    """Say how published trials came out here; refuse to go on where they did otherwise."""
    from bench.records import published
    from results.display_names import parse as named

    wrong = []
    for one in again:
        row = one.published
        who = f"{named(row['learner'])[0]} on {named(row['dataset'])[0]}"
        head = f"{who} at {100 * row['size']:g}%, seed {row['seed']}: success {row['success']:.4f}"
        if not one.differences:
            notes.print(f"{head}, as published, to the last digit")
            continue
        said = ", ".join(f"{k} {a!r} -> {b!r}" for k, (a, b) in one.differences.items())
        notes.print(f"{head}; published -> here: {said}", markup=False)
        if not one.reproduced:
            wrong.append(f"  {head}; published -> here: {said}; {one.here.get('error') or ''}")
    if not wrong:
        return
    apart = published.elsewhere(told)
    lines = [f"  {name}: {a} -> {b}" for name, (a, b) in apart.items()]
    raise BenchError(
        "this machine does not reproduce the published records (the same sample, and success and "
        f"accuracy within {published.CLOSE}), so they are not compared with:\n"
        + "\n".join([*wrong, "published -> here:", *(lines or ["  nothing that is recorded"])])
    )


def _stale(rows: "pd.DataFrame") -> None:
    """Say of how many learners the code has changed since they were published."""
    from bench.experiment.trial import Trial
    from bench.records.code_version import code_version
    from bench.spec.parsing import parse

    old = []
    first = rows.drop_duplicates("learner")
    names = ["dataset", "learner", "strategy", "code"]
    for dataset, learner, strategy, code in first[names].itertuples(index=False, name=None):
        parts = parse(dataset, "datasets"), parse(learner, "learners")
        trial = Trial(*parts, parse(strategy, "strategies"), 0.0, 0)
        if code_version(trial) != code:
            old.append(type(trial.learner).__name__)
    if old:
        notes.print(
            f"the code behind {len(old)} of {len(first)} published learners has changed since: "
            f"{', '.join(sorted(old)[:6])}{' ...' if len(old) > 6 else ''}",
            soft_wrap=True,
        )
