"""Records under the names of a grid's learners, where settings stand for them.

A record names the setting that was run. ``settings.csv`` in the folder of a run says for which
learner of the grid a setting stands. Learners of one dataset may share a setting: its records
exist once, and count for all of them.
"""

from pathlib import Path

import pandas as pd

from bench.experiment.trial import Key
from bench.spec.part import Entry, Settings

#: Tables of a run: the settings of its learners, what was chosen by all rules, and, in the folder
#: of tuning trials, what was tried.
FILES = FILE, CHOICES, TRIED = "settings.csv", "choices.csv", "tried.csv"
#: The folder of the tuning trials in the folder of a run.
TUNING = "tuning"
COLUMNS = [*Entry._fields, "setting"]


def table(settings: Settings) -> pd.DataFrame:
    """Return settings as a table with a row for each entry and setting."""
    rows = [(*entry, spec) for entry, specs in settings.items() for spec in specs]
    return pd.DataFrame(rows, columns=COLUMNS)


def write(folder: Path, rows: pd.DataFrame, name: str = FILE) -> None:
    """Write a table into the folder of a run, atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f"{name}.draft"
    rows.to_csv(draft, index=False)
    draft.replace(folder / name)


def read(folder: Path, name: str = FILE) -> pd.DataFrame | None:
    """Return a table that :func:`write` wrote, or None if there is none."""
    path = folder / name
    return pd.read_csv(path) if path.exists() else None


def by_entry(records: pd.DataFrame, settings: pd.DataFrame | None) -> pd.DataFrame:
    """Return records with the learners of the grid as ``learner``, and the ``setting`` that ran.

    Arguments:
        records: Records whose ``learner`` is the setting.
        settings: The settings of entries; None leaves the records as they are.

    Returns:
        The records of all entries, sorted by key. ``attrs["repeated"]`` is the number of rows more
        than there are records.
    """
    if settings is None:
        return records
    made = settings[COLUMNS].merge(
        records.rename(columns={"learner": "setting"}),
        on=["dataset", "validation", "setting"],
        how="inner",
    )
    made = made.sort_values(list(Key._fields), kind="stable", ignore_index=True)
    made = made[[*records.columns, "setting"]]
    made.attrs = records.attrs | {"repeated": len(made) - len(made.drop_duplicates(_SETTING_KEY))}
    return made


#: The key of a record in a frame by entries.
_SETTING_KEY = ["setting" if name == "learner" else name for name in Key._fields]


def by_setting(records: pd.DataFrame) -> pd.DataFrame:
    """Return the records behind a frame by entries, each once, under the settings that were run.

    A frame without settings stays as it is.
    """
    if "setting" not in records:
        return records
    once = records.drop_duplicates(_SETTING_KEY, ignore_index=True)
    return once.assign(learner=once["setting"]).drop(columns="setting")
