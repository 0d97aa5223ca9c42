"""Choices that a firm makes on its validation data, made afterwards from the records."""

from typing import Any, Literal

import numpy as np
import pandas as pd

from results.display_names import labels, parse
from results.stats.frames import CELL, PANEL, checked

Rule = Literal["accuracy", "worst_group", "loss"]
RULES = ("accuracy", "worst_group", "loss")

#: What a choice of epochs can replace in a record.
_BY_EPOCH = ("success", "accuracy", "effective_size", *(f"firm_{rule}" for rule in RULES))


def _score(values: Any, rule: str) -> Any:
    """Larger is better."""
    if rule not in RULES:
        raise ValueError(f"there is no rule {rule!r}; there are {', '.join(RULES)}")
    return -values if rule == "loss" else values


def select(records: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    r"""Of all variants of a learner the one that its firm would choose, trial by trial.

    A firm has one training set, one validation set and the variants of one class of learner. At
    each size and seed it takes the variant that is best on its own validation data (in which
    members are, where validation is contaminated); of equals the first by its text. It knows
    neither success nor the test data.

    Arguments:
        records: One row a trial, with ``firm_accuracy``, ``firm_worst_group``, ``firm_loss``.
        rule: Accuracy, accuracy in the worst group, or loss on the validation data.

    Returns:
        The chosen rows. ``learner`` is the class that was chosen from, ``chosen`` the variant,
        ``variants`` all that there are, separated by commas. Where a variant failed the firm
        chose among the others; where all did, one failed row stays. A class that has one variant
        stays as it is. ``attrs["unchosen"]`` is the number of rows that are not there any more.
    """
    table = checked(records)
    table["score"] = _score(table[f"firm_{rule}"].astype(float), rule)
    table["family"] = [parse(text)[0] for text in table["learner"]]
    world = [*PANEL, "family", "size", "seed"]
    order = table.sort_values(
        [*world, "score", "learner"],
        ascending=[*[True] * len(world), False, True],
        kind="stable",
        na_position="last",
    )
    # A variant that failed has no score, and comes after those that have one.
    best = order.groupby(world, as_index=False, sort=False).head(1)
    named = table.groupby([*PANEL, "family"])["learner"].agg(lambda own: ",".join(own.unique()))
    variants = best[[*PANEL, "family"]].join(named.rename("variants"), on=[*PANEL, "family"])
    several = variants["variants"] != best["learner"]
    made = best.assign(
        chosen=best["learner"],
        learner=np.where(several, best["family"] + "()", best["learner"]),
        variants=variants["variants"],
    ).drop(columns=["score", "family", "ok"])
    made.attrs["unchosen"] = len(table) - len(made)
    return made


def choices(selected: pd.DataFrame) -> pd.DataFrame:
    """How often each variant was chosen: a row for each cell and variant, the commonest first."""
    short = labels(selected["chosen"])
    table = selected.assign(chosen=selected["chosen"].map(short))
    table = table[table["learner"] != selected["chosen"]]
    counts = (
        table.groupby([*CELL, "chosen"], as_index=False).size().rename(columns={"size": "times"})
    )
    counts["of"] = counts.groupby(CELL)["times"].transform("sum")
    rising = [*[True] * len(CELL), False, True]
    return counts.sort_values([*CELL, "times", "chosen"], ascending=rising, ignore_index=True)


def at_epoch(records: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Records as if each training had kept the epoch that is best by a rule.

    Arguments:
        records: One row a trial; ``epochs`` holds what was measured after each epoch (learners
            with ``trace=True``), or None.
        rule: Accuracy, accuracy in the worst group, or loss on the validation data.

    Returns:
        The records, with success, accuracy, effective size and what the firm saw of that epoch
        where epochs were recorded; ``success0`` follows. Others stay as they are.
    """
    table = records.copy()
    for at, epochs in zip(table.index, table["epochs"], strict=True):
        if not isinstance(epochs, dict) or f"firm_{rule}" not in epochs:
            continue
        best = int(np.argmax(_score(np.array(epochs[f"firm_{rule}"]), rule)))
        for name in _BY_EPOCH:
            if name in epochs:
                table.loc[at, name] = epochs[name][best]
    if "success0" in table.columns:
        world = [*CELL, "seed"]
        control = table[table["size"] == 0].set_index(world)["success"].rename("success0")
        table = table.drop(columns="success0").join(control, on=world)
    return table
