"""Means over seeds of the figures of merit of generated images during training."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from results.stats.frames import CELL
from results.stats.intervals import bounded, student

#: Figures of merit that are shares. All others have plain t intervals.
SHARES = ("precision", "recall", "coverage")


def mean_snapshots(records: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the mean of figures of merit at each snapshot, with 95 % intervals over seeds.

    Arguments:
        records: One row a trial, with the columns ``measure_NAME_at_K``, K from 1.
        names: The names of the figures of merit.

    Returns:
        A row for each cell, ``measure`` and ``snapshot``, counted from 1: ``mean`` with ``low``
        and ``high``, and the number of ``seeds``.
    """
    rows = []
    for key, trials in records.groupby(CELL, sort=True):
        cell = dict(zip(CELL, key, strict=True))
        for name in names:
            interval = bounded if name in SHARES else student
            number = 1
            while (column := f"measure_{name}_at_{number}") in trials:
                values = trials[column].dropna().to_numpy(float)
                if len(values):
                    mean, low, high, _ = interval(values)
                    ends = {"mean": mean, "low": low, "high": high, "seeds": len(values)}
                    rows.append({**cell, "measure": name, "snapshot": number, **ends})
                number += 1
    return pd.DataFrame(
        rows, columns=[*CELL, "measure", "snapshot", "mean", "low", "high", "seeds"]
    )


def at_seconds(trials: pd.DataFrame, name: str, seconds: pd.Series) -> pd.Series:
    """Return a figure of merit at some time of each training, interpolated between snapshots.

    The figure is taken to be 0 at the start, as shares are of a generator without training, and
    after the end that of the end.

    Arguments:
        trials: One row a seed, with the columns ``measure_NAME_at_K`` and
            ``measure_seconds_at_K``, K from 1.
        name: The name of the figure of merit.
        seconds: The time by seed.

    Returns:
        The figure by seed; NaN for a seed that lacks the time or a snapshot.

    Example:
        >>> trials = pd.DataFrame({"seed": [7], "measure_seconds_at_1": [2.0],
        ...     "measure_recall_at_1": [0.4], "measure_seconds_at_2": [4.0],
        ...     "measure_recall_at_2": [0.8]})
        >>> [float(at_seconds(trials, "recall", pd.Series({7: t}))[7]) for t in (1.0, 2.5, 9.0)]
        [0.2, 0.5, 0.8]
    """
    rows, found = trials.set_index("seed"), {}
    numbers = [k for k in range(1, len(rows.columns)) if f"measure_{name}_at_{k}" in rows]
    for seed, time in seconds.items():
        times, values = (
            rows[[f"measure_{column}_at_{k}" for k in numbers]].reindex([seed]).to_numpy(float)[0]
            for column in ("seconds", name)
        )
        whole = np.isfinite([*times, *values, time]).all()
        found[seed] = np.interp(time, [0, *times], [0, *values]) if whole else np.nan
    return pd.Series(found, dtype=float)
