"""One learner compared with all others."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from results.display_names import labels
from results.stats.crossing import Above
from results.stats.curves import success_curves
from results.stats.frames import PANEL
from results.stats.intervals import Interval, written
from results.stats.paired import against
from results.stats.rank_tests import friedman, pairwise
from results.stats.ranks import FEWEST, Field, field, mean_ranks


class Page(NamedTuple):
    """The contents of a comparison.

    Arguments:
        sections: Titles with tables to read.
        differences: All that :func:`results.stats.paired.against` returns.
        summary: The numbers of verdicts, as text.
    """

    sections: list[tuple[str, pd.DataFrame]]
    differences: pd.DataFrame
    summary: str


def page(
    records: pd.DataFrame,
    learner: str,
    baseline: str,
    level: float = 0.5,
    above: Above = "control",
) -> Page:
    """Return curves, paired differences, ranks and verdicts of one learner.

    Arguments:
        records: One row a trial, of the learner and all others, none missing.
        learner: The spec of the learner.
        baseline: The spec of the learner whose curve is shown beside it.
        level: The level of success at which critical masses are compared.
        above: Whether the level is a share of what lies above the control, or above zero.
    """
    differences = against(records, learner, level, above)
    compared, name = field(records, level), labels(records["learner"])[learner]
    ranks = mean_ranks(compared).assign(interval="t")
    shown = ranks.assign(rank=_interval(ranks, "rank", 2))
    shown = shown.drop(columns=["low", "high", "interval"])
    shown.insert(0, "", np.where(shown["learner"] == learner, ">", ""))
    sections = [
        (
            f"Success of {name}, beside {labels(records['learner'])[baseline]}",
            _curves(records, learner, baseline),
        ),
        (
            f"{name} less each of the others (critical masses at success {level:g}, in decades)",
            _differences(differences),
        ),
    ]
    if len(shown):
        title = f"Mean ranks by area above size 0 over {len(compared.datasets)} datasets"
        sections.append((title, shown))
    return Page(sections, differences, _summary(differences, compared, learner, name))


def _interval(table: pd.DataFrame, mean: str, digits: int = 3) -> list[str]:
    """Return a mean and its interval as text, a row each."""
    columns = zip(*(table[name] for name in (mean, "low", "high", "interval")), strict=True)
    return [
        written(Interval(*row), seeds, digits)
        for row, seeds in zip(columns, table["seeds"], strict=True)
    ]


def _curves(records: pd.DataFrame, learner: str, baseline: str) -> pd.DataFrame:
    """Return the success of both at each size, and the learner's place among all."""
    curves = success_curves(records)
    cell = [*PANEL, "size"]
    curves["place"] = curves.groupby(cell)["mean"].rank(ascending=False, method="min")
    curves["success"] = _interval(curves, "mean")
    count = curves.groupby(cell)["learner"].transform("nunique")
    curves["place"] = [f"{p:.0f} of {n}" for p, n in zip(curves["place"], count, strict=True)]
    measured = curves[curves["learner"] == learner].set_index(cell)
    short = labels([learner, baseline])
    other = curves[curves["learner"] == baseline].set_index(cell)["success"]
    table = measured[["success", "place", "accuracy"]].join(other.rename(short[baseline]))
    names = [short[learner], "place", "accuracy", short[baseline]]
    return table.set_axis(names, axis=1).reset_index()


def _differences(table: pd.DataFrame) -> pd.DataFrame:
    """Return the differences in area and critical mass from each other learner."""
    keys = [*PANEL, "baseline"]
    parts = []
    for measure, digits in (("area", 3), ("critical", 2)):
        rows = table[table["measure"] == measure].set_index(keys)
        texts = pd.Series(_interval(rows, "difference", digits), rows.index)
        part = pd.DataFrame({measure: texts, f"{measure} p": rows["p_holm"]})
        parts.append(
            part.assign(**{f"{measure} verdict": rows["verdict"], "needs": rows["needed"]})
        )
    joined = parts[0].drop(columns="needs").join(parts[1].drop(columns="needs"))
    order = table[table["measure"] == "area"].set_index(keys)["difference"]
    joined = joined.assign(seeds=parts[0]["needs"], order=order).reset_index()
    joined = joined.sort_values([*PANEL, "order", "baseline"], ignore_index=True)
    joined["baseline"] = joined["baseline"].map(labels(joined["baseline"]))
    open_ended = (joined["area verdict"] == "cannot tell") & np.isfinite(joined["seeds"])
    joined["seeds"] = joined["seeds"].map("{:.0f}".format).where(open_ended, "")
    names = {"baseline": "less", "seeds": "area needs seeds", "area p": "p", "critical p": "p "}
    return joined.drop(columns="order").rename(columns=names)


def _summary(table: pd.DataFrame, compared: Field, learner: str, name: str) -> str:
    lines = []
    short = labels(table["dataset"])
    for measure, words in (("area", "area"), ("critical", "critical mass")):
        for panel, rows in table[table["measure"] == measure].groupby(PANEL):
            counts = rows["verdict"].value_counts()
            verdicts = [f"{counts.get(v, 0)} {v}" for v in ("win", "tie", "loss", "cannot tell")]
            dataset, strategy = map(str, panel[:2])
            where = f"{short[dataset]}, {labels([strategy])[strategy]}"
            lines.append(f"{where}, by {words}: {', '.join(verdicts)}")
            unsure = rows[rows["verdict"] == "cannot tell"]
            provable = rows["attainable"].min()
            if len(unsure) and provable > 0.05:
                lines[-1] += f" ({rows['note'].iloc[0]}; there are {rows['seeds'].max()})"
    lines.append(_across(compared, learner, name))
    return "\n".join(lines)


def _across(compared: Field, learner: str, name: str) -> str:
    count = len(compared.datasets)
    if learner not in compared.learners:
        reasons = compared.gated.loc[compared.gated["learner"] == learner, "reason"]
        why = next((reason for reason in reasons if reason), "it is not on all of these data")
        return f"{name} is not ranked: {why}."
    if count < FEWEST:
        return (
            f"Across {_count(count, 'dataset')} there are no mean ranks and no test, which need "
            f"{FEWEST}."
        )
    table = pairwise(compared)
    pairs = table[(table["one"] == learner) | (table["other"] == learner)]
    return (
        f"Across {count} datasets: Friedman's p = {friedman(compared):.2g}; by Wilcoxon and Holm "
        f"{name} differs from {int(pairs['apart'].sum())} of {len(pairs)}."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
