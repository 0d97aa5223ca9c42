"""Experiments whose trials are not those of a grid, run with a progress bar."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.cli.execution import Settings
from bench.cli.shared import notes, progress_bar

if TYPE_CHECKING:
    import pandas as pd

    from bench.execution.measurements import Measurement


def measured_records(measurements: "Sequence[Measurement]", settings: Settings) -> "pd.DataFrame":
    """Run the measurements that a folder lacks, and return the records of all of them.

    Arguments:
        measurements: All measurements of the experiment.
        settings: Where and how they are run.
    """
    from bench.execution.measurements import missing, records_of_measurements, run_measurements

    folder = settings.folder
    todo = missing(measurements, folder, settings.retry_failed, settings.rerun_stale)
    done = len(measurements) - len(todo)
    notes.print(f"{len(measurements)} trials, {done} of them in {folder} already", soft_wrap=True)
    try:
        with progress_bar(len(todo), "trials") as advance:
            run_measurements(todo, folder, settings.workers, advance)
    except KeyboardInterrupt:
        notes.print(f"interrupted: the same command goes on from the records in {folder}")
        raise
    return records_of_measurements(measurements, folder)
