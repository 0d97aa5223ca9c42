"""The description of a run in ``about.json``: its grid, its code and its environments.

``environments`` describes the environments of all records in the folder. It maps the digest in
a record's field ``environment`` to one or more descriptions, which differ in parts that the digest
leaves out, such as the commit. Descriptions are added to it and never removed. All other entries
describe the latest run.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from algorithms.runtime import device
from bench.core import environment as core
from bench.core.errors import BenchError, unknown
from bench.experiment.trial import Record

#: Digest of an environment -> its descriptions.
Environments = Mapping[str, Sequence[Mapping[str, Any]]]


def _git(*words: str) -> str | None:
    """Return git's answer about the code, or None without a checkout or git."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


@cache
def _code() -> dict[str, Any]:
    """Return the version and the commit of the code that this process runs."""
    return {
        "version": core.package_version("collective-bench"),
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain")),
    }


def environment() -> dict[str, Any]:
    """Return the code, the versions and the machine.

    Raises:
        BenchError: If the requested device does not exist.
    """
    check_device()
    return _code() | core.environment()


def check_device() -> None:
    """Check that there is a device of the name that this process is to train on.

    Raises:
        BenchError: If there is none.
    """
    if device.configured() not in device.available():
        raise unknown("device", device.configured(), device.available())


def read(folder: Path) -> dict[str, Any]:
    """Return a run's description; it is empty if the run has none.

    Raises:
        BenchError: If the description cannot be parsed.
    """
    path = folder / "about.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
    except (TypeError, ValueError) as error:
        text = f"{path} is damaged: {error}. Delete it and run the grid again"
        raise BenchError(text) from error


def write(folder: Path, about: dict[str, Any]) -> None:
    """Write a run's description atomically; environments in an earlier one are kept."""
    environments = union(read(folder).get("environments"), about.get("environments"))
    draft = folder / "about.draft"
    text = json.dumps(about | {"environments": environments}, indent=2) + "\n"
    draft.write_text(text, encoding="utf-8")
    draft.replace(folder / "about.json")


def union(*several: Environments | None) -> dict[str, list[Any]]:
    """Return all environments of several descriptions, each description once."""
    united: dict[str, list[Any]] = {}
    for environments in several:
        for digest, descriptions in (environments or {}).items():
            known = united.setdefault(digest, [])
            known += [one for one in descriptions if one not in known]
    return united


def with_digests(folder: Path, records: Sequence[Record]) -> list[Record]:
    """Return records with digests in place of the descriptions of their environments.

    A trial's record leaves its process with a description, since a worker may run elsewhere.
    Descriptions that ``about.json`` does not have are added to it.

    Arguments:
        folder: Folder of the run.
        records: Records; those that have a digest already, or no environment, stay as they are.
    """
    environments: dict[str, list[Any]] = {}
    replaced = []
    for record in records:
        described = record.get("environment")
        if isinstance(described, dict):
            digest = core.digest(described)
            environments = union(environments, {digest: [_code() | described]})
            record = record | {"environment": digest}
        replaced.append(record)
    if environments:
        about = read(folder)
        known = about.get("environments")
        if union(known, environments) != known:
            write(folder, about | {"environments": environments})
    return replaced


def facts(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of an environment without nesting: packages beside the rest."""
    rest = {name: value for name, value in description.items() if name != "packages"}
    return rest | dict(description.get("packages") or {})


def values(environments: Environments, digests: Iterable[str | None]) -> dict[str, list[Any]]:
    """Return the different values of each fact in the descriptions of some environments."""
    result: dict[str, list[Any]] = {}
    for digest in digests:
        for description in environments.get(digest, []) if digest is not None else []:
            for name, value in facts(description).items():
                if value not in result.setdefault(name, []):
                    result[name].append(value)
    return result


def mixture(counts: Mapping[Any, int], environments: Environments) -> str:
    """Return how many records are of which environment, in words.

    Arguments:
        counts: Digest -> number of records. A key that is not a text (None or NaN) stands for
            records that name no environment.
        environments: Descriptions of the environments.

    Returns:
        A text with the facts in which the environments differ, empty if there is only one.

    Example:
        >>> described = {"ab12cd34": [{"python": "3.12.1"}], "0f0f0f0f": [{"python": "3.13.0"}]}
        >>> mixture({"ab12cd34": 1200, "0f0f0f0f": 75}, described)
        '2 environments: 1200 records of ab12cd34 (python 3.12.1), 75 of 0f0f0f0f (python 3.13.0)'
        >>> mixture({"ab12cd34": 1200}, described)
        ''
    """
    if len(counts) < 2:
        return ""
    known = {d: facts(environments[d][0]) for d in counts if d in environments}
    names = list(dict.fromkeys(name for one in known.values() for name in one))
    differ = [n for n in names if len({str(one.get(n)) for one in known.values()}) > 1]
    pieces: list[str] = []
    for digest, count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0]))):
        one = known.get(digest, {})
        words = ", ".join(f"{name} {one[name]}" for name in differ if one.get(name) is not None)
        noun = "" if pieces else " records"
        name = digest if isinstance(digest, str) else "an unknown environment"
        pieces.append(f"{count}{noun} of {name}{words and f' ({words})'}")
    return f"{len(counts)} environments: {', '.join(pieces)}"
