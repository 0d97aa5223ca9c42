"""Run a grid."""

import signal
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.cli.shared import (
    SHARES,
    Axis,
    Data,
    Device,
    Plugins,
    about_of,
    app,
    notes,
    numbers,
    plug,
    records_of,
)
from bench.core.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

    from bench.execution.guard import Limits
    from bench.execution.sweep import Plan
    from bench.execution.sweep import Progress as Swept
    from bench.spec.grid import Grid, Shard


@app.callback(invoke_without_command=True)
def main_job(context: typer.Context) -> None:
    """Without a command: run the grid `quick`."""
    if context.invoked_subcommand is None:
        run("quick")


@app.command()
def run(
    grid: Annotated[str, typer.Argument(help="A grid that ships, or a TOML file.")] = "quick",
    datasets: Axis = None,
    learners: Axis = None,
    strategies: Axis = None,
    sizes: Annotated[list[str] | None, typer.Option(help="Shares, separated by commas.")] = None,
    seeds: Annotated[int | None, typer.Option(help="How many seeds.")] = None,
    validation: Annotated[
        list[str] | None, typer.Option(help="clean, contaminated, or both by a comma.")
    ] = None,
    groups: Annotated[
        list[str] | None, typer.Option(help="given, own, unknown, or several by commas.")
    ] = None,
    recruitment: Annotated[
        list[str] | None,
        typer.Option(help="uniform, class, group, distance, or several by commas."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=0, help="Worker processes; all cores, if left. 0: none but this one."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/GRID, if left.")] = None,
    plugin: Plugins = None,
    retry_failed: Annotated[bool, typer.Option(help="Run failed trials again.")] = False,
    rerun_stale: Annotated[
        bool, typer.Option(help="Run trials again whose code has changed since.")
    ] = False,
    time_limit: Annotated[
        float | None, typer.Option(min=0.01, help="Seconds that a trial may take.")
    ] = None,
    memory_limit: Annotated[
        float | None, typer.Option(min=1, help="Megabytes that a trial's process may take.")
    ] = None,
    patience: Annotated[
        int,
        typer.Option(
            min=0,
            help="Leave a learner out after so many failures in a row with one error; 0: never.",
        ),
    ] = 3,
    shard: Annotated[
        str | None, typer.Option(help="Run a share of the grid: 7/50 is the seventh of fifty.")
    ] = None,
    backend: Annotated[Literal["local", "dask"], typer.Option(help="Where trials run.")] = "local",
    scheduler: Annotated[
        str | None, typer.Option(help="The address of the Dask cluster's scheduler.")
    ] = None,
    chunk: Annotated[
        int | None,
        typer.Option(
            min=1, help="Trials handed out, and trained, at a time; as suits learners, if left."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Say what there is to do, and stop.")] = False,
    data: Data = None,
    device: Device = None,
) -> None:
    """Run a grid, or what is missing of it; then tables and figures.

    Example: `python run_bench.py run quick --learners "ERM,JTT(upweight=50)" --seeds 10`
    """
    from joblib import cpu_count

    from bench.execution import sweep
    from bench.execution.guard import Limits
    from bench.records.store import Store
    from bench.spec import grid as grids
    from bench.spec.parsing import pieces

    plug(plugin)
    chosen = grids.change(
        grids.load(grid),
        datasets=pieces(datasets),
        learners=pieces(learners),
        strategies=pieces(strategies),
        sizes=None if sizes is None else numbers("--sizes", ",".join(sizes), SHARES),
        seeds=seeds,
        validation=pieces(validation),
        groups=pieces(groups),
        recruitment=pieces(recruitment),
    ).written_out()
    chosen.look()
    if (backend == "dask") != (scheduler is not None):
        raise BenchError("--backend dask and --scheduler ADDRESS go together")
    if scheduler is not None and device is not None:
        raise BenchError(
            "--device is for workers here: set COLLECTIVE_BENCH_DEVICE where the cluster's start"
        )
    share = None if shard is None else grids.Shard.read(shard)
    folder = out or Path("runs") / (chosen.name if shard is None else _share_name(chosen, share))
    workers = cpu_count() if jobs is None else jobs
    limits = Limits(time_limit, memory_limit, patience)
    if not workers and backend == "local" and (time_limit or memory_limit):
        raise BenchError("limits need a worker process that can be ended: give --jobs 1 or more")
    if dry_run:
        store = Store(folder)
        todo = sweep.Todo(store.have(), retry_failed, rerun_stale)
        _forecast(folder, sweep.plan(chosen.trials(share), todo, chunk), workers)
        return
    progress, whole = carry_out(
        chosen, folder, workers, limits, shard, scheduler, retry_failed, rerun_stale, chunk
    )
    if share is not None and next(chosen.trials(share), None) is None:
        notes.print(f"no trial of the grid {chosen.name} is in the share {shard}")
        return
    frame = records_of(folder)
    _outputs(frame, folder, whole)
    _failures(frame, folder, progress)


def carry_out(
    chosen: "Grid",
    folder: Path,
    workers: int,
    limits: "Limits",
    shard: str | None = None,
    scheduler: str | None = None,
    retry_failed: bool = False,
    rerun_stale: bool = False,
    chunk: int | None = None,
) -> tuple["Swept", int]:
    """Run what a folder lacks of a grid; what came of it, and how many trials the grid has."""
    from bench.execution import sweep
    from bench.execution.backends import run_on_dask
    from bench.records import manifest
    from bench.records.store import Store
    from bench.spec import grid as grids

    share = None if shard is None else grids.Shard.read(shard)
    environment = manifest.environment()
    signal.signal(signal.SIGTERM, _interrupt)
    with Store(folder) as store:
        if store.damaged:
            notes.print(
                f"set aside damaged records ({', '.join(store.damaged)}) in "
                f"{folder / 'damaged.jsonl'}; they are run again"
            )
        todo = sweep.Todo(store.have(), retry_failed, rerun_stale)
        plan = sweep.plan(chosen.trials(share), todo, chunk)
        if plan["stale"] and not rerun_stale:
            notes.print(
                f"{plan['stale']} records were made by other code; --rerun-stale renews them"
            )
        where = f"{max(workers, 1)} process{'es' if workers > 1 else ''}"
        notes.print(
            f"grid {chosen.name}: {plan['trials']} trials, {plan['left']} to run on "
            f"{scheduler or where}, into {folder}"
        )
        # Of a shard the figures say that there is more.
        whole = plan["trials"] if share is None else chosen.count()
        description = {
            "grid": chosen.name,
            "parts": [asdict(part) for part in chosen.parts],
            "trials": whole,
            "shard": shard,
            "began": time.time(),
            "had": plan["trials"] - plan["left"],
            "command": sys.argv[1:],
            "processes": workers,
            "threads": 1,
            **environment,
        }
        before = about_of(folder).get("wall_seconds", 0.0)
        started = time.perf_counter()

        def describe() -> None:
            seconds = time.perf_counter() - started
            manifest.write(
                folder / "about.json", {**description, "wall_seconds": before + seconds}
            )

        describe()
        dask = partial(run_on_dask, scheduler=scheduler, limits=limits) if scheduler else None
        trials = (trial for trial in chosen.trials(share) if trial in todo)
        try:
            with _progress(plan["left"]) as watch:
                progress = sweep.sweep(
                    trials, store, workers, watch, planned=plan, limits=limits, run=dask
                )
        except KeyboardInterrupt:
            now = sweep.plan(chosen.trials(share), sweep.Todo(store.have()))
            notes.print(
                f"interrupted: {now['done']} of {plan['trials']} trials are in {folder}; "
                f"the same command goes on from there"
            )
            raise
        finally:
            describe()
    return progress, whole


def _interrupt(*_: object) -> None:
    # Not by a signal SIGINT, which a process in the background may have been told to ignore.
    raise KeyboardInterrupt


def _share_name(grid: "Grid", share: "Shard | None") -> str:
    return f"{grid.name}-{share.number}-of-{share.of}" if share else grid.name


def _forecast(folder: Path, plan: "Plan", workers: int) -> None:
    """What a run will do, and how long that takes as far as it was measured."""
    import pandas as pd

    from bench.execution.runtime_estimate import forecast, rates, spoken
    from bench.records.published import rates as published_rates
    from results.report.terminal import show

    names = ("trials", "done", "failed", "stale", "left")
    rows = [{"learner": l} | {n: counts[n] for n in names} for l, counts in plan.learners.items()]
    show(pd.DataFrame(rows), None)
    guess = forecast(plan.pairs, published_rates() | rates(folder / "records.jsonl"))
    notes.print(
        f"{plan['trials']} trials, {plan['done']} done, {plan['failed']} of them failed, "
        f"{plan['stale']} stale; {plan['left']} to run in {plan.chunks} chunks"
    )
    known = plan["left"] - guess.unknown
    notes.print(
        f"{guess.seconds / 3600:.3g} core-hours for {known} of them, as measured or published "
        f"({spoken(guess.seconds / max(workers, 1))} on {max(workers, 1)} cores); "
        f"{guess.unknown} are of learners that were never measured"
    )


def _outputs(frame: "pd.DataFrame", folder: Path, planned: int) -> None:
    """Tables and figures of a run, and the summary on stdout."""
    from results.report.outputs import summary, write_figures, write_tables
    from results.report.terminal import brief, plain, show

    written = write_tables(frame, folder) + write_figures(frame, folder / "figures", planned)
    show(brief(plain(summary(frame))), None)
    notes.print(f"wrote {', '.join(str(path) for path in written)}")


def _failures(frame: "pd.DataFrame", folder: Path, progress: "Swept") -> None:
    for (dataset, learner), error in progress.stopped.items():
        notes.print(
            f"{learner} was stopped on {dataset} after failing again and again: {error}",
            markup=False,
        )
    if progress.left_out:
        notes.print(
            f"{progress.left_out} of its trials were left out; they have no records, and the same "
            f"command begins with them (--patience 0 stops nobody)"
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


def _progress(total: int) -> Any:
    """A progress bar on stderr, as a context that gives what a sweep tells."""
    columns = (
        BarColumn(30),
        MofNCompleteColumn(),
        TextColumn("trials, {task.fields[failed]} failed, {task.fields[rate]} a second, left:"),
        TimeRemainingColumn(),
    )

    @contextmanager
    def bar() -> Any:
        with Progress(
            *columns, console=notes, refresh_per_second=4, disable=not total
        ) as progress:
            task = progress.add_task("", total=total, failed=0, rate="-")
            started = time.perf_counter()

            def watch(now: Any) -> None:
                rate = now.done / max(time.perf_counter() - started, 1e-9)
                progress.update(task, completed=now.done, failed=now.failed, rate=f"{rate:.1f}")

            yield watch

    return bar()
