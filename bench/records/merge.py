"""One run from several: of shards, or of machines that shared a grid."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.core.errors import BenchError
from bench.experiment.trial import Key, Record
from bench.records import manifest
from bench.records.lines import PASSING, key_of
from bench.records.store import Store
from bench.spec.grid import Grid, check_part

#: What of a run's description is its environment.
PLACE = (
    "version",
    "commit",
    "changed",
    "python",
    "packages",
    "system",
    "processor",
    "device",
    "threads",
)
#: Lines that are added at once.
BATCH = 1000


@dataclass(frozen=True)
class Alarm:
    """Two good records of one trial, by the same code, that say different things.

    Arguments:
        key: The trial.
        runs: The two runs.
        values: Field -> what each says.
    """

    key: Key
    runs: tuple[Path, Path]
    values: dict[str, tuple[Any, Any]]


@dataclass
class Merged:
    """What came of a merge."""

    records: int = 0
    twice: int = 0
    alarms: list[Alarm] = field(default_factory=list)


def lasting(record: Record) -> Record:
    """What a record says that does not differ from one run of its trial to another."""
    return {name: value for name, value in record.items() if name not in PASSING}


def _digest(record: Record) -> int:
    return zlib.crc32(json.dumps(lasting(record), sort_keys=True).encode())


def described(folder: Path) -> dict[str, Any]:
    """A run's description; empty if it has none."""
    path = folder / "about.json"
    try:
        return dict(json.loads(path.read_text())) if path.exists() else {}
    except (TypeError, ValueError) as error:
        text = f"{path} is damaged: {error}. Delete it and run the grid again"
        raise BenchError(text) from error


def merge(folders: Sequence[Path], out: Path) -> Merged:
    """Put the records of some runs into one folder.

    All records are kept, but for good ones of a trial that has a good one by the same code
    already: of these the first stays, and if they differ an alarm tells how. Memory holds a key
    for each good record, not the records.

    Arguments:
        folders: The runs.
        out: A folder without records.
    """
    if (out / "records.jsonl").exists():
        raise BenchError(f"{out} has records already: give a new --out")
    merged = Merged()
    seen: dict[tuple[Key, str | None], tuple[int, int]] = {}
    words: dict[str, str] = {}
    with Store(out) as store:
        for number, folder in enumerate(folders):
            lines = []
            for line, record in Store(folder).lines():
                key = Key._make(
                    words.setdefault(v, v) if isinstance(v, str) else v for v in key_of(record)
                )
                if record["status"] == "ok":
                    which, digest = (key, record.get("code")), _digest(record)
                    before, first = seen.setdefault(which, (digest, number))
                    if before != digest:
                        runs = folders[first], folder
                        merged.alarms.append(Alarm(key, runs, {"": (record, None)}))
                    if first != number:
                        merged.twice += 1
                        continue
                lines.append(line)
                merged.records += 1
                if len(lines) == BATCH:
                    store.append(b"".join(lines))
                    lines = []
            store.append(b"".join(lines))
        manifest.write(out / "about.json", _description(folders))
    merged.alarms = _explained(merged.alarms)
    return merged


def _explained(alarms: list[Alarm]) -> list[Alarm]:
    """Alarms with what differs, which takes another look at the runs that came first."""
    firsts: dict[tuple[Path, Key, Any], Record] = {}
    wanted = {(a.runs[0], a.key, a.values[""][0].get("code")) for a in alarms}
    for folder in {run for run, _, _ in wanted}:
        for _, record in Store(folder).lines():
            which = folder, key_of(record), record.get("code")
            if which in wanted and record["status"] == "ok":
                firsts.setdefault(which, record)
    explained = []
    for alarm in alarms:
        new = lasting(alarm.values[""][0])
        old = lasting(firsts[alarm.runs[0], alarm.key, new.get("code")])
        values = {n: (old.get(n), new.get(n)) for n in old | new if old.get(n) != new.get(n)}
        explained.append(Alarm(alarm.key, alarm.runs, values))
    return explained


def environments(alarm: Alarm) -> dict[str, tuple[Any, Any]]:
    """What differs between the environments of the two runs of an alarm."""
    one, two = (described(run) for run in alarm.runs)
    return {n: (one.get(n), two.get(n)) for n in PLACE if one.get(n) != two.get(n)}


def _count(parts: Sequence[Any]) -> int | None:
    """How many trials grids have together; None, if some of it is not known here."""
    try:
        return Grid("", tuple(check_part(part, "about.json") for part in parts)).count()
    except BenchError:
        return None


def _description(folders: Sequence[Path]) -> dict[str, Any]:
    """The description of all: their grids together, and where each was made."""
    told = [described(folder) for folder in folders]
    parts = [part for one in told for part in one.get("parts", [])]
    known = [part for i, part in enumerate(parts) if part not in parts[:i]]
    made: dict[str, Any] = dict(next((one for one in told if one), {}))
    if known:
        made["parts"] = known
    if any(one.get("parts", []) != known for one in told):
        made["trials"] = _count(known)
    made |= {
        "command": ["merge", *map(str, folders)],
        "shard": None,
        "wall_seconds": sum(one.get("wall_seconds", 0.0) for one in told),
        "runs": [{name: one.get(name) for name in PLACE} for one in told],
    }
    return made
