"""Paired differences between learners, and the tests on them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from results.display_names import resolve
from results.stats.critical_mass import critical_by_seed
from results.stats.crossing import Above
from results.stats.curves import area_by_seed, named
from results.stats.frames import CELL, PANEL, checked
from results.stats.intervals import Array, Interval, decades, signed
from results.stats.sign_flip import ENUMERATED, band, holm, joint, sign_flip, smallest_p
from results.stats.verdicts import needed, verdict

# The size of rows that measure a whole curve.
_WHOLE = -1.0


def compare(
    records: pd.DataFrame, baseline: str, level: float = 0.5, above: Above = "control"
) -> pd.DataFrame:
    r"""Compare every other learner with the baseline, paired over their common seeds.

    At one seed all learners train on the same poisoned sample, so that a paired difference is free
    of the effect of the seed on both.

    A critical mass outside the sizes is censored: it counts as the largest or the smallest of
    them. The difference is then one in restricted critical mass (as of a restricted mean survival
    time), and errs towards zero. Where both learners of every pair are censored at the same end,
    the pairs say nothing, and there is no interval.

    Arguments:
        records: One row a trial.
        baseline: A learner, by its text or its short label.
        level: The level of success at which critical masses are compared.
        above: Whether the level is a share of what lies above the control, or above zero.

    Returns:
        A row for each dataset, strategy, validation, groups, recruitment and learner, for each
        ``measure``: "success" at each ``size``, "area", and "critical", the difference in
        :math:`\log_{10}\alpha^*` (of sizes: negative means that a smaller collective is
        enough). Columns: ``baseline``; ``difference`` (learner minus baseline), ``low``,
        ``high``, ``interval``, see :mod:`results.stats.intervals`; ``band_low`` and
        ``band_high`` of :func:`results.stats.sign_flip.band`, which hold at all sizes at once (of
        success; else the interval again); ``seeds``, the number of pairs; ``excluded``, seeds
        of the panel without a number for either; ``censored``, seeds whose critical mass lies
        outside the sizes for either; ``above``, ``below``, ``ties``; ``correlation`` of the two
        over seeds (NaN below three); ``p`` of :func:`results.stats.sign_flip.sign_flip`;
        ``p_joint`` of :func:`results.stats.sign_flip.joint`, corrected over all rows of the two
        learners: sizes, measures and panels; ``p_holm``, that corrected over learners too, so
        that at most one in twenty tables without any true difference shows one;
        ``attainable``, below which ``p_holm`` cannot fall with so many seeds; ``verdict`` and
        ``needed`` seeds of :mod:`results.stats.verdicts`, by the band and ``p_holm``; ``note``,
        if ``attainable`` is above .05.
    """
    table = checked(records)
    base = resolve(baseline, table["learner"])
    mass = critical_by_seed(table, level, above).rename(columns={"estimate": "value"})
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
    table = _with_verdicts(_corrected(pd.DataFrame(rows)))
    table["size"] = table["size"].where(table["size"] != _WHOLE)
    return table[names].sort_values(names[:6], ignore_index=True)


def against(
    records: pd.DataFrame, learner: str, level: float = 0.5, above: Above = "control"
) -> pd.DataFrame:
    """Compare one learner with each of the others, which are the baselines.

    Arguments:
        records: One row a trial.
        learner: The learner, by its text or its short label.
        level: The level of success at which critical masses are compared.
        above: Whether the level is a share of what lies above the control, or above zero.

    Returns:
        The table of :func:`compare` with exchanged sides: ``learner`` is the given one in
        every row, ``baseline`` the other.
    """
    table = compare(records, learner, level, above)
    turned = {"learner": "baseline", "baseline": "learner", "above": "below", "below": "above"}
    turned |= {"low": "high", "high": "low", "band_low": "band_high", "band_high": "band_low"}
    exchanged = table.rename(columns=turned)
    for name in ("difference", "low", "high", "band_low", "band_high"):
        exchanged[name] = -exchanged[name]
    exchanged["verdict"] = exchanged["verdict"].replace({"win": "loss", "loss": "win"})
    return exchanged[table.columns]


def _restricted(
    table: pd.DataFrame, panel: tuple[Any, ...], measure: str
) -> Callable[[Array], Array]:
    """Return the map from values to those that are compared.

    Critical masses become logarithms, restricted to the sizes.

    Arguments:
        table: One row a trial.
        panel: The panel, a value for each column of ``PANEL``.
        measure: "success", "area" or "critical".
    """
    if measure != "critical":
        return lambda values: values
    here = (table[PANEL] == list(panel)).all(axis=1) & (table["size"] > 0)
    sizes = table.loc[here, "size"].to_numpy(float)
    if not len(sizes):
        return lambda values: np.full_like(values, np.nan)
    return lambda values: np.log10(np.clip(values, sizes.min(), sizes.max()))


def _rows(
    measure: str, values: pd.DataFrame, base: str, scale: Callable[[Array], Array]
) -> list[dict[str, Any]]:
    """Return the rows of one panel and measure.

    Arguments:
        measure: "success", "area" or "critical".
        values: The panel's numbers, a row a learner, size and seed: ``value``.
        base: The baseline.
        scale: The map from values to those that are compared.
    """
    interval = decades if measure == "critical" else signed
    wide = values.pivot(index=["size", "seed"], columns="learner", values="value")
    others = [learner for learner in wide.columns if learner != base]
    wide = wide.reindex(columns=[base, *others])
    rows = []
    for learner in others:
        by_size = list(wide[[base, learner]].groupby(level="size"))
        pairs = [
            {"learner": learner, "size": size, **_pair(both.droplevel("size"), interval, scale)}
            for size, both in by_size
        ]
        ends = [(row["low"], row["high"]) for row in pairs]
        if measure == "success":
            differences = (wide[learner] - wide[base]).unstack("size").dropna()
            ends = [*zip(*band(differences.to_numpy(float)), strict=True)]
        rows += [
            row | {"band_low": low, "band_high": high}
            for row, (low, high) in zip(pairs, ends, strict=True)
        ]
    return rows


def _pair(
    both: pd.DataFrame,
    interval: Callable[[Array], Interval],
    scale: Callable[[Array], Array] = np.array,
) -> dict[str, Any]:
    """Return the row of two learners.

    Arguments:
        both: Their numbers, a row a seed: the baseline's in the first column, the learner's in
            the second.
        interval: The interval for a mean of differences.
        scale: The map from values to those that are compared.
    """
    pairs = both.dropna()
    values = pairs.to_numpy(float)
    outside = (interval is decades) & (~np.isfinite(values) | (values == 0))
    theirs, ours = scale(values).T
    # Pairs that are censored at the same end say no more than a single one.
    silent = bool((outside.all(axis=1) & (theirs == ours)).all())
    interval_of_pairs = interval((ours - theirs)[: 1 if silent else None])
    return {
        **named(interval_of_pairs, "difference"),
        "seeds": len(pairs),
        "excluded": len(both) - len(pairs),
        "censored": int(outside.any(axis=1).sum()),
        "above": int((ours > theirs).sum()),
        "below": int((ours < theirs).sum()),
        "ties": int((ours == theirs).sum()),
        "correlation": _correlation(theirs, ours),
        "p": sign_flip(ours - theirs),
        "differences": pd.Series(ours - theirs, pairs.index),
    }


def _correlation(a: Array, b: Array) -> float:
    """Return the correlation of numbers (S,), NaN below three of them or without a spread."""
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _corrected(table: pd.DataFrame) -> pd.DataFrame:
    """Add ``p_joint``, ``p_holm``, ``attainable`` and ``note``; untested rows don't count."""
    table = table.assign(p_joint=np.nan, p_holm=np.nan, attainable=np.nan, note="no pairs")
    for _, rows in table.groupby("learner"):
        seeds = pd.concat([*rows["differences"]], axis=1).sort_index()
        table.loc[rows.index, "p_joint"] = joint(seeds.to_numpy(float))
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


def _with_verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """Add ``verdict`` and ``needed``, which exceeds the recorded seeds where none is reached."""
    count = int(table.loc[table["p_joint"].notna(), "learner"].nunique())
    columns = ["measure", "difference", "band_low", "band_high", "p_holm"]
    verdicts = [verdict(*row) for row in table[columns].itertuples(index=False, name=None)]
    many = table[table["measure"] == "success"].groupby([*PANEL, "learner"])["size"].nunique()
    seeds = []
    for word, row in zip(verdicts, table.to_dict("records"), strict=True):
        key = tuple(row[name] for name in [*PANEL, "learner"])
        differences = row["differences"].to_numpy(float)
        takes = float(needed(row["measure"], differences, count, int(many.get(key, 1))))
        if word == "cannot tell":
            # Censored pairs stay so, however many there are.
            silent = row["interval"] == "none" and row["seeds"] > 1
            takes = float("inf") if silent else max(takes, row["seeds"] + 1.0)
        seeds.append(takes)
    return table.assign(verdict=verdicts, needed=seeds)
