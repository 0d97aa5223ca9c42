"""Merging of runs: of shards, or of machines that shared a grid."""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from bench.core.errors import BenchError
from bench.experiment.trial import Key, Record
from bench.records import entries, manifest
from bench.records.lines import PASSING, key_of
from bench.records.store import Store
from bench.spec.grid import Grid, check_part

#: The number of lines written at once.
BATCH = 1000


@dataclass(frozen=True)
class Alarm:
    """Two good records of one trial, by the same code, with different values.

    Arguments:
        key: The trial.
        runs: The two runs.
        values: Field -> its value in each run.
        environments: The digest of the environment in each run; None where the record names none.
    """

    key: Key
    runs: tuple[Path, Path]
    values: dict[str, tuple[Any, Any]]
    environments: tuple[str | None, str | None] = (None, None)


@dataclass
class Merged:
    """The result of a merge.

    Arguments:
        records: The number of records in the merged run.
        twice: The number of good records left out, because an earlier run has the trial.
        alarms: Trials whose good records differ.
    """

    records: int = 0
    twice: int = 0
    alarms: list[Alarm] = field(default_factory=list)


def lasting(record: Record) -> Record:
    """Return the fields of a record that are equal in all runs of its trial."""
    return {name: value for name, value in record.items() if name not in PASSING}


def _digest(record: Record) -> int:
    return zlib.crc32(json.dumps(lasting(record), sort_keys=True).encode())


def merge(folders: Sequence[Path], out: Path) -> Merged:
    """Put the records of some runs into one folder, those of their tuning trials included.

    Of several good records of a trial by the same code in different runs, the first run's are
    kept; if others differ from the first one, an alarm says how. All other records are kept.
    Memory holds a key for each good record, not the records.

    Arguments:
        folders: The runs.
        out: A folder without records.

    Raises:
        BenchError: If ``out`` has records already.
    """
    if (out / "records.jsonl").exists():
        raise BenchError(f"{out} has records already: give a new --out")
    merged = Merged()
    with Store(out) as store:
        lines = []
        for line in _merged_lines(folders, merged):
            lines.append(line)
            if len(lines) == BATCH:
                store.append(b"".join(lines))
                lines = []
        store.append(b"".join(lines))
        manifest.write(out, _description(folders))
    for name in entries.FILES:
        _merge_tables(folders, out, name)
    merged.alarms = _explained(merged.alarms)
    tuned = [
        folder / entries.TUNING
        for folder in folders
        if (folder / entries.TUNING / "records.jsonl").exists()
    ]
    if tuned:
        merged.alarms += merge(tuned, out / entries.TUNING).alarms
    return merged


def _merge_tables(folders: Sequence[Path], out: Path, name: str) -> None:
    """Write the rows of some runs' tables about their entries, each once, if they have some."""
    tables = [table for f in folders if (table := entries.read(f, name)) is not None]
    if tables:
        entries.write(out, pd.concat(tables, ignore_index=True).drop_duplicates(), name)


def _merged_lines(folders: Sequence[Path], merged: Merged) -> Iterator[bytes]:
    """Yield the lines to keep, and count them and all others in ``merged``."""
    seen: dict[tuple[Key, str | None], tuple[int, int]] = {}
    words: dict[str, str] = {}  # equal texts are one object
    for number, folder in enumerate(folders):
        for line, record in Store(folder).lines():
            if record["status"] == "ok":
                key = Key._make(
                    words.setdefault(v, v) if isinstance(v, str) else v for v in key_of(record)
                )
                digest = _digest(record)
                before, first = seen.setdefault((key, record.get("code")), (digest, number))
                if before != digest:
                    runs = folders[first], folder
                    merged.alarms.append(Alarm(key, runs, {"": (record, None)}))
                if first != number:
                    merged.twice += 1
                    continue
            merged.records += 1
            yield line


def _explained(alarms: list[Alarm]) -> list[Alarm]:
    """Return alarms with the values that differ, which the first runs are read again for."""
    firsts: dict[tuple[Path, Key, Any], Record] = {}
    needed = {(a.runs[0], a.key, a.values[""][0].get("code")) for a in alarms}
    for folder in {run for run, _, _ in needed}:
        for _, record in Store(folder).lines():
            which = folder, key_of(record), record.get("code")
            if which in needed and record["status"] == "ok":
                firsts.setdefault(which, record)
    explained = []
    for alarm in alarms:
        later = alarm.values[""][0]
        first = firsts[alarm.runs[0], alarm.key, later.get("code")]
        old, new = lasting(first), lasting(later)
        values = {n: (old.get(n), new.get(n)) for n in old | new if old.get(n) != new.get(n)}
        environments = first.get("environment"), later.get("environment")
        explained.append(Alarm(alarm.key, alarm.runs, values, environments))
    return explained


def environments(alarm: Alarm) -> dict[str, tuple[Any, Any]]:
    """Return the differences between the environments of the two records of an alarm.

    Several values of one fact in one run, such as commits, are joined by commas.
    """
    one, two = map(_facts, alarm.runs, alarm.environments)
    return {n: (one.get(n), two.get(n)) for n in one | two if one.get(n) != two.get(n)}


def _facts(run: Path, digest: str | None) -> dict[str, str]:
    """Return the facts about an environment of a run, as texts."""
    values = manifest.values(manifest.read(run).get("environments") or {}, [digest])
    return {name: ", ".join(map(str, different)) for name, different in values.items()}


def _count(parts: Sequence[Any]) -> int | None:
    """Count the trials of several grids; None if a component of theirs is not known here."""
    try:
        return Grid("", tuple(check_part(part, "about.json") for part in parts)).count()
    except BenchError:
        return None


def _description(folders: Sequence[Path]) -> dict[str, Any]:
    """Return the description of all runs: their grids, and the environments of their records."""
    descriptions = [manifest.read(folder) for folder in folders]
    parts = [part for one in descriptions for part in one.get("parts", [])]
    known = [part for i, part in enumerate(parts) if part not in parts[:i]]
    made: dict[str, Any] = dict(next((one for one in descriptions if one), {}))
    if known:
        made["parts"] = known
    if any(one.get("parts", []) != known for one in descriptions):
        made["trials"] = _count(known)
    plugins = dict.fromkeys(path for one in descriptions for path in one.get("plugins", []))
    made |= {
        "plugins": list(plugins),
        "command": ["merge", *map(str, folders)],
        "shard": None,
        "wall_seconds": sum(one.get("wall_seconds", 0.0) for one in descriptions),
        "environments": manifest.union(*(one.get("environments") for one in descriptions)),
    }
    return made
