"""The start of a run from published records, so that finished trials are not run again."""

from collections.abc import Container, Iterable
from typing import Any

import pandas as pd

from bench.experiment.trial import Key, Record, Trial
from bench.records import manifest
from bench.records.code_version import code_version
from bench.records.entries import by_setting
from bench.records.fields import RECORD_FIELDS
from bench.records.store import Store

#: Records that are committed at once.
BATCH = 1000


def adopt(
    published: pd.DataFrame, description: dict[str, Any], trials: Iterable[Trial], store: Store
) -> int:
    """Put the published records of trials into a store that lacks them.

    Records that were made by other code than this are left out: their trials are run.

    Arguments:
        published: Published records.
        description: Their description.
        trials: The trials of the grid.
        store: The store, open for writing.

    Returns:
        The number of records that were added.
    """
    rows = adoptable(published, trials, store.have())
    if len(rows):
        environments = description.get("environments") or {}
        about = manifest.read(store.folder)
        united = manifest.union(about.get("environments"), environments)
        manifest.write(store.folder, about | {"environments": united})
    for start in range(0, len(rows), BATCH):
        batch = rows.iloc[start : start + BATCH].to_dict("records")
        store.commit([_record(row) for row in batch])
    return len(rows)


def adoptable(
    published: pd.DataFrame, trials: Iterable[Trial], have: Container[Key]
) -> pd.DataFrame:
    """Return the published records of trials that this code made, by key.

    Arguments:
        published: Published records.
        trials: The trials of the grid.
        have: Trials whose records are not wanted.
    """
    rows = by_setting(published)
    keys = map(Key._make, rows[list(Key._fields)].itertuples(index=False, name=None))
    place = {key: i for i, key in enumerate(keys)}
    codes = rows["code"].tolist()
    kept = {
        trial.key: place[trial.key]
        for trial in trials
        if trial.key in place
        and trial.key not in have
        and codes[place[trial.key]] == code_version(trial)
    }
    made = rows.iloc[list(kept.values())]
    made.index = pd.Index(list(kept), tupleize_cols=False)
    return made


def _record(row: dict[Any, Any]) -> Record:
    """Return a row of a frame as a record, without the fields that it lacks."""
    integers = {field.name for field in RECORD_FIELDS if field.type == "integer"}
    record = {
        str(name): int(value) if name in integers else value
        for name, value in row.items()
        if not pd.isna(value)
    }
    return record | {"error": record.get("error")}
