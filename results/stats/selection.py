"""Model selection on the firm's validation data, made afterwards from the records."""

import hashlib
from typing import Any, Literal

import numpy as np
import pandas as pd

from results.display_names import labels, parse
from results.stats.frames import CELL, PANEL, checked, number

Rule = Literal["accuracy", "worst_group", "loss"]
RULES = ("accuracy", "worst_group", "loss")

#: Fields of a record that a choice of epochs can replace.
_BY_EPOCH = ("success", "accuracy", "effective_size", *(f"firm_{rule}" for rule in RULES))


def _score(values: Any, rule: str) -> Any:
    """Return numbers of which the larger is better, by a rule.

    Raises:
        ValueError: If there is no such rule.
    """
    if rule not in RULES:
        raise ValueError(f"there is no rule {rule!r}; there are {', '.join(RULES)}")
    return -values if rule == "loss" else values


def select(records: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    r"""Return the variant of each learner that its firm would choose, trial by trial.

    A firm has one training set, one validation set and the variants of one class of learner. At
    each size and seed it takes the variant that is best on its own validation data (in which
    members are, where validation is contaminated). It knows neither success nor the test data.

    Of variants that are equal by the rule, it takes the best by the other rules, in the order
    accuracy, worst group, loss. Variants that are equal by all of them draw lots: the smallest
    SHA-256 of the trial's key and the variant's text wins. So each of them is as likely to be
    chosen, independently in each trial, and the choice is the same whenever it is repeated.

    Arguments:
        records: One row a trial, with ``firm_accuracy``, ``firm_worst_group``, ``firm_loss``.
        rule: Accuracy, accuracy in the worst group, or loss on the validation data.

    Returns:
        The chosen rows. ``learner`` is the class that was chosen from, ``chosen`` the variant,
        ``variants`` all that there are, separated by commas. Where a variant failed the firm
        chose among the others; where all did, one failed row stays. A class that has one variant
        stays as it is. ``attrs["unchosen"]`` is the number of rows that are left out.
    """
    table = checked(records)
    table["score"] = _score(table[f"firm_{rule}"].astype(float), rule)
    others = [name for name in RULES if name != rule]
    for name in others:
        table[f"score_{name}"] = _score(number(table, f"firm_{name}"), name)
    table["family"] = [parse(text)[0] for text in table["learner"]]
    trial = [*PANEL, "family", "size", "seed"]
    keys = table[[*trial, "learner"]].itertuples(index=False, name=None)
    table["lot"] = [hashlib.sha256(repr(key).encode()).hexdigest() for key in keys]
    # A variant that failed has no score, and comes after those that have one.
    scores = ["score", *(f"score_{name}" for name in others)]
    order = table.sort_values(
        [*trial, *scores, "lot"],
        ascending=[*[True] * len(trial), *[False] * len(scores), True],
        kind="stable",
        na_position="last",
    )
    best = order.groupby(trial, as_index=False, sort=False).head(1)
    texts = table.groupby([*PANEL, "family"])["learner"].agg(lambda rows: ",".join(rows.unique()))
    variants = best[[*PANEL, "family"]].join(texts.rename("variants"), on=[*PANEL, "family"])
    several = variants["variants"] != best["learner"]
    made = best.assign(
        chosen=best["learner"],
        learner=np.where(several, best["family"] + "()", best["learner"]),
        variants=variants["variants"],
    ).drop(columns=[*scores, "lot", "family", "ok"])
    made.attrs = {**records.attrs, "unchosen": len(table) - len(made)}
    return made


def choices(selected: pd.DataFrame) -> pd.DataFrame:
    """Return how often each variant was chosen: a row for each cell and variant, by frequency.

    Arguments:
        selected: Result of :func:`select`.
    """
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
    """Return records as if each training had kept the epoch that is best by a rule.

    Of epochs that are equally good it keeps the first.

    Arguments:
        records: One row a trial; ``epochs`` holds what was measured after each epoch (learners
            with ``trace=True``), or None.
        rule: Accuracy, accuracy in the worst group, or loss on the validation data.

    Returns:
        The records, with success, accuracy, effective size and the firm's numbers of that epoch
        where epochs were recorded, and ``success0`` to match. ``success_others``, which is not
        recorded after each epoch, is left empty there. Others stay as they are.
    """
    table = records.copy()
    for at, epochs in zip(table.index, table["epochs"], strict=True):
        if not isinstance(epochs, dict) or f"firm_{rule}" not in epochs:
            continue
        best = int(np.argmax(_score(np.array(epochs[f"firm_{rule}"]), rule)))
        for name in _BY_EPOCH:
            if name in epochs:
                table.loc[at, name] = epochs[name][best]
        if "success_others" in table.columns:
            table.loc[at, "success_others"] = np.nan
    if "success0" in table.columns:
        run = [*CELL, "seed"]
        control = table[table["size"] == 0].set_index(run)["success"].rename("success0")
        table = table.drop(columns="success0").join(control, on=run)
    return table
