"""Records that ship with their grids, so that a new learner is compared without running others."""

import hashlib
import json
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
from bench.records.fields import AVERAGED, PUBLISHED
from bench.spec.grid import Grid, Part

#: The fields that depend on the sample alone, which are equal on all machines.
SAMPLE = ("members", "n", "tested")
#: The outcomes of a trial, and their largest difference between processors.
OUTCOME = ("success", "accuracy")
CLOSE = 0.01
_ABOUT = b"about"


def folder() -> Path:
    """Return the folder of published records, which is that of the grids."""
    return Path(str(files("bench") / "grids"))


def write(records: pd.DataFrame, description: dict[str, Any], path: Path) -> None:
    """Write the records of a finished run, with its description.

    Arguments:
        records: One row a trial.
        description: The description in the run's folder.
        path: A .parquet file.
    """
    rows = records[PUBLISHED].sort_values(list(Key._fields), ignore_index=True)
    kept = {name: description.get(name) for name in ("grid", "trials", "began", "threads")}
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
    return {path.stem: path for path in sorted(folder().glob("*.parquet"))}


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
    try:
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[_ABOUT])
        frame = table.select(PUBLISHED).to_pandas()
        frame.attrs["averaged"] = AVERAGED
        return frame, about
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise BenchError(f"{path} does not hold published records: {error}") from error


def rates() -> dict[tuple[str, str], float]:
    """Return the mean seconds of good published trials, by learner and dataset."""
    found: dict[tuple[str, str], float] = {}
    for name in ready():
        rows, _ = read(name)
        good = rows[rows["status"] == "ok"]
        means = good.groupby(["learner", "dataset"])["seconds"].mean()
        pairs = means.index.to_frame().astype(str).itertuples(index=False, name=None)
        found |= dict(zip(pairs, means.tolist(), strict=True))
    return found


def grid_like(published: pd.DataFrame, learner: Learner, name: str) -> Grid:
    """Return the grid in which a learner meets all that the published ones met.

    Arguments:
        published: Records of a finished run, which has every seed of every panel.
        learner: The learner.
        name: The name of the grid.
    """
    panel = [name for name in Key._fields if name not in ("learner", "size", "seed")]
    parts = []
    for key, rows in published.groupby(panel):
        dataset, strategy, *ways = ((str(word),) for word in key)
        sizes = tuple(sorted(map(float, rows["size"].unique())))
        seeds = int(rows["seed"].max()) + 1
        parts.append(Part(dataset, (repr(learner),), strategy, sizes, seeds, *ways))  # type: ignore[arg-type]
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
