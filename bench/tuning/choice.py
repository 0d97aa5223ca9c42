"""The choice among the settings of a learner, from the records of the tuning trials."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import pandas as pd

from bench.spec.part import Entry, Settings

#: Measures on the firm's validation data by which a setting is chosen.
Rule = Literal["accuracy", "worst_group"]
RULES: tuple[Rule, ...] = get_args(Rule)
#: The means of a setting over its trials, by name.
Means = dict[str, Any]
ENTRY = list(Entry._fields)
#: What the firm measures on its validation data.
FIRM = ["firm_accuracy", "firm_worst_group", "firm_loss"]
COLUMNS = [
    *ENTRY,
    *("rule", "setting", "settings", "failed"),
    *FIRM,
    *("tied", "accuracy_range", "success_range"),
]
#: Means that differ by less are equal: they differ in the order of their sums.
DIGITS = 9


def choose(records: pd.DataFrame, tried: Settings) -> pd.DataFrame:
    r"""Choose a setting for each entry, by each rule.

    The score of a setting is the mean over all tuning trials of the firm's accuracy on its
    validation data, or of that in the worst group. Among equal scores the smallest mean
    validation loss decides, and among equal losses a draw: the smallest SHA-256 of the entry, the
    rule and the setting. A setting that failed in a trial is chosen only if all did; then it is
    the learner as named.

    Arguments:
        records: The records of the tuning trials, under the names of their entries: see
            :func:`bench.records.entries.by_entry`.
        tried: The settings of each entry, the learner as named first.

    Returns:
        One row for each entry and rule: the chosen ``setting``; the number of ``settings``, and
        of those that ``failed``; mean ``firm_accuracy``, ``firm_worst_group`` and ``firm_loss`` of
        the chosen one; the number ``tied`` of settings with its score, and the ranges of their
        mean test accuracy without a collective and of their mean success with one.
    """
    known: dict[tuple[str, ...], list[Means]] = {}
    for row in _means(records).to_dict("records"):
        known.setdefault(tuple(row[name] for name in ENTRY), []).append(row)  # type: ignore[arg-type]
    rows = [
        {**entry._asdict(), "rule": rule, **_chosen(known.get(entry, []), entry, specs, rule)}
        for rule in RULES
        for entry, specs in tried.items()
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values(["rule", *ENTRY], ignore_index=True)


def chosen(choices: pd.DataFrame, rule: Rule) -> Settings:
    """Return the setting of each entry by a rule, from the result of :func:`choose`."""
    rows = choices[choices["rule"] == rule]
    return {
        Entry(*row[:3]): [row[3]]
        for row in rows[[*ENTRY, "setting"]].itertuples(index=False, name=None)
    }


def _means(records: pd.DataFrame) -> pd.DataFrame:
    """Return the means of each setting of an entry over its tuning trials."""
    by = [*ENTRY, "setting"]
    table = records.assign(
        ok=records["status"] == "ok",
        accuracy0=records["accuracy"].where(records["size"] == 0),
        success1=records["success"].where(records["size"] > 0),
    )
    means = table.groupby(by, as_index=False).agg(
        {"ok": "sum"} | dict.fromkeys([*FIRM, "accuracy0", "success1"], "mean")
    )
    means[FIRM] = means[FIRM].astype(float).round(DIGITS)
    return means


def _chosen(
    means: Sequence[Means], entry: Entry, specs: Sequence[str], rule: Rule
) -> dict[str, Any]:
    """Return the choice for an entry.

    Arguments:
        means: The means of its settings that have records.
        entry: The entry.
        specs: The settings that were tried.
        rule: The rule of the choice.
    """
    made: dict[str, Any] = {"setting": specs[0], "settings": len(specs), "failed": 0, "tied": 1}
    made |= dict.fromkeys((*FIRM, "accuracy_range", "success_range"), math.nan)
    if len(specs) == 1:
        return made
    score = f"firm_{rule}"
    tried = [row for row in means if row["setting"] in specs]
    trials = max((row["ok"] for row in tried), default=0)
    good = [row for row in tried if row["ok"] == trials and not math.isnan(row[score])]
    made["failed"] = len(specs) - len(good)
    if not good:
        return made
    highest = max(row[score] for row in good)
    tied = [row for row in good if row[score] == highest]
    best = min(tied, key=lambda row: (_loss(row), _lot(entry, rule, row["setting"])))
    return made | {
        "tied": len(tied),
        **{name: best[name] for name in ("setting", *FIRM)},
        "accuracy_range": _range(tied, "accuracy0"),
        "success_range": _range(tied, "success1"),
    }


def _loss(row: Means) -> float:
    """Return the loss of a setting; that of a learner without probabilities is infinite."""
    return math.inf if math.isnan(row["firm_loss"]) else float(row["firm_loss"])


def _range(rows: Sequence[Means], name: str) -> float:
    values = [float(row[name]) for row in rows]
    return max(values) - min(values)


def _lot(entry: Entry, rule: Rule, spec: str) -> str:
    return hashlib.sha256(repr((*entry, rule, spec)).encode()).hexdigest()
