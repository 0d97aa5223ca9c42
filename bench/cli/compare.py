"""The command that compares learners: of one run, or a new one with published records."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from bench.cli.execution import Settings
from bench.cli.options import OUTPUT, Above, Epoch, Format, Jobs, Level, Plugins, Select, Value
from bench.cli.shared import app, folder_of, grid_records, notes, records_of, valued
from bench.core.errors import BenchError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from algorithms.base import Learner


@app.command()
def compare(
    what: Annotated[
        str,
        typer.Argument(
            metavar="RUN | FILE.py:LEARNER",
            help="A run, or, with --grid, a learner: a spec, or a class of a Python file.",
        ),
    ],
    baseline: Annotated[str, typer.Option(help="Learner to compare with.")] = "ERM",
    grid: Annotated[
        str | None,
        typer.Option(help="A grid with published records, or a .parquet file of them."),
    ] = None,
    datasets: Annotated[
        list[str] | None,
        typer.Option(help="Datasets of the grid to compare on, with --grid (default: all)."),
    ] = None,
    level: Level = 0.5,
    value: Value = "headline",
    above: Above = "control",
    every: Annotated[
        bool,
        typer.Option("--all", help="Print all rows and all sizes.", rich_help_panel=OUTPUT),
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Ignore seeds with missing trials.")
    ] = False,
    jobs: Jobs = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the new learner's run, with --grid (default: a folder in runs/).",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    select: Select = None,
    epoch: Epoch = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Test paired differences between learners: intervals, corrected p values, verdicts.

    A row is a learner on a task. A learner whose accuracy at size 0 is more than .03 below ERM's
    is shown without verdicts. --all, and the formats csv and json, have a row for each measure
    and size.

    With --grid one new learner is compared with all published learners of a grid. Only the new
    learner is run, tuned as the published ones were. Before that, three published trials are run
    again to check that this machine reproduces them.

    Example: `python run_bench.py compare quick --baseline ERM`

    Example: `python run_bench.py compare my_learner.py:MyLearner --grid learners`
    """
    if grid is not None:
        if select or epoch:
            raise BenchError("--select and --epoch are for runs; they don't go with --grid")
        reading = _Reading(level, value, above, every, format)
        _compare_with_published(what, grid, datasets, baseline, reading, jobs, out)
        return
    if ".py" in what and not Path(what).is_dir():
        raise BenchError(
            f"{what} is a learner, not a run: name the grid to compare on, as in --grid learners"
        )
    if jobs is not None or out is not None or datasets is not None:
        raise BenchError(
            "--jobs, --out and --datasets go with --grid: no trial of a finished run is run"
        )
    from results.display_names import resolve
    from results.stats.completeness import refuse_missing
    from results.stats.paired import compare as paired

    records = records_of(folder_of(what), select, epoch, value)
    try:
        if not allow_missing:
            refuse_missing(records)
        table = paired(records, baseline, level, above)
        base = resolve(baseline, records["learner"])
    except ValueError as error:
        hint = "" if allow_missing or "missing" not in str(error) else _MISSING
        raise BenchError(f"{error}{hint}") from error
    if every or format in ("csv", "json"):
        _show_differences(table, "learner", format)
    else:
        _show_comparison(records, table, base, _Reading(level, value, above, every, format))


class _Reading(NamedTuple):
    """What a comparison is about, and how it is printed.

    Arguments:
        level: Level of success.
        value: Value that takes the place of success.
        above: What the level is a share of.
        every: Whether all rows are printed.
        format: Format of the printed table.
    """

    level: float
    value: str
    above: Literal["control", "zero"]
    every: bool
    format: str | None


def _show_comparison(
    records: "pd.DataFrame", differences: "pd.DataFrame", one: str, reading: _Reading
) -> None:
    """Print a row for each learner and task, with notes below.

    Arguments:
        records: Records of all learners.
        differences: Paired differences between one learner and the others.
        one: Spec of the learner on one side of all differences.
        reading: What is printed.
    """
    from bench.cli.publish import unsuited
    from results.report.comparison import comparison
    from results.report.terminal import say, show

    made = comparison(records, differences, one, reading.level, reading.above, unsuited(records))
    show(made.table, reading.format)
    for note in made.notes:
        say(note)


_MISSING = "\nRun the missing trials (run, with --retry-failed), or add --allow-missing"


def _show_differences(table: "pd.DataFrame", column: str, format: str | None) -> None:
    """Print paired differences; for csv and json with all columns.

    Arguments:
        table: Differences between pairs of learners.
        column: Column that names the other learner of a pair.
        format: Format of the printed table.
    """
    from results.report.terminal import show, with_interval
    from results.stats.frames import PANEL

    if format in ("csv", "json"):
        show(table, format)
        return
    short = [*PANEL, column, "measure", "size", "difference", "low", "high", "interval"]
    short += ["seeds", "p", "p_holm", "verdict", "needed", "note"]
    show(with_interval(table[short], "difference", "difference"), format)


def _learner(what: str) -> "Learner":
    """Return the learner named by FILE.py:Class, by a FILE.py with one learner, or by a spec."""
    from algorithms.base import Learner
    from bench.spec.parsing import parse
    from bench.spec.registry import REGISTRY

    file, colon, name = what.partition(".py:")
    if not colon and not what.endswith(".py"):
        spec: Learner = parse(what, "learners")
        return spec
    added = REGISTRY.load(f"{file}.py" if colon else what)
    names = [cls.__name__ for cls in added if issubclass(cls, Learner)]
    listed = ", ".join(names) or "none"
    if not colon:
        if len(names) != 1:
            raise BenchError(f"{what} defines not one learner but {listed}: give {what}:NAME")
        name = names[0]
    if name.partition("(")[0].strip() not in names:
        raise BenchError(f"{file}.py defines no learner {name!r}; it defines {listed}")
    named: Learner = parse(name, "learners")
    return named


def _compare_with_published(
    what: str,
    grid: str,
    datasets: list[str] | None,
    baseline: str,
    reading: _Reading,
    jobs: int | None,
    out: Path | None,
) -> None:
    """Run one learner on a grid, and compare it with the grid's published learners.

    Arguments:
        what: The learner, as :func:`compare` accepts it.
        grid: Grid with published records.
        datasets: Specs of those datasets of the grid on which to compare; all if None.
        baseline: Learner to compare with.
        reading: What is printed.
        jobs: Number of worker processes.
        out: Folder of the run.
    """
    from bench.cli.tuning import Tuning, execute_stages
    from bench.execution import reproduce
    from bench.execution.guard import Limits
    from bench.records import published
    from bench.records.entries import by_setting
    from results.display_names import resolve
    from results.report.one_vs_all import page

    learner, (rows, about) = _learner(what), published.read(grid)
    rows = _on_datasets(rows, datasets)
    if repr(learner) in set(rows["learner"]):
        raise BenchError(f"{learner!r} is published with the grid {grid} already")
    try:
        base = resolve(baseline, rows["learner"])
    except ValueError as error:
        raise BenchError(f"--baseline: {error}") from error
    with notes.status("running published trials again"):
        again = reproduce.rerun(published.sentinels(rows))
    _check_reproduced(again, about)
    _note_stale(by_setting(rows))
    folder = out or Path("runs") / f"{type(learner).__name__}-on-{Path(grid).stem}"
    settings = Settings(folder, Limits(), jobs, retry_failed=True, rerun_stale=True)
    tuning = Tuning(about.get("tune") or 0, about.get("tune_by") or "accuracy")
    like = published.grid_like(rows, learner, folder.name, about.get("models"))
    execute_stages(like, settings, tuning)
    records = valued(_join_records(rows, folder, base), reading.value)
    with notes.status("comparing with published learners"):
        made = page(records, repr(learner), base, reading.level, reading.above)
    (folder / "compare.csv").write_text(made.differences.to_csv(index=False), encoding="utf-8")
    if reading.format in ("csv", "json"):
        _show_differences(made.differences, "baseline", reading.format)
        return
    from results.report.terminal import say, show

    if reading.every:
        for title, table in made.sections:
            print(f"\n# {title}\n")
            show(table, reading.format)
        print(f"\n{made.summary}")
    else:
        _show_comparison(records, made.differences, repr(learner), reading)
        say(made.summary.splitlines()[-1])
    notes.print(f"records and all differences are in {folder}")


def _on_datasets(rows: "pd.DataFrame", datasets: list[str] | None) -> "pd.DataFrame":
    """Return the published records on some datasets, which are named as in the grid or in short.

    Arguments:
        rows: Published records.
        datasets: Specs; a bare name stands for each dataset of that class. All if None.
    """
    from bench.spec.parsing import parse, split_specs

    if datasets is None:
        return rows
    known, chosen = list(rows["dataset"].unique()), set()
    for text in split_specs(datasets) or ():
        spec = text if "(" not in text else repr(parse(text, "datasets"))
        found = {one for one in known if spec in (one, one.partition("(")[0])}
        if not found:
            raise unknown("dataset with published records", text, known)
        chosen |= found
    return rows[rows["dataset"].isin(chosen)].reset_index(drop=True)


def _join_records(rows: "pd.DataFrame", folder: Path, baseline: str) -> "pd.DataFrame":
    """Return the published records and those of a folder, without incomplete learners.

    Arguments:
        rows: Published records.
        folder: Folder of the new learner's run.
        baseline: Spec of the baseline, which has to be complete.
    """
    import pandas as pd

    from results.display_names import labels
    from results.stats.completeness import missing, refuse_missing

    lost = set(missing(rows)["learner"])
    if lost:
        short = labels(rows["learner"])
        names = ", ".join(sorted(short[name] for name in lost))
        notes.print(f"left out, since some of their trials failed: {names}", soft_wrap=True)
        if baseline in lost:
            raise BenchError(
                f"the baseline {short[baseline]} has failed trials; give another --baseline"
            )
    new = grid_records(folder)
    new = new[[name for name in rows.columns if name in new.columns]]
    records = pd.concat([rows[~rows["learner"].isin(lost)], new], ignore_index=True)
    try:
        refuse_missing(records)
    except ValueError as error:
        raise BenchError(f"{error}\nSee runs' errors with: status {folder}") from error
    return records


def _check_reproduced(again: list[Any], about: dict[str, Any]) -> None:
    """Print whether published trials are reproduced here, and refuse to go on if some are not.

    Arguments:
        again: Published trials with their records of this machine.
        about: Description of the published run.
    """
    from bench.records import published
    from results.display_names import parse as named

    wrong = []
    for one in again:
        row = one.published
        cell = f"{named(row['learner'])[0]} on {named(row['dataset'])[0]}"
        head = (
            f"{cell} at {100 * row['size']:g}%, seed {row['seed']}: success {row['success']:.4f}"
        )
        if not one.differences:
            notes.print(f"{head}, as published, to the last digit")
            continue
        changes = ", ".join(f"{k} {a!r} -> {b!r}" for k, (a, b) in one.differences.items())
        notes.print(f"{head}; published -> here: {changes}", markup=False)
        if not one.reproduced:
            wrong.append(f"  {head}; published -> here: {changes}; {one.here.get('error') or ''}")
    if not wrong:
        return
    environment = published.elsewhere(about)
    lines = [f"  {name}: {a} -> {b}" for name, (a, b) in environment.items()]
    raise BenchError(
        "this machine does not reproduce the published records (the same sample, and success and "
        f"accuracy within {published.CLOSE}), so they are not compared with:\n"
        + "\n".join([*wrong, "published -> here:", *(lines or ["  nothing that is recorded"])])
    )


def _note_stale(rows: "pd.DataFrame") -> None:
    """Print how many learners' code has changed since they were published."""
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
