"""Records without trials, for tests of stores, statistics and figures."""

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from bench.experiment.trial import Key
from bench.records.lines import key_of
from bench.records.merge import lasting
from bench.records.store import Store

#: The key of a trial. Tests replace the fields that matter to them.
KEY: dict[str, Any] = {
    "dataset": "D()",
    "learner": "A()",
    "strategy": "S()",
    "size": 0.0,
    "seed": 0,
    "validation": "clean",
    "groups": "given",
    "recruitment": "uniform",
}
assert tuple(KEY) == Key._fields


def record(**fields: Any) -> dict[str, Any]:
    """Return a good record with some fields replaced or added."""
    return {**KEY, "status": "ok", "error": None, **fields}


def records(
    values: Callable[[dict[str, Any]], Mapping[str, Any]] | None = None,
    **axes: Iterable[Any],
) -> pd.DataFrame:
    """Return a frame with a good record for each point of a grid.

    Arguments:
        values: Further fields of a record, as a function of its key; success 0.5 if None.
        axes: Fields of the key with their values; the first one changes slowest.

    Example:
        >>> table = records(lambda key: {"success": key["size"]}, size=[0, 0.1], seed=range(2))
        >>> table[["size", "seed", "success"]].to_numpy().tolist()
        [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.1, 0.0, 0.1], [0.1, 1.0, 0.1]]
    """
    rows = []
    for point in product(*axes.values()):
        key = record(**dict(zip(axes, point, strict=True)))
        rows.append(key | {"success": 0.5} | dict(values(key) if values else {}))
    return pd.DataFrame(rows)


def stored_record(seed: int = 0, **fields: Any) -> dict[str, Any]:
    """Return a good record with the fields that a run adds."""
    return record(seed=seed, success=0.5, code="a", seconds=1.0) | fields


def write_run(folder: Path, records: Iterable[dict[str, Any]], **manifest: Any) -> Path:
    """Write the records and the manifest of a run, and return its folder."""
    with Store(folder) as store:
        store.commit(list(records))
    (folder / "about.json").write_text(json.dumps(manifest))
    return folder


def sorted_lasting(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the reproducible fields of records, in the order of their keys."""
    return sorted(map(lasting, records), key=key_of)
