"""Counts of a run's trials, from specs as texts: no component is imported to count them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, product, starmap
from pathlib import Path
from typing import Any, NamedTuple, Self

from algorithms.runtime.paths import Absent
from bench.experiment.trial import Key
from bench.records.lines import Have
from bench.spec.shard import Shard


class Versioned(NamedTuple):
    """The spec of a component, with the version of the code that defines it."""

    spec: str
    version: str


@dataclass(frozen=True)
class Panel:
    """The product of a dataset with learners, strategies, ways and sizes, for some seeds.

    Arguments:
        dataset: The dataset.
        learners: The learners.
        strategies: The strategies.
        ways: Triples of validation, groups and recruitment.
        sizes: The sizes of the collective.
        seeds: The first seed, and the one behind the last.
    """

    dataset: Versioned
    learners: tuple[Versioned, ...]
    strategies: tuple[Versioned, ...]
    ways: Sequence[tuple[str, str, str]]
    sizes: Sequence[float]
    seeds: tuple[int, int]

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Self:
        """Return a panel from the lists of a JSON file."""
        return cls(
            Versioned(*table["dataset"]),
            tuple(starmap(Versioned, table["learners"])),
            tuple(starmap(Versioned, table["strategies"])),
            [(v, g, r) for v, g, r in table["ways"]],
            table["sizes"],
            (table["seeds"][0], table["seeds"][1]),
        )

    def trials(self) -> Iterator[tuple[Key, str]]:
        """Yield the key of each trial, and the version of its code."""
        for strategy, learner in product(self.strategies, self.learners):
            code = ".".join((self.dataset.version, learner.version, strategy.version))
            for way, size, seed in product(self.ways, self.sizes, range(*self.seeds)):
                yield Key(self.dataset.spec, learner.spec, strategy.spec, size, seed, *way), code

    def __contains__(self, key: Key) -> bool:
        return (
            key.dataset == self.dataset.spec
            and self.seeds[0] <= key.seed < self.seeds[1]
            and key.size in self.sizes
            and (key.validation, key.groups, key.recruitment) in self.ways
            and key.learner in (l.spec for l in self.learners)
            and key.strategy in (s.spec for s in self.strategies)
        )


def count(
    panels: Sequence[Panel], have: Mapping[Key, Have], shard: Shard | None = None
) -> dict[str, Counter[str]]:
    """Count trials, each once: in all, done, failed, stale and left, for each learner.

    Arguments:
        panels: The panels of the grid.
        have: The outcomes in the store.
        shard: The share of the grid that is counted; all of it if None.
    """
    learners: dict[str, Counter[str]] = {}
    ordered = sorted(panels, key=lambda panel: panel.seeds)
    for i, panel in enumerate(ordered):
        for key, code in panel.trials():
            repeated = any(key in before for before in ordered[:i])
            if repeated or (shard is not None and key not in shard):
                continue
            counts = learners.setdefault(key.learner, Counter())
            counts["trials"] += 1
            outcome = have.get(key)
            if outcome is None:
                counts["left"] += 1
            else:
                counts["done"] += 1
                counts["failed"] += not outcome.ok
                counts["stale"] += outcome.code != code
    return learners


def describe(parts: Sequence[dict[str, Any]], where: str) -> dict[str, Any]:
    """Return the panels of a grid, and the state of the files on which their versions depend.

    All components are imported for it. The result is for JSON.

    Arguments:
        parts: The tables of the grid's parts.
        where: Origin of the tables, for errors.
    """
    from bench.experiment.trial import Trial
    from bench.records.code_version import code_version
    from bench.spec.grid import check_part
    from bench.spec.sizes import shares

    panels, files = [], dict[str, list[int] | None]()
    for part in chain.from_iterable(check_part(p, where).written_out() for p in parts):
        (data,) = part.sources()
        learners, strategies = list(part.learners_on(data)), part.strategies_on(data)
        if not strategies:
            continue
        for component in (data, *learners):
            files |= _files(component)
        versions = {
            (l, s): code_version(Trial(data, l, s, 0.0, 0)).split(".")
            for l, s in product(learners, strategies)
        }
        first = versions[learners[0], strategies[0]][0]
        panel = Panel(
            Versioned(repr(data), first),
            tuple(Versioned(repr(l), versions[l, strategies[0]][1]) for l in learners),
            tuple(Versioned(repr(s), versions[learners[0], s][2]) for s in strategies),
            list(dict.fromkeys(product(part.validation, part.groups, part.recruitment))),
            shares(part.sizes, data),
            (part.first_seed, part.first_seed + part.seeds),
        )
        panels.append(asdict(panel))
    return {"panels": panels, "files": files}


def _files(component: Any) -> dict[str, list[int] | None]:
    """Return the files of a component with their states; one without a state if some lack."""
    try:
        return {str(path): _state(path) for path in component.files()}
    except Absent:
        return {repr(component): None}


def _state(path: Path) -> list[int] | None:
    """Return the size and the time of the last change of a file; None if it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def is_current(described: Mapping[str, Any]) -> bool:
    """Return whether all files of a description are there and as they were."""
    return all(
        state is not None and _state(Path(path)) == state
        for path, state in described["files"].items()
    )
