"""Amplification of a promoted song: its share of recommendations over its share of the data."""

import pandas as pd

from results.stats.frames import CELL, PANEL, checked, number
from results.stats.intervals import Interval, bounded, student, written

#: The columns of records of playlists that say how often the song occurs.
TRAINED, PROPORTIONAL, AMPLIFICATION = (
    "measure_trained",
    "measure_proportional",
    "measure_amplification",
)


def amplification_curves(records: pd.DataFrame) -> pd.DataFrame:
    r"""Return mean amplification and mean success at each size, with 95 % intervals over seeds.

    Amplification is a ratio without an upper limit. Its interval is the plain t interval of
    :func:`results.stats.intervals.student`, cut at 0. It is unreliable where only a few seeds
    have any recommendation of the song. Success is a share, with the interval of
    :func:`results.stats.intervals.bounded`.

    Arguments:
        records: One row a trial.

    Returns:
        A row for each cell and size: ``members`` and ``n``; ``amplification``, ``low``, ``high``
        and ``interval``, NaN without members; ``success``, ``success_low``, ``success_high`` and
        ``success_interval``; ``proportional``, the success that the share of the training data
        gives; ``accuracy``; ``seeds``.
    """
    table = checked(records)
    table = table[table["ok"]]
    rows = []
    for key, trials in table.groupby([*CELL, "size"]):
        amplified = student(number(trials, AMPLIFICATION).dropna().to_numpy())
        won = bounded(trials["success"].to_numpy(float), float(trials["tested"].min()))
        rows.append(
            {
                **dict(zip([*CELL, "size"], key, strict=True)),
                "members": float(trials["members"].median()),
                "n": float(trials["n"].median()),
                "amplification": amplified.mean,
                "low": max(amplified.low, 0.0),
                "high": amplified.high,
                "interval": amplified.kind,
                "success": won.mean,
                "success_low": won.low,
                "success_high": won.high,
                "success_interval": won.kind,
                "proportional": float(number(trials, PROPORTIONAL).mean()),
                "accuracy": float(trials["accuracy"].mean()),
                "seeds": len(trials),
            }
        )
    return pd.DataFrame(rows)


def readable(curves: pd.DataFrame) -> pd.DataFrame:
    """Return curves for reading, with a mean and its interval in one column.

    Arguments:
        curves: Result of :func:`amplification_curves`.
    """
    pairs = {
        "success": ("success", "success_low", "success_high", "success_interval"),
        "amplification": ("amplification", "low", "high", "interval"),
    }
    texts = {
        name: [
            written(Interval(*(row[column] for column in columns)), row["seeds"], digits)
            for row in curves.to_dict("records")
        ]
        for (name, columns), digits in zip(pairs.items(), (3, 1), strict=True)
    }
    shown = curves[[*PANEL, "learner", "size", "members"]].assign(**texts)
    shown = shown.assign(
        proportional=curves["proportional"], accuracy=curves["accuracy"], seeds=curves["seeds"]
    )
    return shown.drop(columns=["validation", "groups", "recruitment"])
