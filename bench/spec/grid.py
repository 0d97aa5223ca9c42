"""Grids: unions of products, and their trials."""

import dataclasses
import difflib
import heapq
import itertools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from math import prod
from pathlib import Path
from typing import Any

from algorithms.base import Learner
from algorithms.runtime.paths import Absent
from bench.core.errors import BenchError, Missing, unknown
from bench.core.random_streams import stream
from bench.datasets.base import Dataset
from bench.experiment.trial import Key, Trial
from bench.spec.parsing import build, parse
from bench.spec.part import EVERY, Entry, Part, Settings
from bench.spec.search import variants
from bench.spec.shard import Shard
from collectives.base import Strategy


@dataclass(frozen=True)
class Grid:
    """A named union of products.

    Arguments:
        name: Name of the grid.
        parts: Its products; a trial that is in several of them counts once.
        tune: The number of settings among which each learner is tuned; 0 for no tuning.
    """

    name: str
    parts: tuple[Part, ...]
    tune: int = 0

    def trials(self, shard: Shard | None = None) -> Iterator[Trial]:
        """Yield all trials, each once, seed by seed; a grid may have millions of them."""
        parts = [w for part in self.parts for w in part.written_out()]
        streams = [zip(itertools.repeat(i), part.trials()) for i, part in enumerate(parts)]
        for i, trial in heapq.merge(*streams, key=lambda pair: pair[1].seed):
            repeated = any(trial.key in before for before in parts[:i])
            if not repeated and (shard is None or trial.key in shard):
                yield trial

    def count(self) -> int:
        """Return the number of trials. Trials are enumerated only where parts may share some."""
        axes = ("learners", "strategies", "sizes", "validation", "groups", "recruitment")
        by_dataset: dict[str, list[Part]] = {}
        for part in self.written_out().parts:
            by_dataset.setdefault(part.datasets[0], []).append(part)
        total = 0
        for parts in by_dataset.values():
            if len(parts) > 1:
                total += sum(1 for _ in Grid(self.name, tuple(parts)).trials())
            else:
                (part,) = parts
                total += part.seeds * prod(len(set(getattr(part, axis))) for axis in axes)
        return total

    def written_out(self, settings: Settings | None = None) -> "Grid":
        """Return the same grid with all specs in full, one part for each dataset.

        It stays valid when a default changes, and its keys need no parsing.

        Arguments:
            settings: The settings that stand for entries: see :meth:`Part.written_out`.
        """
        written = dict.fromkeys(w for part in self.parts for w in part.written_out(settings))
        return Grid(self.name, tuple(written), self.tune)

    def entries(self) -> dict[Entry, Learner]:
        """Return all entries, with the learners as they are run."""
        return {
            entry: learner
            for part in self.parts
            for data in part.sources()
            for entry, learner in part.entries_on(data).items()
        }

    def check_files_and_labels(self) -> None:
        """Check that files, sizes and target labels exist, before any trial is run.

        Raises:
            Missing: If the files of a dataset or learner are not available.
            BenchError: If a dataset cannot be split, or a strategy aims at a label that its
                dataset does not have.
        """
        for kind in ("datasets", "learners"):
            texts = dict.fromkeys(t for part in self.parts for t in getattr(part, kind))
            for text in texts:
                try:
                    if text != EVERY:
                        parse(text, kind).files()
                except Absent as absent:
                    raise Missing(str(absent)) from None
        for part in self.parts:
            for data in part.sources():
                _check_labels(data, part.strategies_on(data))

    def descriptions(self) -> list[str]:
        """Return lines that tell how users' own files are read."""
        datasets = [data for part in self.parts for data in part.sources()]
        return list(dict.fromkeys(line for data in datasets for line in data.description()))

    def __contains__(self, key: Key) -> bool:
        """Return whether a trial belongs to the grid, which has to be written out."""
        return any(key in part for part in self.parts)


def _check_labels(data: Dataset, strategies: list[Strategy]) -> None:
    """Refuse sizes beyond a dataset's rows, and labels that it does not have."""
    classes = _classes(data)
    if classes is None:
        return
    for strategy in strategies:
        for label in _labels(strategy):
            if not 0 <= label < classes:
                raise BenchError(
                    f"{strategy!r} aims at the label {label}, and {type(data).__name__} has the "
                    f"labels 0..{classes - 1}"
                )


def _classes(data: Dataset) -> int | None:
    """Return the number of a dataset's labels; None if it fails, which its trials record."""
    try:
        return data.split(stream(0, "data")).classes
    except BenchError:
        raise
    except Exception:
        # An error in a plugin costs its own trials, and not those of other datasets.
        return None


def _labels(strategy: Strategy) -> Iterator[int]:
    """Yield the labels in a strategy's fields and in those of its parts."""
    label = getattr(strategy, "label", None)
    if label is not None:
        yield label
    for part in strategy.parts:
        yield from _labels(part)


def check_part(table: dict[str, Any], where: str) -> Part:
    """Return a part from a table of a file or from options of the command line.

    Arguments:
        table: Fields of the part by name; lists stand for tuples.
        where: Origin of the table, for errors.

    Raises:
        BenchError: For an unknown or missing entry, or a value that is not allowed.
    """
    for name in table:
        if name not in _FIELDS:
            raise unknown(f"entry of {where} named", name, _FIELDS)
    missing = [name for name in ("datasets", "learners") if name not in table]
    if missing:
        raise BenchError(f"{where} lacks {' and '.join(missing)}")
    fields = {n: tuple(v) if isinstance(v, list) else v for n, v in table.items()}
    if isinstance(fields["learners"], tuple):
        specs = [variants(e) if isinstance(e, dict) else [e] for e in fields["learners"]]
        fields["learners"] = tuple(itertools.chain.from_iterable(specs))
    part: Part = build(Part, (), fields, where)
    if part.network is not None:
        parse(part.network, "networks")
    if part.wrapper is not None and not hasattr(parse(part.wrapper, "learners"), "base"):
        raise BenchError(f"{where}: the wrapper {part.wrapper} has no field base for a learner")
    return part


_FIELDS = [field.name for field in dataclasses.fields(Part)]


def shipped() -> dict[str, Path]:
    """Return the files of the shipped grids by name."""
    folder = Path(str(files("bench") / "grids"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load(name: str) -> Grid:
    """Return a shipped grid by its name, or the grid of a TOML file.

    Raises:
        BenchError: If there is no such grid, or its file cannot be read.
    """
    path = shipped().get(name, Path(name))
    if path.suffix != ".toml":
        raise unknown("grid", name, [*shipped(), "a .toml file"])
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        near = difflib.get_close_matches(path.stem, shipped(), 1, 0.5)
        hint = f" Did you mean the grid {near[0]!r}?" if near else ""
        raise BenchError(f"cannot read the grid {path}: {error.strerror}.{hint}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"the grid {path} is not TOML: {error}") from error
    parts, tune = table.pop("part", None), table.pop("tune", 0)
    if isinstance(tune, bool) or not isinstance(tune, int) or tune < 0:
        raise BenchError(f"the grid {path.name}: tune={tune!r} is not a number of settings")
    if parts is None:
        return Grid(path.stem, (check_part(table, f"the grid {path.name}"),), tune)
    if not isinstance(parts, list) or not all(isinstance(p, dict) for p in parts):
        raise BenchError(f"the grid {path}: part is written [[part]]")
    where = f"a part of the grid {path.name}"
    return Grid(path.stem, tuple(check_part(table | part, where) for part in parts), tune)


def change(grid: Grid, **given: Any) -> Grid:
    """Return a grid with some axes replaced in all its parts; an axis that is None stays.

    Datasets that some part has are left to these parts, with their learners, network and wrapper.
    Parts that keep none are left out. Other datasets are those of all parts.
    """
    new = {name: value for name, value in given.items() if value is not None}
    if not new:
        return grid
    tables = [dataclasses.asdict(part) | new for part in grid.parts]
    if "datasets" in new and EVERY not in new["datasets"]:
        asked = {parse(text, "datasets"): text for text in new["datasets"]}
        own = [set(part.sources()) for part in grid.parts]
        placed = set().union(*own)
        for table, has in zip(tables, own, strict=True):
            kept = [text for data, text in asked.items() if data in has or data not in placed]
            table["datasets"] = tuple(kept)
        tables = [table for table in tables if table["datasets"]]
    return Grid(grid.name, tuple(check_part(t, "the command line") for t in tables), grid.tune)
