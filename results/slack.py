"""Promises beside what was measured: which were broken, and by how much others were exceeded."""

import pandas as pd

from results.frames import CELL

#: Sums round.
ROUNDING = 1e-9


def promised(records: pd.DataFrame) -> pd.DataFrame:
    """A row for each promise of each trial.

    Arguments:
        records: One row a trial, with its key, ``success``, and the dictionary ``bounds``.

    Returns:
        The key's columns, ``success``, the name of the ``bound``, what it ``promised``, and the
        ``slack``: success less promise.
    """
    told = [
        {**row, "bound": name, "promised": float(value)}
        for row in records.to_dict("records")
        for name, value in (row["bounds"] or {}).items()
        if value is not None
    ]
    columns = [*[c for c in records.columns if c != "bounds"], "bound", "promised"]
    table = pd.DataFrame(told, columns=columns)
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
    for names, group in table.groupby([*CELL, "bound"], sort=True):
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
