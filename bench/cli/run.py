"""The command that runs a grid."""

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bench.cli.execution import Settings
from bench.cli.options import (
    EXECUTION,
    LIMITS,
    OUTPUT,
    SELECT,
    Data,
    Device,
    Jobs,
    Plugins,
    RerunStale,
    RetryFailed,
    split_words,
)
from bench.cli.shared import app, notes, records_of
from bench.core.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

    from bench.cli.tuning import Tuning
    from bench.execution.sweep import Progress as SweepProgress
    from bench.spec.grid import Grid


def _axis(help: str) -> Any:
    """Return an option that selects values of an axis of the grid."""
    return typer.Option(help=help, rich_help_panel=SELECT)


Texts = list[str] | None
Components = Annotated[Texts, _axis("Specs, separated by commas. Repeatable.")]
Sizes = Annotated[Texts, _axis("Shares of the population, or numbers of people: 0.01,8 people.")]
Seeds = Annotated[int | None, _axis("Number of seeds.")]
Validation = Annotated[Texts, _axis("clean or contaminated, or both with a comma.")]
Groups = Annotated[Texts, _axis("given, own or unknown, or several with commas.")]
Recruitments = Annotated[
    Texts, _axis("uniform, class, group or distance, or several with commas.")
]
ShardText = Annotated[str | None, _axis("Share of the grid: 7/50 is the seventh of fifty.")]
Tune = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Tune each learner among this number of settings first, on other seeds. 0 tunes none "
        "(default: as the grid says).",
        rich_help_panel=SELECT,
    ),
]
TuneBy = Annotated[
    Literal["accuracy", "worst_group"],
    typer.Option(help="Measure on validation data for --tune.", rich_help_panel=SELECT),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="GRID",
        help="Start from published records, of a grid or a .parquet file: those that this code "
        "made are not run again.",
        rich_help_panel=EXECUTION,
    ),
]
DaskAddress = Annotated[
    str | None,
    typer.Option(
        "--dask",
        "--scheduler",
        metavar="ADDRESS",
        help="Run trials on the Dask cluster with this scheduler.",
        rich_help_panel=EXECUTION,
    ),
]
ChunkLength = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Number of trials trained at a time (default: chosen by the learner).",
        rich_help_panel=EXECUTION,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print what would be run.", rich_help_panel=EXECUTION),
]
TimeLimit = Annotated[
    float | None, typer.Option(min=0.01, help="Seconds of a trial.", rich_help_panel=LIMITS)
]
MemoryLimit = Annotated[
    float | None,
    typer.Option(min=1, help="Megabytes of a worker process.", rich_help_panel=LIMITS),
]
Patience = Annotated[
    int,
    typer.Option(
        min=0,
        help="Stop a learner on a dataset after this many equal failures in a row. 0 never stops.",
        rich_help_panel=LIMITS,
    ),
]
RunFolder = Annotated[
    Path | None,
    typer.Option(help="Folder of the run (default: runs/GRID).", rich_help_panel=OUTPUT),
]


@app.callback(invoke_without_command=True)
def main_job(context: typer.Context) -> None:
    """Without a command: run the grid `quick`."""
    if context.invoked_subcommand is None:
        run("quick")


@app.command()
def run(
    grid: Annotated[str, typer.Argument(help="Name of a shipped grid, or a TOML file.")] = "quick",
    datasets: Components = None,
    learners: Components = None,
    strategies: Components = None,
    sizes: Sizes = None,
    seeds: Seeds = None,
    validation: Validation = None,
    groups: Groups = None,
    recruitment: Recruitments = None,
    shard: ShardText = None,
    tune: Tune = None,
    tune_by: TuneBy = "accuracy",
    published: From = None,
    retry_failed: RetryFailed = False,
    rerun_stale: RerunStale = False,
    jobs: Jobs = None,
    dask: DaskAddress = None,
    chunk: ChunkLength = None,
    device: Device = None,
    dry_run: DryRun = False,
    time_limit: TimeLimit = None,
    memory_limit: MemoryLimit = None,
    patience: Patience = 3,
    plugin: Plugins = None,
    data: Data = None,
    out: RunFolder = None,
) -> None:
    """Run a grid, or the trials of it that are missing; then write tables and figures.

    With --tune a firm first chooses each learner's setting on its validation data, once for each
    dataset, in trials with seeds of their own; their records are in the folder tuning/ of the run,
    and the choices in choices.csv. Tables and figures name the learner, whatever its setting.

    With --from a grid is run in several sittings, between which `publish` keeps its records.

    Example: `python run_bench.py run quick --learners "ERM,JTT(upweight=50)" --seeds 10`
    """
    from bench.cli.tuning import Tuning, execute_stages
    from bench.execution.guard import Limits
    from bench.spec import grid as grids
    from bench.spec.parsing import split_specs
    from bench.spec.shard import Shard
    from bench.spec.sizes import parse_sizes

    chosen = grids.change(
        grids.load(grid),
        datasets=split_specs(datasets),
        learners=split_specs(learners),
        strategies=split_specs(strategies),
        sizes=None if sizes is None else parse_sizes(",".join(sizes)),
        seeds=seeds,
        validation=split_words(validation),
        groups=split_words(groups),
        recruitment=split_words(recruitment),
    )
    chosen.check_files_and_labels()
    for line in chosen.descriptions():
        notes.print(line, markup=False, soft_wrap=True)
    share = None if shard is None else Shard.read(shard)
    name = chosen.name if share is None else f"{chosen.name}-{share.number}-of-{share.count}"
    limits = Limits(time_limit, memory_limit, patience)
    settings = Settings(
        out or Path("runs") / name, limits, jobs, share, dask, retry_failed, rerun_stale, chunk
    )
    _check_execution(settings, device)
    tuning = Tuning(chosen.tune if tune is None else tune, tune_by, published)
    if dry_run:
        _forecast(chosen, settings, tuning)
        return
    progress, total = execute_stages(chosen, settings, tuning)
    if share is not None and not (settings.folder / "records.jsonl").stat().st_size:
        notes.print(f"no trial of the grid {chosen.name} is in the share {shard}")
        return
    _report(settings, progress, total)


def _report(settings: Settings, progress: "SweepProgress", total: int) -> None:
    """Write the results of a run; exit with code 1 if trials failed or a figure was not drawn.

    Arguments:
        settings: Where and how the grid was run.
        progress: The progress of its sweep.
        total: The number of trials of its grid.
    """
    frame = records_of(settings.folder)
    complete = _write_results(frame, settings, total + frame.attrs.get("repeated", 0))
    _report_failures(frame, settings.folder, progress)
    if not complete:
        raise typer.Exit(1)


def _check_execution(settings: Settings, device: str | None) -> None:
    """Refuse settings that contradict each other."""
    if settings.scheduler is not None and device is not None:
        raise BenchError(
            "--device sets the device of local workers: set COLLECTIVE_BENCH_DEVICE where the "
            "workers of the Dask cluster start"
        )
    limited = settings.limits.time or settings.limits.memory
    if limited and settings.jobs == 0 and settings.scheduler is None:
        raise BenchError("limits need a worker process that can be ended: give --jobs 1 or more")


def _forecast(grid: "Grid", settings: Settings, tuning: "Tuning") -> None:
    """Print what a run would do in each stage, and how long that takes by measured times."""
    import pandas as pd

    from bench.cli.tuning import stages
    from bench.execution.runtime_estimate import forecast, format_duration, rates
    from bench.records.published import rates as published_rates
    from results.report.terminal import show

    workers, measured = max(settings.workers, 1), published_rates()
    for stage in stages(grid, settings, tuning):
        plan = stage.plan()
        measured |= rates(stage.settings.folder / "records.jsonl")
        names = ("trials", "done", "failed", "stale", "left")
        rows = [{"learner": l} | {n: c[n] for n in names} for l, c in plan.learners.items()]
        if stage.settings.folder == settings.folder:
            show(pd.DataFrame(rows), None)
        else:
            notes.print("first the tuning trials:")
        notes.print(
            f"{plan['trials']} trials, {plan['done']} done, {plan['failed']} of them failed, "
            f"{plan['stale']} stale; {plan['left']} to run in {plan.chunks} chunks"
        )
        guess = forecast(plan.pairs, measured)
        known = plan["left"] - guess.unknown
        notes.print(
            f"{guess.seconds / 3600:.3g} core-hours for {known} of them, as measured or published "
            f"({format_duration(guess.seconds / workers)} on {workers} cores); "
            f"{guess.unknown} are of learners that were never measured"
        )
        if guess.elsewhere:
            notes.print(
                f"the time is uncertain: that of {known - guess.elsewhere} trials was measured on "
                f"the same dataset, that of {guess.elsewhere} on other datasets"
            )


def _write_results(frame: "pd.DataFrame", settings: Settings, planned: int) -> bool:
    """Print the summary on stdout, and write tables and figures of a run.

    Returns:
        Whether all figures could be drawn.
    """
    from results.report.outputs import FiguresFailed, summary, write_figures, write_tables
    from results.report.terminal import brief, plain, show
    from results.stats.analysis import Analysis

    analysis, folder, complete = Analysis(frame, planned), settings.folder, True
    show(brief(plain(summary(analysis))), None)
    _note_empty_collectives(frame)
    written = write_tables(analysis, folder)
    try:
        written += write_figures(analysis, folder / "figures", jobs=settings.workers)
    except FiguresFailed as error:
        written, complete = written + error.paths, False
        notes.print(f"error: {error}", markup=False, style="red")
    run = folder.name if folder.parent == Path("runs") else folder
    notes.print(
        f"wrote {len(written)} tables and figures to {folder}; next: "
        f"python run_bench.py report {shlex.quote(str(run))}",
        markup=False,
        soft_wrap=True,
    )
    return complete


def _note_empty_collectives(frame: "pd.DataFrame") -> None:
    """Print the sizes at which no row is a member's, since their trials repeat the control."""
    from results.stats.frames import number

    empty = frame[(frame["size"] > 0) & (number(frame, "members") == 0)]
    for (dataset, size, n), _ in empty.groupby(["dataset", "size", "n"]):
        notes.print(
            f"size {size:g} of {n:.0f} people is no member on {dataset}: its trials repeat those "
            f"at size 0",
            markup=False,
        )


def _report_failures(frame: "pd.DataFrame", folder: Path, progress: "SweepProgress") -> None:
    """Print which trials failed or were left out, and why; exit with code 1 if some failed."""
    for (dataset, learner), error in progress.stopped.items():
        notes.print(
            f"{learner} was stopped on {dataset} after failing again and again: {error}",
            markup=False,
        )
    if progress.left_out:
        notes.print(
            f"{progress.left_out} of its trials were left out; they have no records, and the same "
            f"command begins with them (--patience 0 stops no learner)"
        )
    failed = frame[frame["status"] != "ok"]
    if not len(failed):
        return
    reasons = Counter(
        (learner.partition("(")[0], str(error).splitlines()[-1][:120])
        for learner, error in zip(failed["learner"], failed["error"], strict=True)
    )
    notes.print(
        f"{len(failed)} of {len(frame)} trials failed (their records are in {folder}; "
        f"--retry-failed runs them again):"
    )
    for (learner, reason), count in reasons.most_common():
        notes.print(f"  {count} x {learner}: {reason}", markup=False)
    raise typer.Exit(1)
