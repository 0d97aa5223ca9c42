"""Completeness: a successful record of every trial that a comparison needs."""

import pandas as pd

from results.display_names import shortened
from results.stats.frames import CELL, PANEL, checked


def missing(records: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that a comparison lacks.

    A comparison needs from every learner of a panel (dataset, strategy, validation, groups) each
    size and seed that any learner has there.

    Arguments:
        records: One row a trial.

    Returns:
        A row for each cell that lacks some: ``trials`` that it needs, of which ``absent`` have no
        record and ``failed`` have a failed one; ``first``, one of these.
    """
    table = checked(records)
    rows = []
    for panel, here in table.groupby(PANEL):
        needed = pd.MultiIndex.from_frame(here[["size", "seed"]].drop_duplicates()).sort_values()
        for learner, trials in here.groupby("learner"):
            recorded = pd.MultiIndex.from_frame(trials[["size", "seed"]])
            good = pd.MultiIndex.from_frame(trials.loc[trials["ok"], ["size", "seed"]])
            lost = needed.difference(good)
            if len(lost):
                size, seed = lost[0]
                absent = len(needed.difference(recorded))
                first = f"size {size:g} at seed {seed}"
                counts = (len(needed), absent, len(lost) - absent, first)
                rows.append((*panel, learner, *counts))
    return pd.DataFrame(rows, columns=[*CELL, "trials", "absent", "failed", "first"])


def refuse_missing(records: pd.DataFrame) -> None:
    """Refuse records that lack trials of a comparison.

    A mean over some of the trials of a grid is not the mean over all of them.

    Arguments:
        records: One row a trial.

    Raises:
        ValueError: If some are missing; the message has a line for each cell that lacks some.
    """
    lost = missing(records)
    if not len(lost):
        return
    lines = [
        f"  {row['learner']} on {row['dataset']}, {row['strategy']}: {row['absent']} absent and "
        f"{row['failed']} failed of {row['trials']}, first {row['first']}"
        for row in shortened(lost).to_dict("records")
    ]
    total = int(lost["absent"].sum() + lost["failed"].sum())
    head = f"{total} trials are missing, without which learners cannot be compared fairly:"
    raise ValueError("\n".join([head, *lines[:20], *(["  ..."] if len(lines) > 20 else [])]))
