"""Paired differences between learners, and what they prove."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from results.critical import critical_by_seed
from results.curves import area_by_seed, named
from results.frames import CELL, PANEL, checked
from results.intervals import Array, Interval, signed, student
from results.labels import resolve

# Stands in the column of sizes for measures of a whole curve.
_WHOLE = -1.0
_ENUMERATED = 12
_FLIPS = 10_000


@cache
def _signs(pairs: int) -> Array:
    """Sign patterns (m, pairs): every one of them, or as many as are drawn for more pairs."""
    if pairs <= _ENUMERATED:
        return 1.0 - 2.0 * (np.arange(2**pairs)[:, None] >> np.arange(pairs) & 1)
    return np.random.default_rng(pairs).choice([-1.0, 1.0], (_FLIPS, pairs))


def sign_flip(differences: Array) -> float:
    r"""The two-sided p of paired differences, by flipping their signs.

    .. math::  p = P_\sigma\big(|\textstyle\sum_s \sigma_s d_s| \ge |\sum_s d_s|\big)

    Exact up to 12 pairs. Beyond, from 10,000 flips that are the same for all differences of
    one length, the observed pattern counted in.

    Example:
        >>> sign_flip(np.array([0.1, 0.2, 0.1, 0.3, 0.2]))
        0.0625
    """
    pairs = len(differences)
    if pairs == 0:
        return float("nan")
    seen = abs(float(differences.sum()))
    # Flips that tie with the observed sum may miss it by rounding.
    slack = 1e-12 * float(np.abs(differences).sum())
    extreme = np.abs(_signs(pairs) @ differences) >= seen - slack
    if pairs <= _ENUMERATED:
        return float(extreme.mean())
    return float((1 + extreme.sum()) / (1 + len(extreme)))


def holm(p: Array) -> Array:
    r"""Holm's corrected p: :math:`\max_{j \le i} \min(1, (m - j + 1)\, p_{(j)})`, in their order.

    Example:
        >>> holm(np.array([0.04, 0.01, 0.03])).tolist()
        [0.06, 0.03, 0.06]
    """
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


def smallest_p(pairs: int) -> float:
    """The smallest p that :func:`sign_flip` can return."""
    if pairs <= _ENUMERATED:
        return min(1.0, 2.0 / 2**pairs) if pairs else float("nan")
    return 1 / (1 + _FLIPS)


def compare(records: pd.DataFrame, baseline: str, level: float = 0.5) -> pd.DataFrame:
    r"""Every other learner against the baseline, paired over their common seeds.

    At one seed all learners met the same poisoned sample, so that the difference of a pair
    is free of what the seed does to both.

    Arguments:
        records: One row a trial.
        baseline: A learner, by its text or its short label.
        level: The level of success at which critical masses are compared.

    Returns:
        A row for each dataset, strategy, validation, groups, recruitment and learner, for each
        ``measure``: "success" at each ``size``, "area", and "critical", the difference in
        :math:`\log_{10}\alpha^*` (of sizes: negative means that a smaller collective is
        enough). Columns: ``baseline``; ``difference`` (learner minus baseline), ``low``,
        ``high``, ``interval``; ``seeds``, the pairs behind it; ``excluded``, seeds of
        the panel without a number for either; ``censored``, seeds whose critical mass lies
        outside the sizes for either; ``above``, ``below``, ``ties``, which count censored
        pairs too; ``correlation`` of the two over seeds (NaN below three); ``p`` of
        :func:`sign_flip`; ``p_holm``, corrected within the panel over learners and sizes,
        for area and critical mass over learners; ``attainable``, below which ``p_holm``
        cannot fall with so many seeds; ``note``, if that is above .05.
    """
    table = checked(records)
    base = resolve(baseline, table["learner"])
    mass = critical_by_seed(table, level).rename(columns={"estimate": "value"})
    with np.errstate(divide="ignore"):
        mass["value"] = np.log10(mass["value"])
    measures = {
        "success": table.rename(columns={"success": "value"}),
        "area": area_by_seed(table).rename(columns={"area": "value"}).assign(size=_WHOLE),
        "critical": mass.assign(size=_WHOLE),
    }
    rows = [
        {**dict(zip(PANEL, panel, strict=True)), "measure": measure, "baseline": base, **row}
        for measure, values in measures.items()
        for panel, here in values.groupby(PANEL)
        for row in _rows(here, base, signed if measure != "critical" else _logs)
    ]
    names = [*CELL, "measure", "size", "baseline", *_pair(np.empty((0, 2)), signed)]
    names += ["p_holm", "attainable", "note"]
    if not rows:
        return pd.DataFrame(columns=names)
    families = pd.DataFrame(rows).groupby([*PANEL, "measure"], sort=False)
    found = pd.concat([_holm(family) for _, family in families])
    found["size"] = found["size"].where(found["size"] != _WHOLE)
    return found[names].sort_values(names[:6], ignore_index=True)


def _rows(
    values: pd.DataFrame, base: str, interval: Callable[[Array], Interval]
) -> list[dict[str, Any]]:
    """The rows of one panel and measure."""
    wide = values.pivot(index=["size", "seed"], columns="learner", values="value")
    others = [learner for learner in wide.columns if learner != base]
    wide = wide.reindex(columns=[base, *others])
    return [
        {
            "learner": learner,
            "size": size,
            **_pair(seeds[[base, learner]].to_numpy(float), interval),
        }
        for size, seeds in wide.groupby(level="size")
        for learner in others
    ]


def _pair(both: Array, interval: Callable[[Array], Interval]) -> dict[str, Any]:
    """What the seeds of a learner (second column) and the baseline (first) say."""
    pairs = both[~np.isnan(both).any(axis=1)]
    inside = pairs[np.isfinite(pairs).all(axis=1)]
    theirs, ours = inside.T
    return {
        **named(interval(ours - theirs), "difference"),
        "seeds": len(inside),
        "excluded": len(both) - len(pairs),
        "censored": len(pairs) - len(inside),
        "above": int((pairs[:, 1] > pairs[:, 0]).sum()),
        "below": int((pairs[:, 1] < pairs[:, 0]).sum()),
        "ties": int((pairs[:, 1] == pairs[:, 0]).sum()),
        "correlation": _correlation(theirs, ours),
        "p": sign_flip(ours - theirs),
    }


def _logs(differences: Array) -> Interval:
    """The interval of unbounded numbers; without any spread there is no scale to go by."""
    agree = len(differences) > 0 and np.ptp(differences) == 0
    return student(differences[:1] if agree else differences)


def _correlation(a: Array, b: Array) -> float:
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _holm(family: pd.DataFrame) -> pd.DataFrame:
    """The family with ``p_holm``, ``attainable`` and ``note``; untested rows don't count."""
    family = family.assign(p_holm=np.nan, attainable=np.nan, note="no pairs")
    tested = family["p"].notna()
    count = int(tested.sum())
    if count == 0:
        return family
    family.loc[tested, "p_holm"] = holm(family.loc[tested, "p"].to_numpy())
    floor = family.loc[tested, "seeds"].map(smallest_p)
    # The family's first p is multiplied by its size, and no later one falls below that.
    attainable = np.minimum(np.maximum(floor, count * floor.min()), 1.0)
    family.loc[tested, "attainable"] = attainable
    needed = [n for n in range(1, _ENUMERATED + 2) if count * smallest_p(n) <= 0.05]
    takes = f"takes {needed[0]} seeds" if needed else "is out of reach of so many comparisons"
    family.loc[tested, "note"] = np.where(attainable <= 0.05, "", f"p <= .05 {takes}")
    return family
