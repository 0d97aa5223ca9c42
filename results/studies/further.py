"""Further numbers of the trials of a study, beside those of a run's records."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas as pd

from bench.core.errors import BenchError
from bench.execution.each_trial import each_trial
from bench.experiment.trial import Key, Trial
from results.studies.base import Study

#: The file of these numbers in the folder of a study.
FILE = "measures.csv"
_KEY = list(Key._fields)


def measured(
    study: Study, trials: Iterable[Trial], jobs: int, watch: Callable[[], None] = lambda: None
) -> pd.DataFrame:
    """Return the further numbers of trials, a row a trial with its key.

    A trial that fails has no numbers.

    Arguments:
        study: A study with a function ``measure``.
        trials: The trials.
        jobs: The number of worker processes; 0 stands for this process.
        watch: The function that is called after each trial.
    """
    assert study.measure is not None
    trials, rows = list(trials), []
    numbers = each_trial(trials, _Measured(study.measure), jobs)
    for trial, found in zip(trials, numbers, strict=True):
        named = {f"measure_{name}": value for name, value in found.items()}
        rows.append(trial.key._asdict() | named)
        watch()
    return pd.DataFrame(rows)


class _Measured:
    """A function of trials that returns no numbers for one that fails."""

    def __init__(self, of: Callable[[Trial], Mapping[str, float]]) -> None:
        self.of = of

    def __call__(self, trial: Trial) -> dict[str, float]:
        try:
            return dict(self.of(trial))
        except BenchError:
            # The record of the trial has the error.
            return {}


def completed(study: Study, records: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """Return the records of a study with its further numbers, where it has some.

    Arguments:
        study: The study.
        records: One row a trial.
        folder: The folder of the study.

    Raises:
        BenchError: If the file of the numbers is missing.
    """
    if study.measure is None:
        return records
    path = folder / FILE
    if not path.is_file():
        raise BenchError(f"{path} is missing: run the study again, which writes it")
    table = pd.read_csv(path)
    merged = records.merge(table, how="left", on=_KEY, validate="one_to_one")
    merged.attrs = records.attrs
    return merged
