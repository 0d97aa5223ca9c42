"""The gate of comparisons: learners whose accuracy without a collective is that of ERM."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from results.display_names import parse, references
from results.stats.frames import checked, number
from results.stats.intervals import signed

#: The largest loss of accuracy, against ERM at size 0, with which a learner is ranked.
MARGIN = 0.03
#: The reason of learners that are not made for the data.
UNSUITED = "not made for these data"
_COLUMNS = [
    "dataset",
    "learner",
    "accuracy",
    "accuracy_difference",
    "accuracy_low",
    "accuracy_high",
    "seeds",
    "ranked",
    "reason",
]


def erm_of(learners: Collection[str]) -> str | None:
    """Return the learner among several that is ERM; None if none is.

    Of several settings of ERM it is the one that has the values of most other learners (see
    :func:`results.display_names.references`), or else the one with the shortest text.

    Example:
        >>> erm_of(["JTT()", "ERM(optimiser='adam')", "ERM()"])
        'ERM()'
        >>> erm_of(["JTT(epochs=100)", "ERM(epochs=5)", "ERM(epochs=100)"])
        'ERM(epochs=100)'
    """
    found = [text for text in learners if parse(text)[0] == "ERM"]
    shortest = min(found, key=lambda text: (len(text), text), default=None)
    usual = references(learners).get("ERM")
    return usual if usual in found else shortest


def gate(records: pd.DataFrame, outside: Collection[tuple[str, str]] = ()) -> pd.DataFrame:
    r"""Return which learners are ranked on each dataset, by their accuracy without a collective.

    With :math:`a_s` the test accuracy at size 0 and seed s, a learner is ranked where

    .. math::  \frac1S \sum_s a_s - a_s^\mathrm{ERM} \ge -.03

    A classifier that firms would not deploy says nothing about what collectives meet. Learners
    are ranked where records have no accuracy, or no ERM on the dataset.

    Arguments:
        records: One row a trial.
        outside: Pairs of a dataset and a learner that is not made for its data. They are not
            ranked.

    Returns:
        A row for each dataset and learner: ``accuracy`` at size 0, its mean over seeds;
        ``accuracy_difference``, that accuracy less ERM's, paired over seeds, with its 95 %
        interval ``accuracy_low`` and ``accuracy_high``; ``seeds`` with an accuracy; ``ranked``;
        ``reason``, if it is not.
    """
    table = checked(records)
    known = (table["size"] == 0) & table["ok"]
    control = table.assign(accuracy=number(table, "accuracy").where(known))
    rows = []
    for dataset, here in control.groupby("dataset"):
        # Without members, panels of one seed differ in the firm's validation data at most.
        wide = here.pivot_table(
            index="seed", columns="learner", values="accuracy", aggfunc="mean", dropna=False
        )
        erm = erm_of(list(wide.columns))
        for learner in sorted(set(here["learner"])):
            own = wide[learner].to_numpy(float)
            gap = own - wide[erm].to_numpy(float) if erm else np.full(len(own), np.nan)
            mean, low, high, _ = signed(gap[np.isfinite(gap)])
            low, high = (low, high) if np.isfinite(gap).sum() > 1 else (np.nan, np.nan)
            accuracy = own[np.isfinite(own)].mean() if np.isfinite(own).any() else np.nan
            reason = _reason((str(dataset), learner) in outside, mean)
            seeds = int(np.isfinite(own).sum())
            rows.append((dataset, learner, accuracy, mean, low, high, seeds, not reason, reason))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _reason(unsuited: bool, difference: float) -> str:
    """Return why a learner is not ranked; nothing if it is.

    Arguments:
        unsuited: Whether it is not made for the data.
        difference: Its accuracy less ERM's, NaN if that is not known.
    """
    if unsuited:
        return UNSUITED
    # Accuracies are shares of test points, whose differences may be off by rounding.
    return f"accuracy {difference:+.3f} against ERM" if difference < -MARGIN - 1e-12 else ""


def apart(gated: pd.DataFrame) -> pd.DataFrame:
    """Return the learners that are not ranked on some dataset.

    Arguments:
        gated: Result of :func:`gate`.

    Returns:
        A row for each of them, of the dataset on which its accuracy is lowest against ERM's:
        the columns of :func:`gate`, and ``failed``, on how many datasets it is not ranked.
    """
    failing = gated[~gated["ranked"]].sort_values(
        ["learner", "accuracy_difference", "dataset"], kind="stable"
    )
    counts = failing.groupby("learner").size().rename("failed")
    return failing.drop_duplicates("learner").join(counts, on="learner").reset_index(drop=True)
