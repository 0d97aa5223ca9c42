"""Distances from ERM's frontier as a table for reading."""

import pandas as pd

from results.display_names import display
from results.report.effects import TITLES


def read(table: pd.DataFrame) -> pd.DataFrame:
    """Return distances from ERM's frontier for reading, a row a learner and place.

    The place is left out where there is one.

    Arguments:
        table: Rows of one strategy of :func:`results.stats.frontier.over_datasets`.
    """
    short = display(table["learner"])
    rows = []
    for row in table.to_dict("records"):
        word = "" if row["verdict"] == "cannot tell" else f" {row['verdict']}"
        ends = f"{row['above']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]{word}"
        rows.append(
            {
                "learner": short[row["learner"]],
                "size": TITLES[row["place"]],
                "above ERM's frontier": ends,
                "datasets": row["datasets"],
                "settings": row["settings"],
                "shown to be above": row["strengthens"],
            }
        )
    made = pd.DataFrame(rows)
    return made if table["place"].nunique() > 1 else made.drop(columns="size", errors="ignore")
