"""Parts of grids: products of datasets, learners, strategies, sizes and seeds."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Any, NamedTuple

from annotated_types import Ge, MinLen

from algorithms.base import Learner
from algorithms.networks import Network
from bench.datasets.base import Dataset, TraceableLaw, has_files
from bench.experiment.recruitment import Recruitment
from bench.experiment.trial import Groups, Key, Trial, Validation
from bench.spec.parsing import parse
from bench.spec.registry import REGISTRY, experimental
from bench.spec.sizes import Size, shares
from collectives.base import Strategy

#: Stands for all registered components of a kind with their defaults.
EVERY = "*"

Specs = Annotated[tuple[str, ...], MinLen(1)]


class Entry(NamedTuple):
    """A learner of a grid on a dataset, which a setting of its hyper-parameters stands for.

    Arguments:
        dataset: The spec of the dataset.
        learner: The spec of the learner, as the grid names it.
        validation: Whether the validation data on which it is tuned are clean or contaminated.
    """

    dataset: str
    learner: str
    validation: str


#: The specs of the settings that stand for an entry: one, or several that are tried.
Settings = Mapping[Entry, Sequence[str]]


def _components(texts: Sequence[str], kind: str) -> list[Any]:
    """Return the components that specs describe, each once.

    ``"*"`` stands for those whose files are available.
    """
    every = [parse(name, kind) for name in sorted(REGISTRY.kinds[kind])] if EVERY in texts else []
    every = [c for c in every if not isinstance(c, Dataset | Learner) or has_files(c)]
    components = [every if text == EVERY else [parse(text, kind)] for text in texts]
    return list(dict.fromkeys(itertools.chain.from_iterable(components)))


def _with_network(learner: Learner, network: Network | None) -> Learner:
    """Return a learner with another network, also in the learners in its fields.

    A learner that has no network, or another than the default one, stays as it is.
    """
    default = type(learner)()
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(learner):  # type: ignore[arg-type]
        value = getattr(learner, field.name)
        if isinstance(value, Learner):
            changes[field.name] = _with_network(value, network)
        elif isinstance(value, Network) and value == getattr(default, field.name):
            changes[field.name] = network
    return learner if network is None or not changes else replace(learner, **changes)  # type: ignore[type-var]


def _wrapped(learner: Learner, wrapper: Learner | None) -> Learner:
    """Return a wrapper with a learner in its field ``base``; the learner if there is none."""
    return learner if wrapper is None else replace(wrapper, base=learner)  # type: ignore[type-var]


@dataclass(frozen=True)
class Part:
    """A full product. "*" stands for all datasets, learners or strategies with their defaults.

    Of learners, "*" takes those that are not experimental and are made for each dataset: a learner
    of texts is left out on images, and a learner that needs the law is left out where there is
    none.

    Arguments:
        datasets: Specs of datasets.
        learners: Specs of learners; searches are written out.
        strategies: Specs of strategies. Fields that are None take the default of each dataset.
        sizes: Sizes alpha of the collective, as shares of the population, or as numbers of people
            such as "8 people"; 0 is always added.
        seeds: Number of seeds.
        validation: Whether the firm's validation data is clean or contaminated by members.
        groups: Which groups the firm knows.
        recruitment: How members are recruited.
        first_seed: The first seed.
        network: Spec of the network of those learners that have one and name no other; None
            leaves theirs.
        wrapper: Spec of a learner in whose field ``base`` each learner is run, such as the
            features that all learners need on texts; none if None.
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
    first_seed: Annotated[int, Ge(0)] = 0
    network: str | None = None
    wrapper: str | None = None

    def trials(self) -> Iterator[Trial]:
        """Return all trials, seed by seed: an interrupted run lacks seeds rather than learners."""
        panels = [
            (data, shares(self.sizes, data), [*self.learners_on(data).values()], strategies)
            for data in self.sources()
            if (strategies := self.strategies_on(data))
        ]
        ways = [[*dict.fromkeys(way)] for way in (self.validation, self.groups, self.recruitment)]
        for seed in self._seeds:
            for data, sizes, learners, strategies in panels:
                for strategy, learner, *way, size in itertools.product(
                    strategies, learners, *ways, sizes
                ):
                    yield Trial(data, learner, strategy, size, seed, *way)  # type: ignore[arg-type]

    @property
    def _seeds(self) -> range:
        return range(self.first_seed, self.first_seed + self.seeds)

    def sources(self) -> list[Dataset]:
        """Return the datasets."""
        return _components(self.datasets, "datasets")

    def learners_on(self, data: Dataset) -> dict[Learner, Learner]:
        """Return the learners that a dataset allows, as the part names them and as they are run.

        The two differ where the part sets a network or a wrapper.
        """
        learners = _components(self.learners, "learners")
        if EVERY in self.learners:
            named = {parse(text, "learners") for text in self.learners if text != EVERY}
            learners = [one for one in learners if one in named or self._allows(one, data)]
        network = None if self.network is None else parse(self.network, "networks")
        wrapper = None if self.wrapper is None else parse(self.wrapper, "learners")
        return {one: _wrapped(_with_network(one, network), wrapper) for one in learners}

    def _allows(self, learner: Learner, data: Dataset) -> bool:
        """Return whether "*" takes a learner on a dataset."""
        known = isinstance(data.law, TraceableLaw)
        domains = (None,) if self.wrapper else (None, data.domain)
        suits = learner.domain in domains and (known or not learner.needs_law)
        return suits and experimental(learner) is None

    def strategies_on(self, data: Dataset) -> list[Strategy]:
        """Return the strategies with the defaults of a dataset."""
        strategies = _components(self.strategies, "strategies")
        filled = (s.with_defaults(data.signal, data.label) for s in strategies)
        return list(dict.fromkeys(filled))

    def entries_on(self, data: Dataset) -> dict[Entry, Learner]:
        """Return the entries on a dataset, with the learners as they are run."""
        return {
            Entry(repr(data), repr(named), validation): run
            for validation in self.validation
            for named, run in self.learners_on(data).items()
        }

    def written_out(self, settings: Settings | None = None) -> Iterator["Part"]:
        """Return the same product with all specs in full, one part for each dataset.

        Arguments:
            settings: The settings that stand for entries; entries without settings are left out,
                and each kind of validation data has its own parts. If None, all learners stand
                for themselves.
        """
        for data in self.sources():
            full = replace(
                self,
                datasets=(repr(data),),
                learners=tuple(dict.fromkeys(map(repr, self.learners_on(data).values()))),
                strategies=tuple(map(repr, self.strategies_on(data))),
                sizes=tuple(shares(self.sizes, data)),
                network=None,
                wrapper=None,
            )
            if settings is None:
                yield full
                continue
            for validation in dict.fromkeys(self.validation):
                specs = dict.fromkeys(
                    spec
                    for entry in self.entries_on(data)
                    if entry.validation == validation
                    for spec in settings.get(entry, ())
                )
                if specs:
                    yield replace(full, learners=tuple(specs), validation=(validation,))

    def __contains__(self, key: Key) -> bool:
        """Return whether a trial belongs to the part, which has to be written out."""
        return (
            key.seed in self._seeds
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
