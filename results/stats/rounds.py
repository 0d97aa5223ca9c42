"""Success by round, for firms that update their models."""

import ast
import re

import numpy as np
import pandas as pd

from results.display_names import parse
from results.stats.frames import CELL, checked
from results.stats.intervals import Array, bounded


def by_round(records: pd.DataFrame, value: str = "success") -> pd.DataFrame:
    """Return a measure in each round, a row a record and a column a round.

    Arguments:
        records: One row a trial, with a column ``measure_success_round_1`` and so on.
        value: The name of the measure.

    Raises:
        ValueError: If the records have no rounds.
    """
    name = re.compile(rf"measure_{re.escape(value)}_round_(\d+)")
    columns = {int(m[1]): m[0] for text in records.columns if (m := name.fullmatch(str(text)))}
    if not columns:
        raise ValueError(f"records have no rounds: there is no column measure_{value}_round_1")
    table = records[[columns[number] for number in sorted(columns)]].astype(float)
    return table.set_axis(sorted(columns), axis=1)


def acting(strategy: str) -> list[float]:
    """Return the share of the collective that acts in each round, by the text of a record.

    Example:
        >>> acting("Rounds(campaign=Campaign(strategy=Idle(), shares=(0.0, 1.0)), drift=No())")
        [0.0, 1.0]
    """
    _, campaign = parse(parse(strategy)[1].get("campaign", ""))
    return [float(share) for share in ast.literal_eval(campaign.get("shares", "()"))]


def round_curves(records: pd.DataFrame, value: str = "success") -> pd.DataFrame:
    """Return the mean of a measure in each round, with a 95 % interval over seeds.

    Arguments:
        records: One row a trial, with a column ``measure_success_round_1`` and so on.
        value: The name of the measure.

    Returns:
        A row for each cell, size and round: ``acting``, the share of the collective that acts;
        ``mean``, ``low``, ``high``, ``interval`` and ``seeds``.

    Raises:
        ValueError: If the records have no rounds.
    """
    table = checked(records)
    rounds = by_round(table, value)
    rows = []
    for key, trials in table[table["ok"]].groupby([*CELL, "size"]):
        cell = dict(zip([*CELL, "size"], key, strict=True))
        shares = dict(enumerate(acting(str(cell["strategy"])), 1))
        for number, column in rounds.loc[trials.index].items():
            values = column.dropna().to_numpy(float)
            if not len(values):
                continue
            mean, low, high, kind = bounded(values, float(trials["tested"].min()))
            ends = {"mean": mean, "low": low, "high": high, "interval": kind}
            share = shares.get(int(str(number)), np.nan)
            rows.append({**cell, "round": number, "acting": share, **ends, "seeds": len(values)})
    return pd.DataFrame(rows)


def rounds_to_half(values: Array, last: int) -> float:
    r"""Return the number of rounds until what a collective has reached falls to half.

    With :math:`v_t` the success in round t above that without a collective, and L the last round
    in which members act,

    .. math:: \min \{k \ge 1 : v_{L + k} \le v_L / 2\}

    Arguments:
        values: The success above the control in each round, (T,).
        last: The last round in which members act, counted from 1.

    Returns:
        The number; the number of rounds that follow plus one, if it does not fall so far; NaN
        where there is nothing to lose.

    Example:
        >>> rounds_to_half(np.array([0.0, 0.8, 0.6, 0.4, 0.1]), last=2)
        2.0
    """
    reached, after = values[last - 1], values[last:]
    if not reached > 0 or np.isnan(after).any():
        return float("nan")
    fallen = np.flatnonzero(after <= reached / 2)
    return float(fallen[0] + 1 if len(fallen) else len(after) + 1)
