"""Paired differences between learners, a row a learner and task, to be read at a glance."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd

from results.display_names import labels, parse, shortened
from results.report.masses import mass_title
from results.stats.critical_mass import critical_mass
from results.stats.crossing import Above
from results.stats.curves import area, success_curves
from results.stats.frames import CELL, CONTROL, PANEL, WAYS
from results.stats.gate import gate
from results.stats.intervals import Interval, written

#: The most rows that are shown, so that a comparison fits on a screen.
ROWS = 24
_DECIDED = ("win", "loss")


class Comparison(NamedTuple):
    """A comparison to read.

    Arguments:
        table: A row for each learner and task.
        notes: Sentences on what the table leaves out, and on what cannot be decided.
    """

    table: pd.DataFrame
    notes: list[str]


def comparison(
    records: pd.DataFrame,
    differences: pd.DataFrame,
    one: str,
    level: float = 0.5,
    above: Above = "control",
    outside: Collection[tuple[str, str]] = (),
) -> Comparison:
    """Return critical masses, areas, accuracies and verdicts of one learner and all others.

    Arguments:
        records: One row a trial.
        differences: Result of :func:`results.stats.paired.compare`, with ``one`` as the baseline,
            or of :func:`results.stats.paired.against`, with ``one`` as the learner.
        one: The text of the learner that is on one side of all differences.
        level: The level of success of critical masses.
        above: Whether the level is a share of what lies above the control, or above zero.
        outside: Pairs of a dataset and a learner that is not made for its data.

    Returns:
        The rows of the learner itself and of the others, the largest area first in each task. Of
        more than ``ROWS``, those with a verdict of a win or a loss come first. Controls are left
        out. A learner that fails :func:`results.stats.gate.gate` has its reason in place of
        verdicts.
    """
    other = "learner" if (differences["baseline"] == one).all() else "baseline"
    pairs = differences[differences["measure"] != "success"]
    wide = pairs.assign(cell=pairs[other]).drop(columns=["learner", "baseline"])
    wide = wide.rename(columns={"cell": "learner"}).set_index(CELL)
    name = labels(records["learner"])[one]
    table = _cells(records, level, above, outside)
    gaps, masses = (wide[wide["measure"] == m] for m in ("area", "critical"))
    title = f"area, less {name}" if other == "learner" else f"{name} less its area"
    rows = zip(*(gaps[n] for n in ("difference", "low", "high", "interval", "seeds")), strict=True)
    texts = [written(Interval(mean, low, high, kind), n) for mean, low, high, kind, n in rows]
    table[title] = pd.Series(texts, gaps.index, dtype=object).reindex(table.index).fillna("")
    for by, part in (("by area", gaps), ("by critical mass", masses)):
        words = part["verdict"].reindex(table.index)
        table[by] = words.where(table["reason"] == "", "").fillna("")
    table["by area"] = table["by area"].where(
        table["reason"] == "", "not ranked: " + table["reason"]
    )
    own = table.index.get_level_values("learner") == one
    table.loc[own, ["by area", "by critical mass"]] = ["compared with", ""]
    size = gaps["difference"].abs().reindex(table.index).fillna(0.0)
    shown = _kept(table.assign(size=size).reset_index(), one)
    notes = _notes(table, shown, differences)
    return Comparison(_to_read(shown), notes)


def _cells(
    records: pd.DataFrame, level: float, above: Above, outside: Collection[tuple[str, str]]
) -> pd.DataFrame:
    """Return the critical mass, area and accuracy of each cell that is no control."""
    masses = critical_mass(success_curves(records), level, records, above).set_index(CELL)
    table = pd.DataFrame({mass_title(level, above): masses["text"]})
    table["area"] = area(records).set_index(CELL)["area"].map("{:.3f}".format)
    gated = gate(records, outside).set_index(["dataset", "learner"])
    pairs = [(key[0], key[-1]) for key in table.index]
    accuracy = gated["accuracy"].reindex(pairs)
    table["accuracy"] = ["" if a != a else f"{a:.3f}" for a in accuracy]
    table["reason"] = gated["reason"].reindex(pairs).to_numpy()
    strategies = table.index.get_level_values("strategy")
    return table[[parse(text)[0] != CONTROL for text in strategies]]


def _kept(table: pd.DataFrame, one: str) -> pd.DataFrame:
    """Return the rows that are shown, by task and area.

    Arguments:
        table: All rows.
        one: The learner on one side of all differences, whose rows are kept.
    """
    decided = table[["by area", "by critical mass"]].isin(_DECIDED).any(axis=1)
    order = table.assign(own=table["learner"] == one, decided=decided)
    order = order.sort_values(["own", "decided", "size"], ascending=False, kind="stable")
    kept = order.head(ROWS).drop(columns=["own", "decided", "size"])
    rising = [*[True] * len(PANEL), False, True]
    return kept.sort_values([*PANEL, "area", "learner"], ascending=rising, ignore_index=True)


def _to_read(table: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the name of a task once, in its first row."""
    short = shortened(table)
    ways = [name for name in WAYS if table[name].nunique() > 1]
    task = short[["dataset", "strategy", *ways]].agg(", ".join, axis=1)
    short.insert(0, "task", task.where(task != task.shift(), ""))
    return short.drop(columns=[*PANEL, "reason"])


def _notes(all_rows: pd.DataFrame, shown: pd.DataFrame, differences: pd.DataFrame) -> list[str]:
    """Return sentences on rows that are left out, and on verdicts that cannot be reached."""
    notes = []
    left = len(all_rows) - len(shown)
    if left:
        decided = sum(
            int(table[["by area", "by critical mass"]].isin(_DECIDED).any(axis=1).sum()) * sign
            for table, sign in ((all_rows, 1), (shown, -1))
        )
        rows = "row" if left == 1 else "rows"
        notes.append(f"{left} more {rows}, {decided} of them with a win or a loss: --all")
    unreachable = differences[differences["note"].str.startswith("p <= ", na=False)]
    if len(unreachable):
        takes = unreachable["note"].iloc[0].removeprefix("p <= .05 ")
        seeds = int(unreachable["seeds"].max())
        compared = differences[["learner", "baseline"]].drop_duplicates().shape[0]
        notes.append(
            f"{seeds} seeds cannot reach p <= .05 after the correction for {compared} "
            f"{'learner' if compared == 1 else 'learners'}: it {takes}"
        )
    unclear = (shown[["by area", "by critical mass"]] == "cannot tell").any(axis=None)
    if unclear and not len(unreachable):
        needed = differences.loc[differences["verdict"] == "cannot tell", "needed"]
        finite = needed[np.isfinite(needed)]
        if len(finite):
            notes.append(
                f"cannot tell: with seeds like these, half of the open comparisons take "
                f"{finite.median():.0f} seeds or fewer"
            )
    return notes
