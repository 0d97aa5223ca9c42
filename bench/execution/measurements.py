"""Experiments whose trials are not those of a grid: run them, and keep their records.

Such an experiment has the records of a run: the same key, the same file, the same columns. So
curves, figures, claims and tables of runs are for them, too.
"""

import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import pandas as pd

from bench.core.environment import environment
from bench.core.errors import BenchError
from bench.execution.each_trial import each_trial
from bench.experiment.trial import Key, Record
from bench.records.code_version import component_version
from bench.records.lines import key_of
from bench.records.store import Store


class Measurement(Protocol):
    """One point of an experiment: a frozen dataclass whose fields are components and numbers."""

    @property
    def key(self) -> Key:
        """The identity of the measurement and of its record."""

    def measure(self) -> Record:
        """Return the fields of the record that describe the result."""


def measured(measurement: Measurement) -> Record:
    """Return the whole record of a measurement; one that fails has a record with its error."""
    started = time.perf_counter()
    try:
        result: Record = {"status": "ok", "error": None} | measurement.measure()
    except Exception as error:
        text = "".join(traceback.format_exception(error)[-2:]).strip()
        result = {"status": "failed", "error": text}
    seconds = time.perf_counter() - started
    return {
        **measurement.key._asdict(),
        **result,
        "seconds": seconds,
        "environment": environment(),
    }


def missing(
    measurements: Sequence[Measurement],
    folder: Path,
    retry_failed: bool = False,
    rerun_stale: bool = False,
) -> list[Measurement]:
    """Return the measurements that have no record in a folder.

    Arguments:
        measurements: All measurements of the experiment.
        folder: The folder of the records.
        retry_failed: Whether those that failed are among them.
        rerun_stale: Whether those whose code has changed since are among them.
    """
    have = Store(folder).have()

    def wanted(one: Measurement) -> bool:
        outcome = have.get(one.key)
        if outcome is None or (retry_failed and not outcome.ok):
            return True
        return rerun_stale and outcome.code != component_version(one)

    return [one for one in measurements if wanted(one)]


def run_measurements(
    measurements: Sequence[Measurement],
    folder: Path,
    jobs: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> None:
    """Run measurements, and commit each record when it is there.

    Arguments:
        measurements: The measurements to run.
        folder: The folder of the records.
        jobs: The number of worker processes. 0 runs them in this process.
        advance: A function that is called after each commit.
    """
    codes = {one.key: component_version(one) for one in measurements}
    with Store(folder) as store:
        for record in each_trial(measurements, measured, jobs):
            store.commit([record | {"code": codes[key_of(record)]}])
            advance()


def records_of_measurements(measurements: Sequence[Measurement], folder: Path) -> pd.DataFrame:
    """Return the records of an experiment as a frame, sorted by key.

    The folder may have records of other experiments, too.

    Raises:
        BenchError: If the folder has none of them.
    """
    frame, keys = Store(folder).frame(), {one.key for one in measurements}
    rows = frame[list(Key._fields)].itertuples(index=False, name=None)
    inside = [Key(*row) in keys for row in rows]
    if not any(inside):
        raise BenchError(f"{folder} has no records of this experiment yet: run it")
    return frame[inside].reset_index(drop=True)
