"""Records of grids that ship, beside the grids: who compares one learner need not run the rest."""

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
from bench.records.merge import PLACE
from bench.spec.grid import Grid, Part

#: What a learner meets: all of a key but the learner.
WORLD = [name for name in Key._fields if name != "learner"]
#: What is published of a record: what comparisons, curves and tables need.
COLUMNS = [
    *Key._fields,
    "members",
    "n",
    "code",
    "success",
    "tested",
    "success_others",
    "accuracy",
    "constant",
    "worst_group",
    "effective_size",
    "seconds",
    "status",
    "error",
]
#: What of a record says which sample it is about; it is the same wherever it is drawn.
SAMPLE = ("members", "n", "tested")
#: What of a record is an outcome; and by how much it may be another one on another processor.
OUTCOME = ("success", "accuracy")
CLOSE = 0.01
_TOLD = b"about"


def folder() -> Path:
    """Where the published records are: beside the grids."""
    return Path(str(files("bench") / "grids"))


def write(records: pd.DataFrame, description: dict[str, Any], path: Path) -> None:
    """Write records of a finished run, with what it was.

    Arguments:
        records: One row a trial.
        description: What the run's folder says of it.
        path: A .parquet file.
    """
    rows = records[COLUMNS].sort_values(list(Key._fields), ignore_index=True)
    kept = ("grid", "trials", "began", *PLACE)
    told = json.dumps({name: description.get(name) for name in kept}).encode()
    table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata({_TOLD: told})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", compression_level=19)


def ready() -> dict[str, Path]:
    """Grid -> the file of its published records."""
    return {path.stem: path for path in sorted(folder().glob("*.parquet"))}


def read(name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The published records of a grid, and what their run was.

    Arguments:
        name: A grid that ships, or a file that :func:`write` wrote.
    """
    path = ready().get(name, Path(name))
    if not path.is_file() or path.suffix != ".parquet":
        raise unknown("grid with published records", name, [*ready(), "a .parquet file"])
    try:
        table = pq.read_table(path)
        told = json.loads(table.schema.metadata[_TOLD])
        return table.select(COLUMNS).to_pandas(), told
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise BenchError(f"{path} does not hold published records: {error}") from error


def rates() -> dict[tuple[str, str], float]:
    """(learner, dataset) -> seconds that one of its published good trials took, in the mean."""
    found: dict[tuple[str, str], float] = {}
    for name in ready():
        rows, _ = read(name)
        good = rows[rows["status"] == "ok"]
        means = good.groupby(["learner", "dataset"])["seconds"].mean()
        pairs = means.index.to_frame().astype(str).itertuples(index=False, name=None)
        found |= dict(zip(pairs, means.tolist(), strict=True))
    return found


def grid_like(published: pd.DataFrame, learner: Learner, name: str) -> Grid:
    """The grid in which a learner meets all that the published ones met.

    Arguments:
        published: Records of a finished run, which has every seed of every panel.
        learner: The learner.
        name: What to call the grid.
    """
    panel = [way for way in WORLD if way not in ("size", "seed")]
    parts = []
    for key, rows in published.groupby(panel):
        dataset, strategy, *ways = ((str(word),) for word in key)
        sizes = tuple(sorted(map(float, rows["size"].unique())))
        seeds = int(rows["seed"].max()) + 1
        parts.append(Part(dataset, (repr(learner),), strategy, sizes, seeds, *ways))  # type: ignore[arg-type]
    return Grid(name, tuple(parts))


def sentinels(published: pd.DataFrame, count: int = 3) -> list[Record]:
    """Some published trials of different learners, on different data as far as there are some.

    They lie on the slopes of curves, where a difference would show, and are not among the
    slowest. Which ones they are is drawn by their keys: the same each time.
    """
    good = published[(published["status"] == "ok") & (published["size"] > 0)]
    slow = good["seconds"].median()
    rows = [{str(name): value for name, value in row.items()} for row in good.to_dict("records")]
    chosen: list[Record] = []

    def order(row: Record) -> tuple[bool, bool, bool, bool, bytes]:
        learners, datasets = ({one[name] for one in chosen} for name in ("learner", "dataset"))
        lot = repr(tuple(row[name] for name in Key._fields)).encode()
        return (
            row["learner"] in learners,
            row["dataset"] in datasets,
            not 0.05 <= row["success"] <= 0.95,
            row["seconds"] > slow,
            hashlib.blake2b(lot, digest_size=8).digest(),
        )

    while rows and len(chosen) < count:
        chosen.append(min(rows, key=order))
        rows.remove(chosen[-1])
    return chosen


def elsewhere(description: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs between where records were published and this place."""
    here, told = manifest.environment(), dict(description)
    for name in ("packages",):
        theirs, ours = told.pop(name, None) or {}, here.pop(name)
        told |= theirs
        here |= ours
    names = [name for name in told if name in here and name != "changed"]
    return {name: (told[name], here[name]) for name in names if told[name] != here[name]}
