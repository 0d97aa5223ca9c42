"""Execution of a grid in two stages: tuning on seeds of its own, then the grid itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.cli.execution import Settings, execute
from bench.cli.shared import all_records, notes
from bench.records import entries
from bench.tuning.choice import Rule, choose, chosen
from bench.tuning.stage import FIRST_SEED, SEEDS, SIZES, candidates, tuning_grid

if TYPE_CHECKING:
    import pandas as pd

    from bench.cli.execution import ProgressBar
    from bench.execution.sweep import Plan, Progress
    from bench.spec.grid import Grid


@dataclass(frozen=True)
class Tuning:
    """How learners are tuned.

    Arguments:
        draws: The number of settings of each learner; 0 for no tuning.
        rule: The measure on validation data by which a setting is chosen.
        published: Name of published records from which the run starts; None to start anew.
    """

    draws: int = 0
    rule: Rule = "accuracy"
    published: str | None = None


class Stage(NamedTuple):
    """A stage of a run.

    Arguments:
        grid: The grid, with all specs written out.
        settings: Where and how it is run.
        published: Published records from which it starts, with their description, if any.
    """

    grid: "Grid"
    settings: Settings
    published: "tuple[pd.DataFrame, dict[str, Any]] | None"

    def plan(self) -> "Plan":
        """Return which trials are neither in the folder nor published."""
        from bench.records.adoption import adoptable
        from bench.records.lines import Have
        from bench.records.store import Store

        its, have = self.settings, Store(self.settings.folder).have()
        if self.published is not None:
            rows = adoptable(self.published[0], self.grid.trials(its.shard), have)
            have |= {
                key: Have(status == "ok", code)
                for key, status, code in zip(rows.index, rows["status"], rows["code"], strict=True)
            }
        return its.plan(self.grid, have)


def stages(grid: "Grid", settings: Settings, tuning: Tuning) -> "list[Stage]":
    """Return all stages of a run, for a forecast.

    Before the tuning trials are done, each learner stands for the setting that will be chosen.
    """
    if not tuning.draws:
        return [Stage(grid.written_out(), settings, _start(tuning))]
    tried = candidates(grid, tuning.draws, settings.shard)
    whole = replace(settings, shard=None)
    choices, start = entries.read(settings.folder, entries.CHOICES), _start(tuning, tuned=True)
    if choices is None and start is not None:
        choices = choose(start[0], tried)
    known = {} if choices is None else chosen(choices, tuning.rule)
    second = {entry: known.get(entry, specs[:1]) for entry, specs in tried.items()}
    return [
        Stage(tuning_grid(grid, tried), _tuning(whole), start),
        Stage(grid.written_out(second), whole, _start(tuning)),
    ]


def execute_stages(
    grid: "Grid",
    settings: Settings,
    tuning: Tuning,
    description: Mapping[str, Any] | None = None,
    progress_bar: "ProgressBar | None" = None,
) -> tuple["Progress", int]:
    """Run the tuning trials of a grid and the grid with the chosen settings, or the grid alone.

    Arguments:
        grid: The grid, whose learners may be named in short.
        settings: Where and how it is run. With tuning, a shard is a share of the learners on the
            datasets, each of which is tuned where it is run.
        tuning: How learners are tuned.
        description: Further entries of the run's description.
        progress_bar: Shows the progress; a bar on stderr if None.

    Returns:
        The progress of the grid in the end, and how many trials the whole grid has.
    """
    about: dict[str, Any] = {"tune": tuning.draws, "tune_by": tuning.rule, "models": _models(grid)}
    about |= description or {}
    runs = grid.entries()
    if not tuning.draws:
        named = all(entry.learner == repr(run) for entry, run in runs.items())
        plain = None if named else {entry: [repr(run)] for entry, run in runs.items()}
        _write_settings(settings, plain)
        return execute(grid.written_out(), settings, about, _start(tuning), progress_bar)
    whole, settings = settings, replace(settings, shard=None)
    tried = candidates(grid, tuning.draws, whole.shard)
    first = tuning_grid(grid, tried)
    if first.parts:
        stage = {"tuning": {"draws": tuning.draws, "sizes": SIZES, "seeds": [FIRST_SEED, SEEDS]}}
        execute(first, _tuning(settings), stage, _start(tuning, tuned=True), progress_bar)
        entries.write(_tuning(settings).folder, entries.table(tried), entries.TRIED)
    choices = _choices(settings, tried)
    specs = chosen(choices, tuning.rule)
    _write_settings(settings, specs)
    _report_choices(choices[choices["rule"] == tuning.rule], settings)
    runnable = grid.written_out(specs)
    progress, total = execute(runnable, settings, about, _start(tuning), progress_bar)
    if whole.shard is not None:
        total = grid.written_out({entry: [repr(run)] for entry, run in runs.items()}).count()
    return progress, total


def _tuning(settings: Settings) -> Settings:
    """Return the settings of the tuning stage."""
    return replace(settings, folder=settings.folder / entries.TUNING)


def _choices(settings: Settings, tried: Mapping[Any, Any]) -> "pd.DataFrame":
    """Return what is chosen by all rules, and write it into the folder of the run."""
    import pandas as pd

    folder = _tuning(settings).folder
    columns = ["status", "accuracy", "success", "size", "firm_accuracy", "firm_worst_group"]
    records = pd.DataFrame(columns=[*entries.COLUMNS, *columns, "firm_loss"])
    if (folder / "records.jsonl").exists():
        frame = all_records(folder)
        records = entries.by_entry(frame[frame["seed"] >= FIRST_SEED], entries.table(tried))
    choices = choose(records, tried)
    entries.write(settings.folder, choices, entries.CHOICES)
    return choices


def _write_settings(settings: Settings, specs: Any) -> None:
    """Write which setting stands for which learner; if all stand for themselves, nothing."""
    file = settings.folder / entries.FILE
    if specs is not None:
        entries.write(settings.folder, entries.table(specs))
    elif file.exists():
        file.unlink()


def _report_choices(choices: "pd.DataFrame", settings: Settings) -> None:
    """Print how many choices were made, and how many of them were ties."""
    searched = choices[choices["settings"] > 1]
    ties, spread = int((searched["tied"] > 1).sum()), searched["success_range"].max()
    apart = f", whose success differs by up to {spread:.2f}" if ties else ""
    notes.print(
        f"tuned {len(searched)} of {len(choices)} pairs of a dataset and a learner; {ties} had "
        f"several best settings{apart}; see {settings.folder / entries.CHOICES}",
        soft_wrap=True,
    )


def _models(grid: "Grid") -> dict[str, dict[str, str | None]]:
    """Return network and wrapper of the datasets for which a grid sets them."""
    return {
        repr(data): {"network": part.network, "wrapper": part.wrapper}
        for part in grid.parts
        if part.network or part.wrapper
        for data in part.sources()
    }


def _start(tuning: Tuning, tuned: bool = False) -> Any:
    """Return published records from which a stage starts, with their description; or None."""
    from bench.records import published

    if tuning.published is None:
        return None
    return published.read_tuning(tuning.published) if tuned else published.read(tuning.published)
