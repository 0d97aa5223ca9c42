"""The slack of bounds on success: success less the bound."""

import pandas as pd

from results.stats.frames import CELL, KEY
from results.stats.values import plain_success

#: The prefix of columns that hold a bound.
BOUND = "bound_"
#: Bounds are sums, and may be off by this much.
ROUNDING = 1e-9


def promised(records: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each trial and each bound that its cell has.

    Arguments:
        records: One row a trial, with its key, ``success``, and a column for each bound.

    Returns:
        The key's columns, ``success``, the name of the ``bound``, its value ``promised``, and the
        ``slack``: success less the bound, both NaN where there is no bound, as without members.
    """
    bounds = {c: c.removeprefix(BOUND) for c in records.columns if str(c).startswith(BOUND)}
    names = [*KEY, "success"]
    # Bounds are on success on all test points.
    records = records.assign(success=plain_success(records))
    table = records[[*names, *bounds]].rename(columns=bounds)
    table = table.melt(names, var_name="bound", value_name="promised")
    bounded = table.groupby([*CELL, "bound"])["promised"].transform("count") > 0
    table = table[bounded & table["success"].notna()]
    table = table.sort_values([*KEY, "bound"], kind="stable", ignore_index=True)
    return table.assign(slack=table["success"].astype(float) - table["promised"])


def violations(table: pd.DataFrame) -> pd.DataFrame:
    """Return how often success fell short of a bound, and by how much it exceeded it.

    Arguments:
        table: The table that :func:`promised` returns.

    Returns:
        A row for each cell and bound: ``trials``, ``violations``, the ``least`` and the ``mean``
        slack, and the size of the least.
    """
    rows = []
    kept = table.dropna(subset="promised")
    for names, group in kept.groupby([*CELL, "bound"], sort=True):
        slack = group["slack"].to_numpy(float)
        rows.append(
            {
                **dict(zip([*CELL, "bound"], names, strict=True)),
                "trials": len(group),
                "violations": int((slack < -ROUNDING).sum()),
                "least": slack.min(),
                "at size": group["size"].to_numpy(float)[slack.argmin()],
                "mean": slack.mean(),
            }
        )
    columns = [*CELL, "bound", "trials", "violations", "least", "at size", "mean"]
    return pd.DataFrame(rows, columns=columns)
