"""Success by round, for firms that update their models."""

import re

import pandas as pd

from results.stats.frames import CELL, checked
from results.stats.intervals import bounded

_ROUND = re.compile(r"measure_success_round_(\d+)")


def round_curves(records: pd.DataFrame) -> pd.DataFrame:
    """Return mean success in each round, with a 95 % interval over seeds.

    Arguments:
        records: One row a trial, with a column ``measure_success_round_1`` and so on.

    Returns:
        A row for each cell, size and round: ``mean``, ``low``, ``high``, ``interval`` and
        ``seeds``.

    Raises:
        ValueError: If the records have no rounds.
    """
    columns = {int(m[1]): m[0] for name in records.columns if (m := _ROUND.fullmatch(str(name)))}
    if not columns:
        raise ValueError("records have no rounds: there is no column measure_success_round_1")
    table = checked(records)
    rows = []
    for key, trials in table[table["ok"]].groupby([*CELL, "size"]):
        for number, name in sorted(columns.items()):
            values = trials[name].dropna().to_numpy(float)
            if not len(values):
                continue
            mean, low, high, kind = bounded(values, float(trials["tested"].min()))
            ends = {"mean": mean, "low": low, "high": high, "interval": kind}
            cell = dict(zip([*CELL, "size"], key, strict=True))
            rows.append({**cell, "round": number, **ends, "seeds": len(values)})
    return pd.DataFrame(rows)
