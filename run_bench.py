"""The command line: words to objects, objects to the bench, records to results."""

import inspect
import itertools
import json
import shlex
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bench.errors import BenchError, unknown

if TYPE_CHECKING:
    import pandas as pd

    from bench.grid import Grid, Shard
    from bench.sweep import Plan
    from bench.sweep import Progress as Swept

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
Axis = Annotated[list[str] | None, typer.Option(help="Specs, separated by commas. Repeatable.")]


def _plug(files: list[Path] | None) -> None:
    from bench.registry import REGISTRY

    for file in files or []:
        REGISTRY.load(file)


def _folder(run: str) -> Path:
    """The folder of a run that has records."""
    for folder in (Path(run), Path("runs") / run):
        if (folder / "records.jsonl").is_file():
            return folder
    known = [p.parent.name for p in Path("runs").glob("*/records.jsonl")]
    raise unknown("run with records in", run, known)


def _records(folder: Path, select: str | None = None, epoch: str | None = None) -> "pd.DataFrame":
    """The records of a folder's grid, after the choices that a firm makes on validation data."""
    from results import selection

    frame = _own_records(folder)
    if epoch:
        frame = selection.at_epoch(frame, epoch)  # type: ignore[arg-type]
    return selection.select(frame, select) if select else frame  # type: ignore[arg-type]


def _own_records(folder: Path) -> "pd.DataFrame":
    """The records of the grid that a folder was last run with; all of them, if none is named.

    A folder keeps what it was ever given, so that no trial runs twice, but shows one grid.
    """
    from bench.store import Store
    from bench.trial import Key

    frame = Store(folder).frame()
    grid = _grid(folder)
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


def _grid(folder: Path) -> "Grid | None":
    """The grid that a folder was last run with, written out."""
    from bench.grid import Grid, checked

    parts = _about(folder).get("parts")
    if parts is None:
        return None
    where = str(folder / "about.json")
    return Grid(folder.name, tuple(checked(part, where) for part in parts))


def _about(folder: Path) -> dict[str, Any]:
    from bench.merge import described

    return described(folder)


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
    dry_run: Annotated[bool, typer.Option(help="Say what there is to do, and stop.")] = False,
) -> None:
    """Run a grid, or what is missing of it; then tables and figures.

    Example: `python run_bench.py run quick --learners "ERM,JTT(upweight=50)" --seeds 10`
    """
    from joblib import cpu_count

    from bench import about, sweep
    from bench import grid as grids
    from bench.backends import run_on_dask
    from bench.specs import pieces
    from bench.store import Store
    from bench.wards import Limits

    _plug(plugin)
    chosen = grids.change(
        grids.load(grid),
        datasets=pieces(datasets),
        learners=pieces(learners),
        strategies=pieces(strategies),
        sizes=_shares(sizes),
        seeds=seeds,
        validation=pieces(validation),
        groups=pieces(groups),
    ).written_out()
    if (backend == "dask") != (scheduler is not None):
        raise BenchError("--backend dask and --scheduler ADDRESS go together")
    share = None if shard is None else grids.Shard.read(shard)
    folder = out or Path("runs") / (chosen.name if shard is None else _share_name(chosen, share))
    workers = cpu_count() if jobs is None else jobs
    limits = Limits(time_limit, memory_limit, patience)
    if not workers and backend == "local" and (time_limit or memory_limit):
        raise BenchError("limits need a worker process that can be ended: give --jobs 1 or more")
    if dry_run:
        store = Store(folder)
        todo = sweep.Todo(store.have(), retry_failed, rerun_stale)
        _forecast(folder, sweep.plan(chosen.trials(share), todo), workers)
        return
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with Store(folder) as store:
        if store.damaged:
            notes.print(
                f"set aside damaged records ({', '.join(store.damaged)}) in "
                f"{folder / 'damaged.jsonl'}; they are run again"
            )
        todo = sweep.Todo(store.have(), retry_failed, rerun_stale)
        plan = sweep.plan(chosen.trials(share), todo)
        if plan["stale"] and not rerun_stale:
            notes.print(
                f"{plan['stale']} records were made by other code; --rerun-stale renews them"
            )
        where = f"{max(workers, 1)} process{'es' if workers > 1 else ''}"
        notes.print(
            f"grid {chosen.name}: {plan['trials']} trials, {plan['left']} to run on "
            f"{where if backend == 'local' else scheduler}, into {folder}"
        )
        # Of a shard the figures say that there is more.
        whole = plan["trials"] if share is None else sum(1 for _ in chosen.trials())
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
            **about.environment(),
        }
        before = _about(folder).get("wall_seconds", 0.0)
        started = time.perf_counter()

        def describe() -> None:
            seconds = time.perf_counter() - started
            about.write(folder / "about.json", {**description, "wall_seconds": before + seconds})

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
    frame = _records(folder)
    _outputs(frame, folder, whole)
    _failures(frame, folder, progress)


def _share_name(grid: "Grid", share: "Shard | None") -> str:
    return f"{grid.name}-{share.number}-of-{share.of}" if share else grid.name


def _forecast(folder: Path, plan: "Plan", workers: int) -> None:
    """What a run will do, and how long that takes as far as it was measured."""
    import pandas as pd

    from bench.forecast import forecast, rates, spoken
    from results.terminal import show

    names = ("trials", "done", "failed", "stale", "left")
    rows = [{"learner": l} | {n: counts[n] for n in names} for l, counts in plan.learners.items()]
    show(pd.DataFrame(rows), None)
    guess = forecast(plan.pairs, rates(folder / "records.jsonl"))
    notes.print(
        f"{plan['trials']} trials, {plan['done']} done, {plan['failed']} of them failed, "
        f"{plan['stale']} stale; {plan['left']} to run in {plan.chunks} chunks"
    )
    known = plan["left"] - guess.unknown
    notes.print(
        f"{guess.seconds / 3600:.3g} core-hours for {known} of them, as measured in {folder} "
        f"({spoken(guess.seconds / max(workers, 1))} on {max(workers, 1)} cores); "
        f"{guess.unknown} are of learners that were not measured there"
    )


def _shares(texts: list[str] | None) -> list[float] | None:
    if texts is None:
        return None
    words = [word for text in texts for word in text.split(",")]
    try:
        return [float(word) for word in words]
    except ValueError as error:
        raise BenchError(f"--sizes {','.join(words)}: {error}") from error


def _progress(total: int) -> Any:
    """A progress bar on stderr, as a context that gives what a sweep tells."""
    from contextlib import contextmanager

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


def _outputs(frame: "pd.DataFrame", folder: Path, planned: int) -> None:
    """Tables and figures of a run, and the summary on stdout."""
    from results.outputs import summary, write_figures, write_tables
    from results.terminal import brief, plain, show

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


@app.command("list")
def list_(
    kind: Annotated[
        Literal["learners", "strategies", "signals", "datasets", "networks", "grids"],
        typer.Argument(help="What to list."),
    ],
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """List what there is, with sources and defaults.

    Example: `python run_bench.py list learners`
    """
    import pandas as pd

    from bench import grid as grids
    from bench.contract import source
    from bench.registry import REGISTRY

    _plug(plugin)
    if kind == "grids":
        rows: list[dict[str, Any]] = [
            {"name": name, "trials": sum(1 for _ in grids.load(name).trials()), "file": str(path)}
            for name, path in grids.shipped().items()
        ]
    else:
        rows = []
        for name, cls in sorted(REGISTRY.kinds[kind].items()):
            title, year, link = source(cls)
            paper = {"name": name, "year": year, "paper": title, "link": link}
            defaults = [
                f"{p.name}={p.default!r}"
                for p in inspect.signature(cls).parameters.values()
                if p.default is not p.empty
            ]
            signature = inspect.signature(cls).parameters.values()
            defaults += [f"**{p.name}" for p in signature if p.kind is p.VAR_KEYWORD]
            if format == "md":
                # For a page: the title is the link, and the class says its fields itself.
                rows.append({"name": name, "year": year, "paper": f"[{title}]({link})"})
                continue
            row = paper if kind in ("learners", "strategies") else {"name": name}
            rows.append(row | {"fields": ", ".join(defaults)})
    table = pd.DataFrame(rows)
    if format is None:
        view = Table(box=None, pad_edge=False)
        for column in table.columns.drop("link", errors="ignore"):
            view.add_column(column, overflow="fold")
        for _, line in table.drop(columns="link", errors="ignore").iterrows():
            view.add_row(*[str(v).replace("[", r"\[") for v in line])
        Console(highlight=False).print(view)
    else:
        from results.terminal import show

        show(table, format)


@app.command()
def status(run: Run, plugin: Plugins = None, format: Format = None) -> None:
    """How far a run is: trials done, failed, stale and left, for each learner.

    Example: `python run_bench.py status quick`
    """
    import pandas as pd

    from bench import sweep
    from bench.forecast import spoken
    from bench.grid import Shard
    from bench.store import Store
    from results.terminal import show

    _plug(plugin)
    folder = _folder(run)
    about = _about(folder)
    grid = _grid(folder)
    if grid is None:
        raise BenchError(f"{folder} has no about.json that says what its grid is")
    share = Shard.read(about["shard"]) if about.get("shard") else None
    plan = sweep.plan(grid.trials(share), sweep.Todo(Store(folder).have()))
    names = ("trials", "done", "failed", "stale", "left")
    rows = [{"learner": l} | {n: counts[n] for n in names} for l, counts in plan.learners.items()]
    show(pd.DataFrame(rows), format)
    if not plan["left"]:
        return
    # Of the run that goes on, or was the last: records so far in the time until the latest.
    latest = (folder / "records.jsonl").stat().st_mtime
    seconds, new = latest - about.get("began", latest), plan["done"] - about.get("had", 0)
    if seconds > 0 and new > 0:
        notes.print(
            f"{new / seconds:.3g} trials a second; {spoken(plan['left'] * seconds / new)} left at "
            f"that rate; the latest record is {spoken(max(time.time() - latest, 0))} old"
        )
    notes.print(
        f"to go on: python run_bench.py {shlex.join(about.get('command', []))}", soft_wrap=True
    )


@app.command()
def merge(
    runs: Annotated[list[str], typer.Argument(help="Folders of runs, or names under runs/.")],
    out: Annotated[Path, typer.Option(help="The folder of the run that they make together.")],
) -> None:
    """Put runs together: shards of a grid, or parts of it from several machines.

    Two good records of one trial that say different things raise an alarm, and exit code 1.

    Example: `python run_bench.py merge runs/quick-1-of-2 runs/quick-2-of-2 --out runs/whole`
    """
    from bench.merge import environments
    from bench.merge import merge as merged

    done = merged([_folder(run) for run in runs], out)
    notes.print(f"{done.records} records in {out}; {done.twice} were there twice")
    if not done.alarms:
        return
    notes.print(
        f"determinism alarm: {len(done.alarms)} trials have good records that differ in more than "
        f"timings"
    )
    for alarm in done.alarms[:10]:
        notes.print(f"  {tuple(alarm.key)}", markup=False)
        for name, values in alarm.values.items():
            for run, value in zip(alarm.runs, values, strict=True):
                notes.print(f"    {name} = {value!r} in {run}", markup=False)
    for alarm in {alarm.runs: alarm for alarm in done.alarms}.values():
        different = environments(alarm)
        notes.print(f"  environments of {alarm.runs[0]} and {alarm.runs[1]}:", markup=False)
        for name, (one, two) in different.items():
            notes.print(f"    {name}: {one!r} | {two!r}", markup=False)
        if not different:
            notes.print("    they are described alike")
    raise typer.Exit(1)


@app.command()
def export(
    run: Run,
    out: Annotated[Path, typer.Option(help="A file that ends in .parquet or .csv.")],
) -> None:
    """Write the records of a run as one table, Parquet or CSV.

    Example: `python run_bench.py export quick --out quick.parquet`
    """
    if out.suffix not in (".parquet", ".csv"):
        raise BenchError(f"{out} ends neither in .parquet nor in .csv")
    frame = _records(_folder(run))
    frame["epochs"] = [json.dumps(e) if isinstance(e, dict) else None for e in frame["epochs"]]
    if out.suffix == ".csv":
        frame.to_csv(out, index=False)
    else:
        frame.to_parquet(out, index=False)
    notes.print(f"wrote {len(frame)} records to {out}")


@app.command()
def curves(run: Run, select: Select = None, epoch: Epoch = None, format: Format = None) -> None:
    """Success curves: mean success at each size with its 95 % interval over seeds.

    Example: `python run_bench.py curves quick --format csv`
    """
    from results.curves import success_curves
    from results.frames import CELL
    from results.terminal import show, with_interval

    table = success_curves(_records(_folder(run), select, epoch))
    short = [*CELL, "size", "mean", "low", "high"]
    short += ["seeds", "failed", "accuracy", "effective_size"]
    full = format in ("csv", "json")
    show(table if full else with_interval(table[short], "mean", "success"), format)


@app.command()
def critical(
    run: Run,
    level: Annotated[
        list[float] | None, typer.Option(min=0, max=1, help="A level of success. Repeatable.")
    ] = None,
    select: Select = None,
    epoch: Epoch = None,
    format: Format = None,
) -> None:
    """Critical masses: the smallest collective that reaches a level, with 95 % intervals.

    Example: `python run_bench.py critical quick --level 0.5 --level 0.9`
    """
    from results.critical import critical_mass
    from results.curves import success_curves
    from results.outputs import LEVELS, summary
    from results.terminal import brief, plain, show

    records, levels = _records(_folder(run), select, epoch), tuple(level or LEVELS)
    if format in ("csv", "json"):
        show(critical_mass(success_curves(records), levels), format)
    else:
        table = plain(summary(records, levels))
        show(table if format == "md" else brief(table), format)


@app.command()
def compare(
    run: Run,
    baseline: Annotated[str, typer.Option(help="The learner to compare with.")] = "ERM",
    level: Annotated[float, typer.Option(min=0, max=1, help="The level of success.")] = 0.5,
    select: Select = None,
    epoch: Epoch = None,
    format: Format = None,
) -> None:
    """Paired differences to a baseline, with intervals and Holm-corrected sign-flip tests.

    Example: `python run_bench.py compare quick --baseline ERM`
    """
    from results.compare import compare as paired
    from results.frames import CELL
    from results.terminal import show, with_interval

    records = _records(_folder(run), select, epoch)
    try:
        table = paired(records, baseline, level)
    except ValueError as error:
        raise BenchError(str(error)) from error
    short = [*CELL, "measure", "size", "difference", "low", "high", "seeds", "p", "p_holm", "note"]
    full = format in ("csv", "json")
    show(table if full else with_interval(table[short], "difference", "difference"), format)


@app.command()
def choices(
    run: Run,
    select: Annotated[Rule, typer.Option(help="By what the firm chooses.")] = "accuracy",
    format: Format = None,
) -> None:
    """Which variant of a learner firms choose on their validation data, and how often.

    Example: `python run_bench.py choices searched --select loss`
    """
    from results.selection import choices as counted
    from results.terminal import plain, show

    show(plain(counted(_records(_folder(run), select))), format)


@app.command()
def bounds(
    run: Run,
    out: Annotated[
        Path | None, typer.Option(help="A folder for figures of promises and of strategies.")
    ] = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """What theory promises beside what was measured: broken promises, and slack.

    Only "exact" is a guarantee, and only against a firm that is optimal; the other bounds are
    estimates from what firm and members have.

    Example: `python run_bench.py bounds quick`
    """
    import pandas as pd

    from bench.store import Store
    from results.frames import KEY
    from results.promises import write
    from results.slack import promised, violations
    from results.terminal import plain, show

    _plug(plugin)
    names = [*KEY, "success", "bounds"]
    good = [r for r in Store(_folder(run)).records() if r["status"] == "ok" and r.get("bounds")]
    rows = [{name: record[name] for name in names} for record in good]
    table = promised(pd.DataFrame(rows, columns=names))
    show(plain(violations(table)), format)
    for path in write(_own_records(_folder(run)), table, out) if out else ():
        notes.print(f"wrote {path}")


@app.command()
def plan(
    dataset: Annotated[str, typer.Option(help="The dataset whose people are asked.")],
    strategy: Annotated[str, typer.Option(help="What they will do.")] = "FeatureLabel",
    target_success: Annotated[
        float, typer.Option(min=0, max=1, help="The success that they want.")
    ] = 0.9,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.9999, help="How sure they want to be.")
    ] = 0.95,
    error: Annotated[
        float, typer.Option(min=0, max=0.99, help="By how much the firm may miss the best.")
    ] = 0.0,
    near: Annotated[
        Literal["tv", "contamination"], typer.Option(help="What that error means.")
    ] = "tv",
    test: Annotated[
        int, typer.Option(min=1, help="The number of people success is measured on.")
    ] = 100_000,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """How many members are enough, by the bound, before anyone acts.

    Example: `python run_bench.py plan --dataset "Cars(n=200000)" --strategy FeatureLabel`
    """
    import pandas as pd

    from bench.planning import plan as planned
    from bench.specs import parse
    from collectives.sample_bounds import Terms
    from results.terminal import show

    _plug(plugin)
    data = parse(dataset, "datasets")
    made = parse(strategy, "strategies").filled(data.signal, data.label)

    def terms(people: int) -> Terms:
        return Terms(people, test, 1 - confidence, error, near)

    row = {"strategy": repr(made), **planned(data, made, target_success, terms)}
    if row["members"] is None and format is None:
        print(
            f"not even all are enough: of {row['people']} people, the best that any number of "
            f"members is promised is {row['promised']:.3f}"
        )
        return
    show(pd.DataFrame([row]), format)


@app.command()
def figures(
    run: Run,
    only: Annotated[str | None, typer.Option(help="One figure, by name.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to; the run's figures/, if left.")
    ] = None,
    select: Select = None,
    epoch: Epoch = None,
) -> None:
    """Draw all figures of a run from its records, PNG and SVG, each with its table.

    Example: `python run_bench.py figures quick --only success`
    """
    from results.outputs import write_figures

    folder = _folder(run)
    planned = _about(folder).get("trials")
    try:
        paths = write_figures(
            _records(folder, select, epoch), out or folder / "figures", planned, only
        )
    except ValueError as error:
        raise BenchError(str(error)) from error
    for path in paths:
        print(path)


@app.command()
def check(
    component: Annotated[str, typer.Argument(help="A spec, or a Python file.")],
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Run the contract on a learner, strategy, signal or dataset; each check with its verdict.

    Example: `python run_bench.py check my_learner.py`
    """
    import pandas as pd

    from bench.contract import verdicts
    from bench.registry import REGISTRY
    from bench.specs import parse_any

    _plug(plugin)
    if component.endswith(".py"):
        components = [cls() for cls in REGISTRY.load(component)]
    else:
        components = [parse_any(component)]
    rows = [
        {
            "component": type(c).__name__,
            "check": v.check,
            "verdict": "failed" if v.reason else "ok",
            "says": v.reason or v.says,
        }
        for c in components
        for v in verdicts(c)
    ]
    table = pd.DataFrame(rows)
    if format is None:
        view = Table(box=None, pad_edge=False)
        for column in table.columns:
            view.add_column(column, overflow="fold")
        for row in rows:
            style = "red" if row["verdict"] == "failed" else None
            view.add_row(*[text.replace("[", r"\[") for text in row.values()], style=style)
        Console(highlight=False).print(view)
    else:
        from results.terminal import show

        show(table, format)
    if any(row["verdict"] == "failed" for row in rows):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; errors that a user can mend are one line and exit code 2."""
    try:
        app()
    except BenchError as error:
        notes.print(f"error: {error}", markup=False, style="red", soft_wrap=True)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        notes.print(f"error: {error.filename}: {error.strerror}", markup=False, style="red")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
