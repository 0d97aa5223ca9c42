"""The column of records that curves, critical masses and comparisons are about."""

import difflib

import pandas as pd

from results.stats.frames import PANEL, averaged, number

#: The value that is used unless another is named.
HEADLINE = "headline"
#: Success on test points whose own label is not the target.
OTHERS = "success_others"
#: The column of success on all test points, beside a value that takes its place.
ALL = "success_all"
#: The column that names the column from which a value is.
MEASURED = "measured"


def values(records: pd.DataFrame) -> list[str]:
    """Return the names of the values that records have: the headline, success and averages."""
    return list(dict.fromkeys([HEADLINE, "success", *averaged(records)]))


def with_value(records: pd.DataFrame, value: str = HEADLINE) -> pd.DataFrame:
    """Return records in which a value takes the place of success.

    Some people have the target label by nature, and a classifier that gives it to them does
    nothing for the collective. So the headline of a strategy that plants a label is success on
    test points of other labels, ``success_others``. It is used in panels in which all finished
    trials have it. In the others the headline is success on all test points.

    Arguments:
        records: One row a trial.
        value: "headline", "success", or a column of shares.

    Returns:
        The records with the value as ``success``, and success on all test points as
        ``success_all``, which curves average beside it. ``measured`` names the column that each
        row's number is from. Records that have been through this function are treated as they
        were.

    Raises:
        ValueError: If records have no such value; the error names the nearest one.
    """
    plain = records[ALL if ALL in records.columns else "success"].astype(float)
    records = records.drop(columns=[ALL, MEASURED], errors="ignore").assign(success=plain)
    allowed = values(records)
    if value not in allowed:
        near = difflib.get_close_matches(value, allowed, n=1, cutoff=0.0)[0]
        raise ValueError(
            f"there is no value {value!r}. Did you mean {near!r}? Allowed: {', '.join(allowed)}"
        )
    if value == HEADLINE:
        names = _headline(records)
    else:
        names = pd.Series(value, records.index, dtype=object)
    chosen = plain.where(names != OTHERS, number(records, OTHERS))
    if value not in (HEADLINE, "success", OTHERS):
        chosen = number(records, value)
    made = records.assign(success=chosen, **{MEASURED: names, ALL: plain})
    if "averaged" in records.attrs:
        made.attrs["averaged"] = [*dict.fromkeys([*records.attrs["averaged"], ALL])]
    return made


def _headline(records: pd.DataFrame) -> pd.Series:
    """Return the column that each row's headline is from."""
    if OTHERS not in records.columns:
        return pd.Series("success", records.index, dtype=object)
    lacks = (records["status"] == "ok") & records[OTHERS].isna()
    keys = [records[name] for name in PANEL]
    some = records[OTHERS].notna().groupby(keys).transform("any")
    planting = some & ~lacks.groupby(keys).transform("any")
    return pd.Series(OTHERS, records.index, dtype=object).where(planting, "success")


def plain_success(records: pd.DataFrame) -> pd.Series:
    """Return success on all test points, whatever value has taken its place."""
    return number(records, ALL if ALL in records.columns else "success")
