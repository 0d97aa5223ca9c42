"""Success and effective size while a learner trains."""

import pandas as pd

from results.stats.frames import CELL, KEY
from results.stats.intervals import bounded

_COLUMNS = [*CELL, "size", "epoch", "mean", "low", "high", "effective_size", "seeds"]


def by_epoch(records: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each trial and epoch, of learners that recorded their epochs.

    Arguments:
        records: One row a trial; ``epochs`` holds a dictionary of lists, or None.

    Returns:
        The key's columns, ``epoch`` (from 1 on), ``success`` and ``effective_size``. The table is
        empty if no trial recorded its epochs.
    """
    rows = []
    traced = records[[isinstance(e, dict) for e in records.get("epochs", [None] * len(records))]]
    for trial in traced.to_dict("records"):
        epochs = trial["epochs"]
        sizes = epochs.get("effective_size", [None] * len(epochs["success"]))
        for epoch, (success, size) in enumerate(zip(epochs["success"], sizes, strict=True), 1):
            rows.append(
                {
                    **{name: trial[name] for name in KEY},
                    "epoch": epoch,
                    "success": success,
                    "effective_size": size,
                }
            )
    return pd.DataFrame(rows, columns=[*KEY, "epoch", "success", "effective_size"])


def dynamics(records: pd.DataFrame) -> pd.DataFrame:
    """Average over seeds after each epoch, with the 95 % interval of success.

    Arguments:
        records: One row a trial.

    Returns:
        A row for each cell, size and epoch: ``mean``, ``low``, ``high``, ``effective_size``
        (its mean over seeds) and ``seeds``.
    """
    rows = []
    for key, trials in by_epoch(records).groupby([*CELL, "size", "epoch"]):
        mean, low, high, _ = bounded(trials["success"].to_numpy(float))
        effective_size = trials["effective_size"].astype(float).mean()
        rows.append([*key, mean, low, high, effective_size, len(trials)])
    return pd.DataFrame(rows, columns=_COLUMNS)
