"""Means over seeds of how well suspicion scores find members."""

import numpy as np
import pandas as pd

from results.stats.frames import CELL
from results.stats.intervals import bounded

_CELL = [*CELL, "size", "score"]


def mean_areas(records: pd.DataFrame) -> pd.DataFrame:
    """Return the mean measures of each score at each size, with 95 % intervals over seeds.

    Arguments:
        records: A row a trial and score, with the columns of a trial's key, ``score``, ``auc``
            and ``top_share``. Rows without a measure are left out.

    Returns:
        A row a cell, score and size: ``auc`` and ``top_share``, each with ``..._low`` and
        ``..._high``, and the number of ``seeds``.
    """
    known = records[records["auc"].notna()]
    rows = []
    for key, group in known.groupby(_CELL, sort=True):
        row = dict(zip(_CELL, key, strict=True))
        for name in ("auc", "top_share"):
            mean, low, high, _ = bounded(group[name].to_numpy(float))
            row |= {name: mean, f"{name}_low": low, f"{name}_high": high}
        rows.append(row | {"seeds": len(group)})
    ends = [f"{name}{end}" for name in ("auc", "top_share") for end in ("", "_low", "_high")]
    return pd.DataFrame(rows, columns=[*_CELL, *ends, "seeds"])


def mean_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the mean ROC curve of each score at each size, with 95 % intervals over seeds.

    Curves are averaged at equal shares of others, pointwise.

    Arguments:
        curves: A row a point of a curve, with the columns of a trial's key, ``score``, ``others``
            and ``found``.

    Returns:
        A row a point of a mean curve: ``found`` with ``low`` and ``high``, and the number of
        ``seeds``.
    """
    rows = []
    for key, group in curves.groupby([*_CELL, "others"], sort=True):
        mean, low, high, _ = bounded(group["found"].to_numpy(float))
        place = dict(zip([*_CELL, "others"], key, strict=True))
        rows.append(place | {"found": mean, "low": low, "high": high, "seeds": len(group)})
    return pd.DataFrame(rows, columns=[*_CELL, "others", "found", "low", "high", "seeds"])


def unfold(records: pd.DataFrame, nodes: np.ndarray) -> pd.DataFrame:
    """Return ROC curves as rows, one a point.

    Arguments:
        records: A row a trial and score, with the column ``roc``, a list of shares of members, or
            None.
        nodes: The shares of others at which curves are known.
    """
    kept = records.loc[records["auc"].notna(), [*_CELL, "seed", "roc"]]
    points = kept.explode("roc", ignore_index=True).rename(columns={"roc": "found"})
    return points.assign(others=np.tile(nodes, len(kept)), found=points["found"].astype(float))
