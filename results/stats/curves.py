"""Success curves, and the areas under them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from results.stats.frames import CELL, PANEL, averaged, checked, number
from results.stats.intervals import Array, Interval, bounded, student

#: The columns of numbers that curves need beside those that they average.
_NUMBERS = ("success", "members", "n", "tested")


def success_curves(records: pd.DataFrame, planned: int | None = None) -> pd.DataFrame:
    r"""Return mean success at each size, with a 95 % interval over seeds.

    .. math::  \bar S(\alpha) = \frac1S \sum_s S_s(\alpha)

    The seed is the unit: the test points of a trial are never counted as independent.
    Failed trials have no success to average. The mean is then one over the others, and ``biased``
    marks the row.

    Arguments:
        records: One row a trial.
        planned: The number of seeds of the grid; None takes the seeds that any learner has
            in the same dataset, strategy, validation, groups and recruitment.

    Returns:
        A row for each dataset, strategy, validation, groups, recruitment, learner and size:
        ``share``, the members' share of the people, which differs from the size where a number of
        members was rounded; ``members`` and ``n``, their number and that of all people; ``mean``,
        ``low``, ``high``, ``interval`` ("t", "agree" or "none", see
        :class:`results.stats.intervals.Interval`), ``seeds`` (finished well), ``failed``,
        ``planned``, ``biased``; then the columns that :func:`results.stats.frames.averaged`
        names, as ``accuracy``, and ``lift``, by how much accuracy is above that of the best
        constant answer, each with ``_low`` and ``_high`` (NaN below two seeds).
    """
    table = checked(records)
    means = averaged(records)
    columns = {name: number(table, name).to_numpy() for name in (*_NUMBERS, *means)}
    columns |= {"ok": table["ok"].to_numpy(bool), "lift": lift(table).to_numpy()}
    known = table.groupby(PANEL)["seed"].nunique().to_dict()
    places: Any = table.groupby([*CELL, "size"]).indices
    rows = []
    for key, at in sorted(places.items()):
        trials = {name: column[at] for name, column in columns.items()}
        seeds = known[key[: len(PANEL)]] if planned is None else planned
        rows.append({**dict(zip([*CELL, "size"], key, strict=True)), **_row(trials, seeds, means)})
    empty = {name: column[:0] for name, column in columns.items()}
    curves = pd.DataFrame(rows, columns=[*CELL, "size", *_row(empty, 0, means)])
    # Where no trial got as far as its members, the size is all that is known.
    return curves.assign(share=curves["share"].fillna(curves["size"]))


def _row(trials: Mapping[str, Array], planned: int, means: list[str]) -> dict[str, Any]:
    """Return the numbers of one cell and size.

    Arguments:
        trials: Columns, (S,), a number a seed; NaN where there is none.
        planned: The number of seeds of the grid.
        means: The columns that are averaged beside success.
    """
    good = {name: column[trials["ok"]] for name, column in trials.items()}
    seeds, failed = len(good["ok"]), int((~trials["ok"]).sum())
    tested = _known(good["tested"]).min(initial=np.inf)
    row = {
        "share": _median(trials["members"] / trials["n"]),
        "members": _median(trials["members"]),
        "n": _median(trials["n"]),
        # Where records don't say how many points were tested, none are counted.
        **named(bounded(good["success"], float(tested) if tested > 0 else np.inf), "mean"),
        "seeds": seeds,
        "failed": failed,
        "planned": planned,
        "biased": failed > 0,
    }
    for name in means:
        mean, low, high, kind = student(_known(good[name]))
        low, high = (np.nan, np.nan) if kind == "none" else (max(low, 0.0), min(high, 1.0))
        row |= {name: mean, f"{name}_low": low, f"{name}_high": high}
    mean, low, high, kind = student(_known(good["lift"]))
    low, high = (np.nan, np.nan) if kind == "none" else (low, high)
    return row | {"lift": mean, "lift_low": low, "lift_high": high}


def _known(values: Array) -> Array:
    """Return the values that are not NaN."""
    return values[~np.isnan(values)]


def _median(values: Array) -> float:
    """Return the median of the values that are not NaN; NaN if there are none."""
    known = _known(values)
    return float(np.median(known)) if len(known) else float("nan")


def lift(records: pd.DataFrame) -> pd.Series:
    """Return by how much each trial's accuracy is above that of the best constant answer."""
    return number(records, "accuracy") - number(records, "constant")


def learns(curve: pd.DataFrame) -> bool:
    """Return whether a learner beats a constant answer without a collective.

    Where it does not, in the mean, its success says nothing about collective action. A learner
    whose accuracy was not recorded counts as one that does.

    Arguments:
        curve: A row a size or a trial of one cell, with its ``lift``.
    """
    return not number(curve[curve["size"] == 0], "lift").mean() <= 0


def named(interval: Interval, mean: str) -> dict[str, Any]:
    """Return an interval as columns, with the given name for its mean."""
    return {
        mean: interval.mean,
        "low": interval.low,
        "high": interval.high,
        "interval": interval.kind,
    }


def trapezoid(sizes: Array, success: Array) -> float:
    r"""Return the area under success over :math:`\log_{10}\alpha`, per decade.

    Arguments:
        sizes: Ascending positive sizes, (m,).
        success: Success at these sizes, (m,).

    Example:
        >>> trapezoid(np.array([0.01, 0.1, 1.0]), np.array([0.0, 0.0, 1.0]))
        0.25
    """
    if len(sizes) < 2:
        return float(success[0]) if len(sizes) else float("nan")
    decades = np.log10(sizes)
    return float(np.trapezoid(success, decades) / (decades[-1] - decades[0]))


def area_by_seed(records: pd.DataFrame) -> pd.DataFrame:
    """Return the area under each seed's curve.

    The sizes are those that any learner has in the same panel (dataset, strategy, validation,
    groups, recruitment), so that the areas of learners can be compared.

    Arguments:
        records: One row a trial.

    Returns:
        A row for each cell and seed: ``area``, NaN where the seed lacks one of the sizes.
    """
    table = checked(records)
    table = table[table["size"] > 0]
    rows = []
    for _, panel in table.groupby(PANEL):
        sizes = np.unique(panel["size"])
        ok, success = panel["ok"].to_numpy(bool), panel["success"].to_numpy()
        # There are many groups, and a frame for each of them would take most of the time.
        groups: dict[Any, Any] = dict(panel.groupby([*CELL, "seed"]).indices)
        for key, rows_of in sorted(groups.items()):
            good = rows_of[ok[rows_of]]
            whole = len(good) == len(sizes)
            area = trapezoid(sizes, success[good]) if whole else np.nan
            rows.append((*key, area))
    return pd.DataFrame(rows, columns=[*CELL, "seed", "area"])


def area(records: pd.DataFrame) -> pd.DataFrame:
    r"""Return the mean area under the success curve.

    .. math::  \frac{1}{\log_{10}(\alpha_m / \alpha_1)}
               \int_{\alpha_1}^{\alpha_m} S(\alpha)\, d\log_{10}\alpha

    by the trapezoid rule over the positive sizes, of each seed, then averaged. It lies
    between 0 and 1. Unlike a critical mass it needs no level.

    Arguments:
        records: One row a trial.

    Returns:
        A row for each cell: ``area``, ``low``, ``high``, ``interval``, ``seeds``, ``left_out``,
        the number of seeds without all sizes, and ``learns``, see :func:`learns`.
    """
    rows = []
    able = {
        key: learns(trials) for key, trials in records.assign(lift=lift(records)).groupby(CELL)
    }
    for key, seeds in area_by_seed(records).groupby(CELL):
        values = seeds["area"].dropna().to_numpy()
        rows.append(
            {
                **dict(zip(CELL, key, strict=True)),
                **named(bounded(values), "area"),
                "seeds": len(values),
                "left_out": len(seeds) - len(values),
                "learns": able[key],
            }
        )
    columns = [*CELL, "area", "low", "high", "interval", "seeds", "left_out", "learns"]
    return pd.DataFrame(rows, columns=columns)
