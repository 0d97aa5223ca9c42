"""The table of a comparison of density models."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import pandas as pd

from results.display_names import labels
from results.stats.intervals import student

#: Numbers from here on come from diverged models, and are printed in short form.
HUGE = 1e4
#: The measurements on laws and tables that are shown, where there are some.
MEASURED = (
    "above",
    "exact",
    "nll",
    "validation",
    "accuracy",
    "mass",
    "effective",
    "covered",
    "seconds",
)


def means(table: pd.DataFrame, known: Sequence[str] = MEASURED) -> pd.DataFrame:
    """Return means over seeds with 95 % intervals, one row for each law or table and model.

    Arguments:
        table: One row a training, with columns ``law``, ``model``, ``seed`` and its measurements.
        known: The measurements that are shown, where there are some.
    """

    def with_interval(values: Any) -> str:
        mean, low, high, _ = student(values.dropna().to_numpy(float))
        if mean != mean:
            return ""
        form = ".4f" if abs(mean) < HUGE else ".3g"
        return f"{mean:{form}}" + (f" [{low:{form}}, {high:{form}}]" if isfinite(low) else "")

    short = labels(table["model"])
    # For a known law, the excess over its floor is more informative than the total.
    measured = [c for c in known if c in table and not (c == "nll" and "above" in table)]
    rows = [
        {"law": law, "model": short[str(model)]}
        | ({"floor": with_interval(group["floor"].iloc[:1])} if "floor" in group else {})
        | {name: with_interval(group[name]) for name in measured}
        | ({"alarms": int(group["alarms"].sum())} if "alarms" in group else {})
        | {"seeds": len(group)}
        | ({"failed": int(group["error"].notna().sum())} if "error" in group else {})
        for (law, model), group in table.groupby(["law", "model"], sort=False)
    ]
    return pd.DataFrame(rows)
