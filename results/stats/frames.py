"""The frame of records: its columns, its key, and the order in which it is read."""

import numpy as np
import pandas as pd

#: The columns of a panel beside the dataset and the strategy.
WAYS = ["validation", "groups", "recruitment"]
PANEL = ["dataset", "strategy", *WAYS]
CELL = [*PANEL, "learner"]
KEY = [*CELL, "size", "seed"]
_NEEDED = [*KEY, "success", "status"]
#: The strategy of members who do nothing, a control.
CONTROL = "Idle"


def without_attributes(records: pd.DataFrame) -> pd.DataFrame:
    """Return records as they are, without the frame's attributes.

    Pandas copies the attributes in each operation.
    """
    records = records.copy(deep=False)
    records.attrs = {}
    return records


def without_averages(records: pd.DataFrame) -> pd.DataFrame:
    """Return records of which success curves average no other column.

    The means of other columns take most of the time of curves.
    """
    records = records.copy(deep=False)
    records.attrs = {**records.attrs, "averaged": []}
    return records


def checked(records: pd.DataFrame) -> pd.DataFrame:
    """Return records that can be averaged: sorted by key, each key once, failures without numbers.

    Sorting first makes every later sum independent of the order in which trials ended.

    Arguments:
        records: One row a trial.

    Returns:
        A sorted copy with a fresh index, a boolean column ``ok``, and NaN as the success of
        the trials that are not ok.

    Raises:
        ValueError: If a column is missing, or a key is there twice.
    """
    if missing := [name for name in _NEEDED if name not in records.columns]:
        raise ValueError(f"records lack the columns {missing}; they have {list(records.columns)}")
    records = without_attributes(records)
    codes = np.array(
        [pd.factorize(records[name], sort=True, use_na_sentinel=False)[0] for name in KEY]
    )
    order = np.lexsort(codes[::-1])
    table = records.take(order).reset_index(drop=True)
    twice = (np.diff(codes[:, order]) == 0).all(axis=0)
    if twice.any():
        first = table.loc[int(twice.argmax()), KEY].to_dict()
        raise ValueError(f"{int(twice.sum())} trials are recorded more than once, first {first}")
    table["ok"] = (table["status"] == "ok") & table["success"].notna()
    table["success"] = table["success"].astype(float).where(table["ok"], np.nan)
    return table


def number(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as floats; NaN throughout if the frame does not have it."""
    if name not in frame.columns:
        return pd.Series(np.nan, index=frame.index, name=name)
    return frame[name].astype(float)


def averaged(records: pd.DataFrame) -> list[str]:
    """Return the columns that success curves average beside success.

    Records from a store name them in ``attrs["averaged"]``. In other frames they are all columns
    of numbers between 0 and 1.

    Example:
        >>> averaged(pd.DataFrame({"size": [0.1], "accuracy": [0.9], "seconds": [7.0]}))
        ['accuracy']
    """
    if "averaged" in records.attrs:
        return [name for name in records.attrs["averaged"] if name in records.columns]
    others = records.select_dtypes("number").drop(columns=[*KEY, "success"], errors="ignore")
    return [str(name) for name in others if others[name].dropna().between(0, 1).all()]
