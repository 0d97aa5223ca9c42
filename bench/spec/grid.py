"""Grids: products of datasets, learners, strategies, sizes and seeds, and their trials."""

import dataclasses
import difflib
import heapq
import itertools
import re
import tomllib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from math import prod
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le, MinLen

from algorithms.base import Learner
from algorithms.runtime.paths import Absent
from bench.core.errors import BenchError, Missing, unknown
from bench.core.random_streams import stream
from bench.datasets.base import Dataset, TraceableLaw, has_files
from bench.experiment.recruitment import Recruitment
from bench.experiment.trial import Groups, Key, Trial, Validation
from bench.spec.parsing import build, parse
from bench.spec.registry import REGISTRY
from bench.spec.search import variants
from collectives.base import Strategy

#: Stands for all registered components of a kind with their defaults.
EVERY = "*"

Specs = Annotated[tuple[str, ...], MinLen(1)]
Size = Annotated[float, Ge(0), Le(1)]


def _components(texts: Sequence[str], kind: str) -> list[Any]:
    """Return the components that specs describe, each once.

    ``"*"`` stands for those whose files are available.
    """
    every = [parse(name, kind) for name in sorted(REGISTRY.kinds[kind])] if EVERY in texts else []
    every = [c for c in every if not isinstance(c, Dataset | Learner) or has_files(c)]
    components = [every if text == EVERY else [parse(text, kind)] for text in texts]
    return list(dict.fromkeys(itertools.chain.from_iterable(components)))


@dataclass(frozen=True)
class Part:
    """A full product. "*" stands for all datasets, learners or strategies with their defaults.

    Of learners, "*" takes those that are made for each dataset: a learner of texts is left out on
    images, and a learner that needs the law is left out where there is none.

    Arguments:
        datasets: Specs of datasets.
        learners: Specs of learners; searches are written out.
        strategies: Specs of strategies. Fields that are None take the default of each dataset.
        sizes: Sizes alpha of the collective, as shares of the population; 0 is always added.
        seeds: Number of seeds, counted from 0.
        validation: Whether the firm's validation data is clean or contaminated by members.
        groups: Which groups the firm knows.
        recruitment: How members are recruited.
    """

    datasets: Specs
    learners: Specs
    strategies: Specs = ("FeatureLabel",)
    sizes: Annotated[tuple[Size, ...], MinLen(1)] = (
        0.0,
        0.002,
        0.005,
        0.01,
        0.02,
        0.05,
        0.1,
        0.2,
    )
    seeds: Annotated[int, Ge(1)] = 5
    validation: Annotated[tuple[Validation, ...], MinLen(1)] = ("clean",)
    groups: Annotated[tuple[Groups, ...], MinLen(1)] = ("given",)
    recruitment: Annotated[tuple[Recruitment, ...], MinLen(1)] = ("uniform",)

    def trials(self) -> Iterator[Trial]:
        """Return all trials, seed by seed: an interrupted run lacks seeds rather than learners."""
        panels = [(data, *self._pairing(data)) for data in _components(self.datasets, "datasets")]
        sizes = sorted({0.0, *self.sizes})
        for seed in range(self.seeds):
            for data, learners, strategies in panels:
                settings = (self.validation, self.groups, self.recruitment)
                axes: list[Iterable[Any]] = [strategies, learners]
                axes += [*map(dict.fromkeys, settings), sizes]
                for strategy, learner, *setting, size in itertools.product(*axes):
                    yield Trial(data, learner, strategy, size, seed, *setting)

    def _pairing(self, data: Dataset) -> tuple[list[Learner], list[Strategy]]:
        """Return the learners that a dataset allows, and the strategies with its defaults."""
        learners = _components(self.learners, "learners")
        if EVERY in self.learners:
            known = isinstance(data.law, TraceableLaw)
            learners = [one for one in learners if known or not one.needs_law]
            learners = [one for one in learners if one.domain in (None, data.domain)]
        strategies = _components(self.strategies, "strategies")
        filled = (s.with_defaults(data.signal, data.label) for s in strategies)
        return learners, list(dict.fromkeys(filled))

    def written_out(self) -> Iterator["Part"]:
        """Return the same product with all specs in full, one part for each dataset."""
        for data in _components(self.datasets, "datasets"):
            learners, strategies = (tuple(map(repr, axis)) for axis in self._pairing(data))
            sizes = tuple(sorted({0.0, *self.sizes}))
            yield replace(
                self,
                datasets=(repr(data),),
                learners=learners,
                strategies=strategies,
                sizes=sizes,
            )

    def __contains__(self, key: Key) -> bool:
        """Return whether a trial belongs to the part, which has to be written out."""
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
    """One of several shares of a grid that can be run independently.

    The key of a trial alone decides to which share it belongs.

    Arguments:
        number: Number of the share, from 1 on.
        count: Number of shares.

    Example:
        >>> Shard.read("7/50")
        Shard(number=7, count=50)
    """

    number: int
    count: int

    @classmethod
    def read(cls, text: str) -> "Shard":
        """Return the share that is written like ``7/50``."""
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        shard = cls(int(match[1]), int(match[2])) if match else cls(0, 0)
        if not 1 <= shard.number <= shard.count:
            raise BenchError(f"{text!r} is not a share like 7/50, the seventh of fifty")
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def __contains__(self, key: Key) -> bool:
        return zlib.crc32(repr(tuple(key)).encode()) % self.count == self.number - 1


@dataclass(frozen=True)
class Grid:
    """A named union of products.

    Arguments:
        name: Name of the grid.
        parts: Its products; a trial that is in several of them counts once.
    """

    name: str
    parts: tuple[Part, ...]

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
        if len(self.parts) > 1:
            return sum(1 for _ in self.trials())
        axes = ("learners", "strategies", "sizes", "validation", "groups", "recruitment")
        return sum(
            part.seeds * prod(len(set(getattr(part, axis))) for axis in axes)
            for part in self.parts[0].written_out()
        )

    def written_out(self) -> "Grid":
        """Return the same grid with all specs in full, one part for each dataset.

        It stays valid when a default changes, and its keys need no parsing.
        """
        written = dict.fromkeys(w for part in self.parts for w in part.written_out())
        return Grid(self.name, tuple(written))

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
            for data in _components(part.datasets, "datasets"):
                _check_labels(data, part._pairing(data)[1])

    def descriptions(self) -> list[str]:
        """Return lines that tell how users' own files are read."""
        datasets = [d for part in self.parts for d in _components(part.datasets, "datasets")]
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
    parts = table.pop("part", None)
    if parts is None:
        return Grid(path.stem, (check_part(table, f"the grid {path.name}"),))
    if not isinstance(parts, list) or not all(isinstance(p, dict) for p in parts):
        raise BenchError(f"the grid {path}: part is written [[part]]")
    where = f"a part of the grid {path.name}"
    return Grid(path.stem, tuple(check_part(table | part, where) for part in parts))


def change(grid: Grid, **given: Any) -> Grid:
    """Return a grid with some axes replaced in all its parts; an axis that is None stays."""
    new = {name: value for name, value in given.items() if value is not None}
    if not new:
        return grid
    tables = [dataclasses.asdict(part) | new for part in grid.parts]
    return Grid(grid.name, tuple(check_part(t, "the command line") for t in tables))
