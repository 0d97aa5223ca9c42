"""Means over seeds of the success of collectives at test time."""

from collections.abc import Sequence

import pandas as pd

from results.stats.intervals import bounded


def mean_success(records: pd.DataFrame, budgets: Sequence[int]) -> pd.DataFrame:
    """Return mean success by learner, way and budget, with 95 % intervals over seeds.

    Arguments:
        records: One row a trial, with the columns ``measure_none``, ``measure_random``, and
            ``measure_universal_Q`` for each budget.
        budgets: The numbers Q of queries.

    Returns:
        A row a dataset, learner, ``way`` and ``budget``: ``success`` with ``low`` and ``high``,
        and the number of ``seeds``. The success of the ways "none" and "random" takes no queries:
        it is the same at all budgets.
    """
    rows = []
    for (data, learner), trials in records.groupby(["dataset", "learner"], sort=True):
        for way in ("universal", "random", "none"):
            for budget in budgets:
                column = f"measure_universal_{budget}" if way == "universal" else f"measure_{way}"
                values = trials[column].dropna().to_numpy(float)
                if not len(values):
                    continue
                mean, low, high, _ = bounded(values)
                key = {"dataset": data, "learner": learner, "way": way, "budget": budget}
                found = {"success": mean, "low": low, "high": high}
                rows.append(key | found | {"seeds": len(values)})
    columns = ["dataset", "learner", "way", "budget", "success", "low", "high", "seeds"]
    return pd.DataFrame(rows, columns=columns)
