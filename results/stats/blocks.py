"""Means over seeds of the accuracy with blocks of points randomised."""

import pandas as pd

from results.stats.frames import CELL
from results.stats.intervals import bounded

_INTACT, _RANDOMISED = "measure_intact", "measure_randomised_"


def mean_accuracies(records: pd.DataFrame) -> pd.DataFrame:
    """Return the mean accuracy with each block randomised, with 95 % intervals over seeds.

    Arguments:
        records: One row a trial, with the column ``measure_intact``, and ``measure_randomised_B``
            for each block B.

    Returns:
        A row for each cell, size and ``randomised`` block, "none" among them: ``accuracy`` with
        ``low`` and ``high``, and the number of ``seeds``.
    """
    names = {_INTACT: "none"} | {
        str(name): str(name).removeprefix(_RANDOMISED)
        for name in records.columns
        if str(name).startswith(_RANDOMISED)
    }
    rows = []
    for key, trials in records.groupby([*CELL, "size"], sort=True):
        cell = dict(zip([*CELL, "size"], key, strict=True))
        for column, name in names.items():
            values = trials[column].dropna().to_numpy(float)
            if len(values):
                mean, low, high, _ = bounded(values)
                ends = {"accuracy": mean, "low": low, "high": high, "seeds": len(values)}
                rows.append({**cell, "randomised": name, **ends})
    columns = [*CELL, "size", "randomised", "accuracy", "low", "high", "seeds"]
    return pd.DataFrame(rows, columns=columns)
