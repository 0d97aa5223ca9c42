"""The effects of learners as a table for reading."""

from typing import Any

import pandas as pd

from results.stats.effects import PEOPLE

#: Decades that are written as a number.
_MOST = 3
#: Headings of the columns of places.
TITLES = {
    "small": "small",
    "middle": "at ERM's mass",
    "large": "large",
    "only": "at the only size",
    PEOPLE: "people, times ERM's",
}


def read(table: pd.DataFrame) -> pd.DataFrame:
    """Return effects for reading: a row a learner of one strategy, a column a place.

    Arguments:
        table: Rows of one strategy of :func:`results.stats.effects.effects`.

    Returns:
        The columns "learner", one for each place, "datasets" and "accuracy, less ERM". An effect
        is a mean with its interval, and its verdict if it is a win, a loss or a tie. The number of
        datasets is that of the places, the fewest and the most; those on which the learner fails
        the gate are not among them.
    """
    shown = [place for place in TITLES if place in set(table["place"])]
    rows = []
    for learner, own in table.groupby("learner", sort=False):
        cells = {str(row["place"]): _cell(row) for row in own.to_dict("records")}
        counts = sorted(set(own["datasets"]))
        gap = own["accuracy_difference"].mean()
        rows.append(
            {"learner": learner}
            | {TITLES[place]: cells.get(place, "") for place in shown}
            | {"datasets": " to ".join(str(n) for n in dict.fromkeys([counts[0], counts[-1]]))}
            | {"fails the gate": int(own["failed"].max())}
            | {"accuracy, less ERM": "" if gap != gap else f"{gap + 0.0:+.3f}"}
        )
    return pd.DataFrame(rows)


def _cell(row: dict[Any, Any]) -> str:
    """Return an effect with its interval and verdict as text."""
    if row["effect"] != row["effect"]:
        return ""
    word = "" if row["verdict"] == "cannot tell" else f" {row['verdict']}"
    ends = row["effect"], row["low"], row["high"]
    if row["place"] == PEOPLE:
        mean, low, high = (f"{10.0**end:.2f}" if end < _MOST else "inf" for end in ends)
    else:
        mean, low, high = (f"{end:+.2f}" for end in ends)
    return f"{mean} [{low}, {high}]{word}" if row["datasets"] > 1 else f"{mean}{word}"
