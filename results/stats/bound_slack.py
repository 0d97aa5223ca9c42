"""Promises beside what was measured: which were broken, and by how much others were exceeded."""

import pandas as pd

from results.stats.frames import CELL, KEY

#: How columns begin that hold a promise.
BOUND = "bound_"
#: Sums round.
ROUNDING = 1e-9


def promised(records: pd.DataFrame) -> pd.DataFrame:
    """A row for each trial and each bound that its cell has: what was promised, and what came.

    Arguments:
        records: One row a trial, with its key, ``success``, and a column for each bound.

    Returns:
        The key's columns, ``success``, the name of the ``bound``, what it ``promised``, and the
        ``slack``: success less promise. NaN where it has nothing to say, to nobody at size 0,
        say: the control is measured all the same.
    """
    bounds = {c: c.removeprefix(BOUND) for c in records.columns if str(c).startswith(BOUND)}
    names = [*KEY, "success"]
    table = records[[*names, *bounds]].rename(columns=bounds)
    table = table.melt(names, var_name="bound", value_name="promised")
    told = table.groupby([*CELL, "bound"])["promised"].transform("count") > 0
    table = table[told & table["success"].notna()]
    table = table.sort_values([*KEY, "bound"], kind="stable", ignore_index=True)
    return table.assign(slack=table["success"].astype(float) - table["promised"])


def violations(table: pd.DataFrame) -> pd.DataFrame:
    """How often success fell short of a promise, and how far it was from it.

    Arguments:
        table: What :func:`promised` returns.

    Returns:
        A row for each cell and bound: ``trials``, ``violations``, the ``least`` and the ``mean``
        slack, and the size at which the least was.
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
