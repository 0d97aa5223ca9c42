"""Paired differences between learners, and what they prove."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from results.display_names import resolve
from results.stats.critical_mass import critical_by_seed
from results.stats.curves import area_by_seed, named
from results.stats.frames import CELL, PANEL, checked
from results.stats.intervals import Array, Interval, agree, signed, student
from results.stats.sign_flip import ENUMERATED, band, holm, joint, sign_flip, smallest_p
from results.stats.verdicts import needed, verdict

# Stands in the column of sizes for measures of a whole curve.
_WHOLE = -1.0


def compare(records: pd.DataFrame, baseline: str, level: float = 0.5) -> pd.DataFrame:
    r"""Every other learner against the baseline, paired over their common seeds.

    At one seed all learners met the same poisoned sample, so that the difference of a pair
    is free of what the seed does to both.

    A critical mass outside the sizes is censored, and never dropped: it counts as the largest or
    the smallest of them, so that the difference is one in restricted critical mass (as of a
    restricted mean survival time), and errs towards zero.

    Arguments:
        records: One row a trial.
        baseline: A learner, by its text or its short label.
        level: The level of success at which critical masses are compared.

    Returns:
        A row for each dataset, strategy, validation, groups, recruitment and learner, for each
        ``measure``: "success" at each ``size``, "area", and "critical", the difference in
        :math:`\log_{10}\alpha^*` (of sizes: negative means that a smaller collective is
        enough). Columns: ``baseline``; ``difference`` (learner minus baseline), ``low``,
        ``high``, ``interval``; ``band_low`` and ``band_high`` of
        :func:`results.stats.sign_flip.band`,
        which hold at all sizes at once (of success; else the interval again); ``seeds``, the
        pairs behind it; ``excluded``, seeds of the panel without a number for either;
        ``censored``, seeds whose critical mass lies outside the sizes for either; ``above``,
        ``below``, ``ties``; ``correlation`` of the two over seeds (NaN below three); ``p`` of
        :func:`results.stats.sign_flip.sign_flip`; ``p_joint`` of
        :func:`results.stats.sign_flip.joint`, corrected
        over all that the table says of the two: sizes, measures and panels; ``p_holm``, that
        corrected over learners too, so that of a table in which nothing differs at most one in
        twenty says that anything does; ``attainable``, below which ``p_holm`` cannot fall with
        so many seeds; ``verdict`` and ``needed`` seeds of
        :mod:`results.stats.verdicts`, by the band
        and ``p_holm``; ``note``, if ``attainable`` is above .05.
    """
    table = checked(records)
    base = resolve(baseline, table["learner"])
    mass = critical_by_seed(table, level).rename(columns={"estimate": "value"})
    measures = {
        "success": table.rename(columns={"success": "value"}),
        "area": area_by_seed(table).rename(columns={"area": "value"}).assign(size=_WHOLE),
        "critical": mass.assign(size=_WHOLE),
    }
    rows = [
        {**dict(zip(PANEL, panel, strict=True)), "measure": measure, "baseline": base, **row}
        for measure, values in measures.items()
        for panel, here in values.groupby(PANEL)
        for row in _rows(measure, here, base, _restricted(table, panel, measure))
    ]
    empty = pd.DataFrame(columns=["theirs", "ours"], dtype=float)
    names = [*CELL, "measure", "size", "baseline", *_pair(empty, signed)]
    names += ["band_low", "band_high", "p_joint", "p_holm", "attainable"]
    names += ["verdict", "needed", "note"]
    names.remove("differences")
    if not rows:
        return pd.DataFrame(columns=names)
    found = _judged(_corrected(pd.DataFrame(rows)))
    found["size"] = found["size"].where(found["size"] != _WHOLE)
    return found[names].sort_values(names[:6], ignore_index=True)


def against(records: pd.DataFrame, learner: str, level: float = 0.5) -> pd.DataFrame:
    """One learner against each of the others, which are the baselines.

    Returns:
        What :func:`compare` returns, seen from the other side: ``learner`` is the given one in
        every row, ``baseline`` the other.
    """
    table = compare(records, learner, level)
    turned = {"learner": "baseline", "baseline": "learner", "above": "below", "below": "above"}
    turned |= {"low": "high", "high": "low", "band_low": "band_high", "band_high": "band_low"}
    seen = table.rename(columns=turned)
    for name in ("difference", "low", "high", "band_low", "band_high"):
        seen[name] = -seen[name]
    seen["verdict"] = seen["verdict"].replace({"win": "loss", "loss": "win"})
    return seen[table.columns]


def _restricted(
    table: pd.DataFrame, panel: tuple[Any, ...], measure: str
) -> Callable[[Array], Array]:
    """Values as they are compared: critical masses as logarithms, restricted to the sizes."""
    if measure != "critical":
        return lambda values: values
    here = (table[PANEL] == list(panel)).all(axis=1) & (table["size"] > 0)
    sizes = table.loc[here, "size"].to_numpy(float)
    if not len(sizes):
        return lambda values: np.full_like(values, np.nan)
    return lambda values: np.log10(np.clip(values, sizes.min(), sizes.max()))


def _rows(
    measure: str, values: pd.DataFrame, base: str, seen: Callable[[Array], Array]
) -> list[dict[str, Any]]:
    """The rows of one panel and measure."""
    interval = _logs if measure == "critical" else signed
    wide = values.pivot(index=["size", "seed"], columns="learner", values="value")
    others = [learner for learner in wide.columns if learner != base]
    wide = wide.reindex(columns=[base, *others])
    rows = []
    for learner in others:
        by_size = list(wide[[base, learner]].groupby(level="size"))
        own = [
            {"learner": learner, "size": size, **_pair(both.droplevel("size"), interval, seen)}
            for size, both in by_size
        ]
        ends = [(row["low"], row["high"]) for row in own]
        if measure == "success":
            pairs = (wide[learner] - wide[base]).unstack("size").dropna()
            ends = [*zip(*band(pairs.to_numpy(float)), strict=True)]
        rows += [
            row | {"band_low": low, "band_high": high}
            for row, (low, high) in zip(own, ends, strict=True)
        ]
    return rows


def _pair(
    both: pd.DataFrame,
    interval: Callable[[Array], Interval],
    seen: Callable[[Array], Array] = np.array,
) -> dict[str, Any]:
    """What the seeds of a learner (second column) and the baseline (first) say."""
    pairs = both.dropna()
    values = pairs.to_numpy(float)
    outside = ~np.isfinite(values) | (values == 0)
    theirs, ours = seen(values).T
    return {
        **named(interval(ours - theirs), "difference"),
        "seeds": len(pairs),
        "excluded": len(both) - len(pairs),
        "censored": int(outside.any(axis=1).sum()) if interval is _logs else 0,
        "above": int((ours > theirs).sum()),
        "below": int((ours < theirs).sum()),
        "ties": int((ours == theirs).sum()),
        "correlation": _correlation(theirs, ours),
        "p": sign_flip(ours - theirs),
        "differences": pd.Series(ours - theirs, pairs.index),
    }


def _logs(differences: Array) -> Interval:
    """The interval of unbounded numbers; without any spread there is no scale to go by."""
    alike = len(differences) > 0 and agree(differences)
    return student(differences[:1] if alike else differences)


def _correlation(a: Array, b: Array) -> float:
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _corrected(table: pd.DataFrame) -> pd.DataFrame:
    """With ``p_joint``, ``p_holm``, ``attainable`` and ``note``; untested rows don't count."""
    table = table.assign(p_joint=np.nan, p_holm=np.nan, attainable=np.nan, note="no pairs")
    for _, own in table.groupby("learner"):
        seeds = pd.concat([*own["differences"]], axis=1).sort_index()
        table.loc[own.index, "p_joint"] = joint(seeds.to_numpy(float))
    tested = table["p_joint"].notna()
    if not tested.any():
        return table
    learners = pd.factorize(table.loc[tested, "learner"])[0]
    table.loc[tested, "p_holm"] = holm(table.loc[tested, "p_joint"].to_numpy(float), learners)
    count, floor = learners.max() + 1, table.loc[tested, "seeds"].map(smallest_p)
    # The first p is multiplied by the number of learners, and no later one falls below that.
    attainable = np.minimum(np.maximum(floor, count * floor.min()), 1.0)
    table.loc[tested, "attainable"] = attainable
    enough = [n for n in range(1, ENUMERATED + 2) if count * smallest_p(n) <= 0.05]
    takes = f"takes {enough[0]} seeds" if enough else "is out of reach of so many comparisons"
    table.loc[tested, "note"] = np.where(attainable <= 0.05, "", f"p <= .05 {takes}")
    return table


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    """The table with ``verdict`` and ``needed``, which is more than there are where none is."""
    count = int(table.loc[table["p_joint"].notna(), "learner"].nunique())
    columns = ["measure", "difference", "band_low", "band_high", "p_holm"]
    verdicts = [verdict(*row) for row in table[columns].itertuples(index=False, name=None)]
    many = table[table["measure"] == "success"].groupby([*PANEL, "learner"])["size"].nunique()
    seeds = []
    for told, (_, row) in zip(verdicts, table.iterrows(), strict=True):
        sizes = int(many.get((*row[PANEL], row["learner"]), 1))
        takes = float(needed(row["measure"], row["differences"].to_numpy(float), count, sizes))
        seeds.append(max(takes, row["seeds"] + 1.0) if told == "cannot tell" else takes)
    return table.assign(verdict=verdicts, needed=seeds)
