"""Records that ship with their grids, so that a new learner is compared without running others."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from algorithms.base import Learner
from bench.core.errors import BenchError, unknown
from bench.experiment.trial import Key, Record
from bench.records import manifest
from bench.records.entries import by_setting
from bench.records.fields import AVERAGED, PUBLISHED
from bench.spec.grid import Grid, Part

#: The fields that depend on the sample alone, which are equal on all machines.
SAMPLE = ("members", "n", "tested")
#: The outcomes of a trial, and their largest difference between processors.
OUTCOME = ("success", "accuracy")
#: What the firm measures on its validation data, which is published of tuning trials.
FIRM = ("firm_accuracy", "firm_worst_group", "firm_loss")
CLOSE = 0.01
_ABOUT = b"about"
#: The entries of a run's description that are published.
DESCRIPTION = ("grid", "trials", "began", "threads", "tune", "tune_by", "models")
_TUNING = "-tuning"


def folder() -> Path:
    """Return the folder of published records, which is that of the grids."""
    return Path(str(files("bench") / "grids"))


def write(records: pd.DataFrame, description: dict[str, Any], path: Path, *more: str) -> None:
    """Write the records of a finished run, with its description.

    Arguments:
        records: One row a trial, or one for each learner of the grid whose setting it is.
        description: The description in the run's folder.
        path: A .parquet file.
        more: Columns that are written beside those that are always published.
    """
    names = [*PUBLISHED, *more, *(["setting"] if "setting" in records else [])]
    rows = records[names].sort_values(list(Key._fields), kind="stable", ignore_index=True)
    kept = {name: description.get(name) for name in DESCRIPTION if name in description}
    environments = description.get("environments") or {}
    used = [d for d in rows["environment"].dropna().unique() if d in environments]
    about = json.dumps(kept | {"environments": {d: environments[d] for d in used}}).encode()
    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(
        {_ABOUT: about}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", compression_level=19)


def ready() -> dict[str, Path]:
    """Return grids with the files of their published records."""
    paths = sorted(folder().glob("*.parquet"))
    return {path.stem: path for path in paths if not path.stem.endswith(_TUNING)}


def tuning_file(path: Path) -> Path:
    """Return the file of the tuning trials beside the file of a grid's published records."""
    return path.with_name(f"{path.stem}{_TUNING}.parquet")


def read(name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read the published records of a grid, and the description of their run.

    Arguments:
        name: A grid that ships, or a file that :func:`write` wrote.

    Raises:
        BenchError: If there are no such records, or the file has none.
    """
    path = ready().get(name, Path(name))
    if not path.is_file() or path.suffix != ".parquet":
        raise unknown("grid with published records", name, [*ready(), "a .parquet file"])
    return _read(path)


def read_tuning(name: str) -> tuple[pd.DataFrame, dict[str, Any]] | None:
    """Read the tuning trials behind published records; None if the learners were not tuned.

    Each row has the ``setting`` that was tried and, as ``learner``, the learner of the grid.

    Arguments:
        name: A grid that ships, or the file of its published records.
    """
    path = tuning_file(ready().get(name, Path(name)))
    return _read(path) if path.is_file() else None


def _read(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Read a file that :func:`write` wrote."""
    try:
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[_ABOUT])
        if missing := set(Key._fields) - set(table.column_names):
            raise KeyError(", ".join(sorted(missing)))
        # A column is empty in records that are older than it.
        extra = [name for name in (*FIRM, "setting") if name in table.column_names]
        held = [name for name in PUBLISHED if name in table.column_names]
        frame = table.select([*held, *extra]).to_pandas()
        frame = frame.reindex(columns=[*PUBLISHED, *extra])
        frame.attrs["averaged"] = AVERAGED
        return frame, about
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise BenchError(f"{path} does not hold published records: {error}") from error


def rates() -> dict[tuple[str, str], float]:
    """Return the mean seconds of good published trials, by learner and dataset."""
    found: dict[tuple[str, str], float] = {}
    for name in ready():
        rows = by_setting(read(name)[0])
        good = rows[rows["status"] == "ok"]
        means = good.groupby(["learner", "dataset"])["seconds"].mean()
        pairs = means.index.to_frame().astype(str).itertuples(index=False, name=None)
        found |= dict(zip(pairs, means.tolist(), strict=True))
    return found


def grid_like(
    published: pd.DataFrame,
    learner: Learner,
    name: str,
    models: Mapping[str, Mapping[str, str | None]] | None = None,
) -> Grid:
    """Return the grid in which a learner meets all that the published ones met.

    Arguments:
        published: Records of a finished run, which has every seed of every panel.
        learner: The learner.
        name: The name of the grid.
        models: Network and wrapper of learners, by dataset, where the published grid sets them.
    """
    panel = [name for name in Key._fields if name not in ("learner", "size", "seed")]
    parts = []
    for key, rows in published.groupby(panel):
        dataset, strategy, *ways = ((str(word),) for word in key)
        sizes = tuple(sorted(map(float, rows["size"].unique())))
        seeds = int(rows["seed"].max()) + 1
        part = Part(dataset, (repr(learner),), strategy, sizes, seeds, *ways)  # type: ignore[arg-type]
        parts.append(replace(part, **(models or {}).get(dataset[0], {})))  # type: ignore[arg-type]
    return Grid(name, tuple(parts))


def sentinels(published: pd.DataFrame, count: int = 3) -> list[Record]:
    """Choose published trials whose repetition shows whether this machine reproduces them.

    They are of different learners and, if possible, different datasets. Their success is neither
    near 0 nor near 1, where differences would not show, and they are not among the slowest.
    Ties are broken by hashes of keys, so that the choice is always the same.

    Arguments:
        published: Published records.
        count: The number of trials.
    """
    published = by_setting(published)
    good = published[(published["status"] == "ok") & (published["size"] > 0)]
    slow = good["seconds"].median()
    rows = [{str(name): value for name, value in row.items()} for row in good.to_dict("records")]
    chosen: list[Record] = []

    def order(row: Record) -> tuple[bool, bool, bool, bool, bytes]:
        learners, datasets = ({one[name] for one in chosen} for name in ("learner", "dataset"))
        key = repr(tuple(row[name] for name in Key._fields)).encode()
        return (
            row["learner"] in learners,
            row["dataset"] in datasets,
            not 0.05 <= row["success"] <= 0.95,
            row["seconds"] > slow,
            hashlib.blake2b(key, digest_size=8).digest(),
        )

    while rows and len(chosen) < count:
        chosen.append(min(rows, key=order))
        rows.remove(chosen[-1])
    return chosen


def elsewhere(description: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the differences between the environments of published records and this one.

    Arguments:
        description: The description of the published run.

    Returns:
        Fact -> its published values, joined by commas, and its value here.
    """
    environments = description.get("environments") or {}
    there = manifest.values(environments, environments)
    here = manifest.facts(manifest.environment())
    names = [n for n in there if n in here and n != "changed" and here[n] not in there[n]]
    return {name: (", ".join(map(str, there[name])), here[name]) for name in names}
