"""Whether there is a good record of every trial that a comparison needs."""

import pandas as pd

from results.display_names import shortened
from results.stats.frames import CELL, PANEL, checked


def missing(records: pd.DataFrame) -> pd.DataFrame:
    """The trials that a comparison would have to do without.

    A comparison needs of every learner of a panel (dataset, strategy, validation, groups) each
    size and seed that any learner has there.

    Returns:
        A row for each cell with some missing: ``trials`` that it needs, of which ``absent``
        have no record and ``failed`` have one that failed; ``first``, one of them.
    """
    table = checked(records)
    rows = []
    for panel, here in table.groupby(PANEL):
        worlds = pd.MultiIndex.from_frame(here[["size", "seed"]].drop_duplicates()).sort_values()
        for learner, own in here.groupby("learner"):
            recorded = pd.MultiIndex.from_frame(own[["size", "seed"]])
            good = pd.MultiIndex.from_frame(own.loc[own["ok"], ["size", "seed"]])
            lost = worlds.difference(good)
            if len(lost):
                size, seed = lost[0]
                absent = len(worlds.difference(recorded))
                first = f"size {size:g} at seed {seed}"
                counts = (len(worlds), absent, len(lost) - absent, first)
                rows.append((*panel, learner, *counts))
    return pd.DataFrame(rows, columns=[*CELL, "trials", "absent", "failed", "first"])


def refuse_missing(records: pd.DataFrame) -> None:
    """Let through only records of which none is missing.

    A mean over the trials that happen to be there is not the mean over the trials of the grid.

    Raises:
        ValueError: With a line for each cell that lacks some.
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
