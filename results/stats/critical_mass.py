"""Critical masses: the smallest sizes that reach a level of success."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from results.stats.crossing import (
    CLOSE,
    Above,
    bracket,
    goal,
    next_size,
    point,
    previous_size,
)
from results.stats.curves import learns
from results.stats.frames import CELL, PANEL, checked, number
from results.stats.intervals import Array, student
from results.stats.mass_text import mass_text


def critical_mass(
    curves: pd.DataFrame,
    level: float | Sequence[float] = 0.5,
    records: pd.DataFrame | None = None,
    above: Above = "control",
) -> pd.DataFrame:
    r"""Estimate the smallest size at which mean success reaches a level above the control.

    .. math::  \alpha^*(\tau) =
        \min\{\alpha : \tilde S(\alpha) \ge \bar S(0) + \tau\, (1 - \bar S(0))\}

    A level is the share of the success that is missing without a collective: some people have
    the target label by nature, and their success is not the collective's. With
    ``above="zero"`` a level is success itself, :math:`\tilde S(\alpha) \ge \tau`.

    The estimate interpolates the isotonic mean curve in :math:`\log_{10}\alpha`. Between two
    neighbouring sizes the interpolation is an assumption, for a step may stand anywhere between
    them. So both ends of the 95 % interval are sizes of the grid, and the interval holds two
    others, widened to the neighbouring sizes. One inverts the pointwise intervals for mean
    success: with :math:`\check U` and :math:`\check L` the running maxima of their upper and lower
    ends, it reaches from the last size at which :math:`\check U` is below the level to the first
    at which :math:`\check L` is at it. The other is the jackknife's over the S seeds, from the
    estimates :math:`\alpha^*_{-s}` without one of them, cut off at the smallest and the largest
    size:

    .. math::  v_s = S \log\alpha^* - (S - 1) \log\alpha^*_{-s}, \qquad
        \bar v \pm t_{S-1} \, \mathrm{sd}(v) / \sqrt S

    Where :math:`\check L` is at the level before the largest size, the level is reached within the
    sizes, whatever the jackknife says. Curves may be staircases and may fall; where one falls so
    far that its isotonic mean crosses later than :math:`\check L`, the interval is stretched to
    hold the estimate.

    Simulated coverage of steps, staircases and sigmoid curves whose seeds are shifted by .005 to
    .25 decades, for 5 and 10 seeds at shipped sizes, is 95 to 100 % at level .5 and 87 to 100 % at
    level .9. It is lowest for steps at level .9 and 5 seeds. Seeds that hardly differ are covered
    by more than 95 %, since no end lies between two sizes.

    References:
        | Approximate confidence intervals in the jackknife: Notes on bias in estimation
        | (Tukey, 1958, Annals of Mathematical Statistics 29, abstract)

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`.
        level: The level of success, or several.
        records: The trials that the curves are means of. Without them only the pointwise
            intervals are inverted.
        above: Whether a level is a share of what lies above the control, or above zero.

    Returns:
        A row for each cell and level: ``estimate``, ``low``, ``high``: sizes, 0.0 standing
        for "at or below the smallest size" and inf for "beyond the largest", so that they
        order as they should; ``estimate_people``, ``low_people``, ``high_people``, the same as
        numbers of the ``n`` people of the training set (NaN where records don't say n);
        ``goal``, the success at which the level is reached; ``reached`` ("inside" the sizes,
        "below" them, "beyond" them, by the "control", or "unknown"); ``text``, the estimate and
        its interval as share and count; ``smallest`` and ``largest`` positive size; ``seeds``,
        the fewest behind a size; ``biased``, if trials failed at some size; ``falls``, if an
        upper end lies under an earlier lower end; ``peak``, the highest mean, and ``peak_size``,
        where it is; ``learns``, see :func:`results.stats.curves.learns`.
    """
    levels = [level] if isinstance(level, int | float) else list(level)
    trials = {} if records is None else dict(iter(checked(records).groupby(CELL)))
    rows: list[dict[str, Any]] = []
    for key, curve in curves.groupby(CELL):
        cell = dict(zip(CELL, key, strict=True))
        success = None
        if key in trials:
            success = trials[key].pivot(index="seed", columns="size", values="success")
        rows += [{**cell, "level": one, **_row(curve, one, success, above)} for one in levels]
    names = _row(curves.iloc[:0], 0.5, None, above)
    return pd.DataFrame(rows, columns=[*CELL, "level", *names])


def _row(
    curve: pd.DataFrame, level: float, success: pd.DataFrame | None, above: Above
) -> dict[str, Any]:
    """Return the row of one curve and level.

    Arguments:
        curve: The curve of one cell.
        level: The level.
        success: Success, a row a seed and a column a size, or None.
        above: See :func:`results.stats.crossing.goal`.
    """
    biased, curve = bool(curve["biased"].any()), curve[curve["seeds"] > 0].sort_values("size")
    sizes, means = curve["size"].to_numpy(float), curve["mean"].to_numpy(float)
    lower = np.maximum.accumulate(curve["low"].to_numpy(float))
    up = sizes[sizes > 0]
    estimate = point(sizes, means, level, curve["seeds"].to_numpy(float), above)
    values = None if success is None else success[sizes].to_numpy(float)
    low, high = _interval(curve, level, estimate, values, above)
    ends = {"estimate": estimate, "low": low, "high": high}
    wanted, n = goal(sizes, means, level, above), number(curve, "n").median()
    row = {
        **ends,
        **{f"{name}_people": np.round(end * n) for name, end in ends.items()},
        "n": n,
        "goal": wanted,
        "reached": _where(estimate, bool(np.any(means[sizes == 0] >= wanted))),
        "smallest": up.min() if len(up) else np.nan,
        "largest": up.max() if len(up) else np.nan,
        "seeds": int(curve["seeds"].min()) if len(curve) else 0,
        "biased": biased,
        "falls": bool(np.any(curve["high"].to_numpy(float) < lower)),
        "peak": means.max() if len(curve) else np.nan,
        "peak_size": sizes[means.argmax()] if len(curve) else np.nan,
        "learns": learns(curve),
    }
    return {**row, "text": mass_text(row)}


def _where(estimate: float, control: bool) -> str:
    """Return where a critical mass lies, given whether the control reaches the level."""
    if control:
        return "control"
    if np.isnan(estimate):
        return "unknown"
    return {0.0: "below", float("inf"): "beyond"}.get(estimate, "inside")


def _interval(
    curve: pd.DataFrame, level: float, estimate: float, success: Array | None, above: Above
) -> tuple[float, float]:
    """Return the ends of the interval for a critical mass.

    Arguments:
        curve: The curve of one cell by ascending size.
        level: The level.
        estimate: The critical mass.
        success: Success of each seed at each size, (S, m), or None.
        above: See :func:`results.stats.crossing.goal`.
    """
    if np.isnan(estimate):
        return np.nan, np.nan
    sizes = curve["size"].to_numpy(float)
    up, wanted = sizes[sizes > 0], goal(sizes, curve["mean"].to_numpy(float), level, above)
    low, _ = bracket(sizes, np.maximum.accumulate(curve["high"].to_numpy(float)), wanted)
    _, reached = bracket(sizes, np.maximum.accumulate(curve["low"].to_numpy(float)), wanted)
    high = max(reached, next_size(up, estimate))
    if success is not None:
        least, most = jackknife(sizes, success, level, estimate, above)
        # Where the band is at the level before the largest size, it is reached within the sizes.
        last = up[-1] if len(up) and high < up[-1] else np.inf
        low, high = min(low, previous_size(up, least)), max(high, min(next_size(up, most), last))
    return low, high


def jackknife(
    sizes: Array, success: Array, level: float, estimate: float, above: Above
) -> tuple[float, float]:
    """Return the ends of the jackknife's interval for a critical mass.

    Arguments:
        sizes: Ascending sizes, (m,).
        success: Each seed's at each size, (S, m), NaN where there is none.
        level: The level.
        estimate: The critical mass of the mean of all seeds.
        above: See :func:`results.stats.crossing.goal`. The control, too, is one without the seed.

    Returns:
        Sizes; 0.0 for "at or below the smallest size", inf for "beyond the largest".
    """
    up = sizes[sizes > 0]
    if len(up) < 2:
        return estimate, estimate
    first, last = np.log10(up[0]), np.log10(up[-1])

    def decades(size: float) -> float:
        return float(np.log10(np.clip(size, up[0], up[-1])))

    seeds, full = len(success), decades(estimate)
    values = []
    for s in range(seeds):
        rest = np.delete(success, s, axis=0)
        counts = np.isfinite(rest).sum(axis=0)
        here = counts > 0
        means = np.nansum(rest[:, here], axis=0) / counts[here]
        without = point(sizes[here], means, level, counts[here].astype(float), above)
        if not np.isnan(without):
            values.append(seeds * full - (seeds - 1) * decades(without))
    if not values:
        return estimate, estimate
    _, low, high, _ = student(np.array(values))

    def size(end: float) -> float:
        if first + CLOSE < end < last - CLOSE:
            return float(10.0**end)
        return 0.0 if end <= first + CLOSE else float("inf")

    return size(low), size(high)


def critical_by_seed(
    records: pd.DataFrame, level: float, above: Above = "control"
) -> pd.DataFrame:
    """Return the critical mass of each seed's curve.

    Arguments:
        records: One row a trial.
        level: The level of success.
        above: Whether a level is a share of what lies above the seed's control, or above zero.

    Returns:
        A row for each cell and seed: ``estimate`` as in :func:`critical_mass`, NaN where the
        seed lacks a size that any learner has in the same panel.
    """
    rows = []
    for _, panel in checked(records).groupby(PANEL):
        sizes = np.unique(panel["size"].to_numpy(float))
        ok, success = panel["ok"].to_numpy(bool), panel["success"].to_numpy(float)
        # There are many groups, and a frame for each of them would take most of the time.
        groups: dict[Any, Any] = dict(panel.groupby([*CELL, "seed"]).indices)
        for key, at in sorted(groups.items()):
            whole = bool(ok[at].all()) and len(at) == len(sizes)
            mass = point(sizes, success[at], level, None, above) if whole else np.nan
            rows.append((*key, mass))
    return pd.DataFrame(rows, columns=[*CELL, "seed", "estimate"])
