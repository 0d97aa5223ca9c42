"""A grid: which learners meet which strategies, at which sizes, on which data."""

import dataclasses
import difflib
import heapq
import itertools
import re
import tomllib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from math import prod
from pathlib import Path
from typing import Any, get_args

from algorithms.base import Learner
from algorithms.runtime.paths import Absent
from bench.core.errors import BenchError, Missing, unknown
from bench.core.random_streams import stream
from bench.datasets.base import Dataset, TraceableLaw, has_files
from bench.experiment.recruitment import Recruitment
from bench.experiment.trial import Groups, Key, Trial, Validation
from bench.spec.parsing import parse
from bench.spec.registry import REGISTRY
from bench.spec.search import variants
from collectives.base import Strategy

#: In place of specs: everything that is registered, with its defaults.
EVERY = "*"


def _named(texts: Sequence[str], kind: str) -> list[Any]:
    """The components that specs name, each once; of all there are those that are at hand."""
    every = [parse(name, kind) for name in sorted(REGISTRY.kinds[kind])] if EVERY in texts else []
    every = [c for c in every if not isinstance(c, Dataset | Learner) or has_files(c)]
    found = [every if text == EVERY else [parse(text, kind)] for text in texts]
    return list(dict.fromkeys(itertools.chain.from_iterable(found)))


@dataclass(frozen=True)
class Part:
    """A full product. "*" stands for all datasets, learners or strategies with their defaults.

    Arguments:
        datasets: Specs of datasets.
        learners: Specs of learners; searches are written out.
        strategies: Specs of strategies; what they leave open is taken from each dataset.
        sizes: Shares alpha; 0 is always among them.
        seeds: How many seeds, from 0 on.
        validation: Whether members are in the firm's validation data too.
        groups: Which groups the firm knows.
        recruitment: Who the members are.
    """

    datasets: tuple[str, ...]
    learners: tuple[str, ...]
    strategies: tuple[str, ...] = ("FeatureLabel",)
    sizes: tuple[float, ...] = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    seeds: int = 5
    validation: tuple[Validation, ...] = ("clean",)
    groups: tuple[Groups, ...] = ("given",)
    recruitment: tuple[Recruitment, ...] = ("uniform",)

    def trials(self) -> Iterator[Trial]:
        """All trials, seed by seed: a run that is cut off has fewer seeds, not fewer learners."""
        worlds = [(data, *self._against(data)) for data in _named(self.datasets, "datasets")]
        sizes = sorted({0.0, *self.sizes})
        for seed in range(self.seeds):
            for data, learners, strategies in worlds:
                firms = dict.fromkeys(self.validation), dict.fromkeys(self.groups)
                axes = (strategies, learners, *firms, dict.fromkeys(self.recruitment), sizes)
                for strategy, learner, validation, groups, found, size in itertools.product(*axes):
                    yield Trial(data, learner, strategy, size, seed, validation, groups, found)

    def _against(self, data: Dataset) -> tuple[list[Learner], list[Strategy]]:
        """Who meets on a dataset: learners that can be used there, strategies filled in."""
        learners = _named(self.learners, "learners")
        if EVERY in self.learners and not isinstance(data.law, TraceableLaw):
            learners = [learner for learner in learners if not learner.needs_law]
        strategies = _named(self.strategies, "strategies")
        filled = (s.with_defaults(data.signal, data.label) for s in strategies)
        return learners, list(dict.fromkeys(filled))

    def written_out(self) -> Iterator["Part"]:
        """The same product with all specs in full, a part for each dataset."""
        for data in _named(self.datasets, "datasets"):
            learners, strategies = (tuple(map(repr, axis)) for axis in self._against(data))
            sizes = tuple(sorted({0.0, *self.sizes}))
            yield replace(
                self,
                datasets=(repr(data),),
                learners=learners,
                strategies=strategies,
                sizes=sizes,
            )

    def __contains__(self, key: Key) -> bool:
        """Whether a trial is one of the part, if that is written out."""
        return (
            key.seed in range(self.seeds)
            and key.size in self.sizes
            and key.learner in self._specs["learners"]
            and key.strategy in self._specs["strategies"]
            and key.dataset in self.datasets
            and key.validation in self.validation
            and key.groups in self.groups
            and key.recruitment in self.recruitment
        )

    @cached_property
    def _specs(self) -> dict[str, frozenset[str]]:
        return {"learners": frozenset(self.learners), "strategies": frozenset(self.strategies)}


@dataclass(frozen=True)
class Shard:
    """One of several shares of a grid that need not know of each other.

    A trial's key alone says whose it is.

    Arguments:
        number: Which share, from 1 on.
        of: How many there are.

    Example:
        >>> Shard.read("7/50")
        Shard(number=7, of=50)
    """

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> "Shard":
        """The share that is written like 7/50."""
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.of:
            raise BenchError(f"{text!r} is not a share like 7/50, the seventh of fifty")
        return shard

    def __contains__(self, key: Key) -> bool:
        return zlib.crc32(repr(tuple(key)).encode()) % self.of == self.number - 1


@dataclass(frozen=True)
class Grid:
    """A named union of products."""

    name: str
    parts: tuple[Part, ...]

    def trials(self, shard: Shard | None = None) -> Iterator[Trial]:
        """All trials, each once, seed by seed, one at a time: a grid may have millions."""
        parts = [w for part in self.parts for w in part.written_out()]
        streams = [zip(itertools.repeat(i), part.trials()) for i, part in enumerate(parts)]
        for i, trial in heapq.merge(*streams, key=lambda pair: pair[1].seed):
            twice = any(trial.key in before for before in parts[:i])
            if not twice and (shard is None or trial.key in shard):
                yield trial

    def count(self) -> int:
        """How many trials there are. Only parts that may share some are gone through."""
        if len(self.parts) > 1:
            return sum(1 for _ in self.trials())
        axes = ("learners", "strategies", "sizes", "validation", "groups", "recruitment")
        return sum(
            part.seeds * prod(len(set(getattr(part, axis))) for axis in axes)
            for part in self.parts[0].written_out()
        )

    def written_out(self) -> "Grid":
        """The same grid with all specs in full, a part for each dataset.

        It says what was run when a default is another one day, and its keys need no parsing.
        """
        written = dict.fromkeys(w for part in self.parts for w in part.written_out())
        return Grid(self.name, tuple(written))

    def look(self) -> None:
        """Check files, sizes and labels of all datasets before anything is run.

        Raises:
            Missing: If some files are not at hand.
            BenchError: If a dataset can't be split, or a strategy aims at a label that its dataset
                does not have.
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
            for data in _named(part.datasets, "datasets"):
                _aimed(data, part._against(data)[1])

    def descriptions(self) -> list[str]:
        """Return lines that tell how users' own files are read."""
        found = [d for part in self.parts for d in _named(part.datasets, "datasets")]
        return list(dict.fromkeys(line for data in found for line in data.description()))

    def __contains__(self, key: Key) -> bool:
        """Whether a trial is one of the grid, if that is written out."""
        return any(key in part for part in self.parts)


def _aimed(data: Dataset, strategies: list[Strategy]) -> None:
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
    """The labels in a strategy's fields and in those of its parts."""
    label = getattr(strategy, "label", None)
    if label is not None:
        yield label
    for part in strategy.parts:
        yield from _labels(part)


def checked(table: dict[str, Any], where: str) -> Part:
    """A part from what a file or the command line says."""
    fields = {f.name: f for f in dataclasses.fields(Part)}
    for name in table:
        if name not in fields:
            raise unknown(f"entry of {where} named", name, fields)
    given: dict[str, Any] = {}
    for name, value in table.items():
        if name == "seeds":
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise BenchError(f"{where}: seeds={value!r} is not a whole number above 0")
            given[name] = value
            continue
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise BenchError(f"{where}: {name}={value!r} is not a list")
        if name == "learners":
            pairs = [variants(e) if isinstance(e, dict) else [e] for e in value]
            value = list(itertools.chain.from_iterable(pairs))
        kind = (int, float) if name == "sizes" else (str,)
        for entry in value:
            if isinstance(entry, bool) or not isinstance(entry, kind):
                raise BenchError(f"{where}: {entry!r} in {name} is not a {kind[-1].__name__}")
        given[name] = tuple(map(kind[-1], value))
        if not value:
            raise BenchError(f"{where}: {name} is empty")
    missing = [name for name in ("datasets", "learners") if name not in given]
    if missing:
        raise BenchError(f"{where} lacks {' and '.join(missing)}")
    for size in given.get("sizes", ()):
        if not 0 <= size <= 1:
            raise BenchError(f"{where}: the size {size!r} is not a share between 0 and 1")
    for name, allowed in (
        ("validation", Validation),
        ("groups", Groups),
        ("recruitment", Recruitment),
    ):
        for text in given.get(name, ()):
            if text not in get_args(allowed):
                raise unknown(name, text, get_args(allowed))
    return Part(**given)


def shipped() -> dict[str, Path]:
    """The grids that ship, by name."""
    folder = Path(str(files("bench") / "grids"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load(name: str) -> Grid:
    """A grid that ships, by name, or one from a TOML file."""
    path = shipped().get(name, Path(name))
    if path.suffix != ".toml":
        raise unknown("grid", name, [*shipped(), "a .toml file"])
    try:
        table = tomllib.loads(path.read_text())
    except OSError as error:
        near = difflib.get_close_matches(path.stem, shipped(), 1, 0.5)
        hint = f" Did you mean the grid {near[0]!r}?" if near else ""
        raise BenchError(f"cannot read the grid {path}: {error.strerror}.{hint}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchError(f"the grid {path} is not TOML: {error}") from error
    parts = table.pop("part", None)
    if parts is None:
        return Grid(path.stem, (checked(table, f"the grid {path.name}"),))
    if not isinstance(parts, list) or not all(isinstance(p, dict) for p in parts):
        raise BenchError(f"the grid {path}: part is written [[part]]")
    where = f"a part of the grid {path.name}"
    return Grid(path.stem, tuple(checked(table | part, where) for part in parts))


def change(grid: Grid, **given: Any) -> Grid:
    """A grid with some axes replaced in all its parts; what is None stays."""
    new = {name: value for name, value in given.items() if value is not None}
    if not new:
        return grid
    tables = [dataclasses.asdict(part) | new for part in grid.parts]
    return Grid(grid.name, tuple(checked(t, "the command line") for t in tables))
