"""What a trial's firm meets: a sample in which a collective has acted, and the law behind it."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from algorithms.base import Rows, TrainingSet
from bench.core.identity_cache import IdentityCache
from bench.core.random_streams import stream
from bench.datasets.base import Array, GatheringLaw, Split, TraceableLaw
from bench.experiment.recruitment import enlist
from bench.experiment.trial import Groups, Trial
from bench.theory.mixture import Mixture, has_local_policy
from collectives.base import Strategy
from collectives.signals.base import Signal
from collectives.types import MemberData, Predict


def build_training_set(
    trial: Trial, split: Split, index: Array, *purpose: str, seen: tuple[Predict, ...] = ()
) -> tuple[TrainingSet, Array]:
    """The rows of an index, after a collective among them has acted; and who its members are."""
    rows, y = Rows(split.x, index, words=split.words), split.y[index]
    members = enlist(split, index, trial.size, trial.recruitment, trial.seed, *purpose)
    part = split.part(index[members])
    pooled = MemberData(part.x, part.y, split.classes, deployed=seen)
    if len(members):
        rng = stream(trial.seed, "act", *purpose)
        moved, told = trial.strategy.act(part.x, part.y, pooled=pooled, n=len(index), rng=rng)
        for new, old in ((moved, part.x), (told, part.y)):
            if new.shape != old.shape:
                raise ValueError(f"act returned rows of shape {new.shape} for {old.shape}")
        rows, y[members] = rows.replace(members, moved), told
    group = None if split.group is None else split.group[index]
    law = mixture(trial, len(members) / len(index), pooled, len(index))
    sample = TrainingSet(rows, y, group, split.classes, law=law)
    return regrouped(sample, members, trial.groups), members


def regrouped(sample: TrainingSet, members: Array, groups: Groups) -> TrainingSet:
    """A sample with the groups that the firm knows of."""
    if groups == "unknown":
        sample.group, sample.groups = np.zeros(len(sample), dtype=np.int64), 1
    elif groups == "own":
        sample.group = sample.group.copy()
        sample.group[members] = sample.groups
        sample.groups += 1
    return sample


def mixture(trial: Trial, share: float, pooled: MemberData, n: int) -> Mixture | None:
    """The law that the rows follow, where it is known.

    On a finite domain that takes a strategy that says what its members may do; on others, too, no
    signal but the default one, whose ways are known, or what it gathers. Members who found
    themselves are unlike the others, in a way that the law does not tell.
    """
    law, strategy = trial.dataset.law, trial.strategy
    if law is None or not strategy.traceable:
        return None
    if share and trial.recruitment != "uniform":
        return None
    if law.support is None:
        if not set(strategy.signals) <= {trial.dataset.signal}:
            return None
        if isinstance(law, GatheringLaw):
            told = has_local_policy(strategy, pooled.classes)
        else:
            told = strategy.bounds.local(pooled.classes) and isinstance(law, TraceableLaw)
        if not told:
            return None
    return Mixture(law, strategy, share, pooled, n)


class SeedContext:
    """A split, and what of it is the same for all collectives at one seed.

    Arguments:
        split: The split.
    """

    def __init__(self, split: Split) -> None:
        self.split, self.test = split, split.part(split.test)
        self._clean: dict[Groups, TrainingSet] = {}
        self._signals: dict[Signal, dict[str, float]] = {}
        self._prepared = IdentityCache(lambda strategy: strategy.bind(self.people))

    @cached_property
    def people(self) -> MemberData:
        """The rows of the training set before anybody acts."""
        part = self.split.part(self.split.train)
        return MemberData(part.x, part.y, self.split.classes)

    def played(self, trial: Trial) -> Trial:
        """A trial with what its strategy learns from people before anybody acts."""
        if not trial.strategy.learns:
            return trial
        return replace(trial, strategy=self._prepared(trial.strategy))

    def clean(self, trial: Trial) -> TrainingSet:
        """What the firm of a trial holds out, without members in it; nobody changes it."""
        if trial.groups not in self._clean:
            alone, at = replace(trial, size=0.0), self.split.validation
            self._clean[trial.groups], _ = build_training_set(alone, self.split, at, "validation")
        return self._clean[trial.groups]

    def told(self, strategy: Strategy) -> dict[str, float]:
        """How many test points carry the strategy's first signal, and how much it changes them."""
        if not strategy.signals:
            return {}
        signal, x = strategy.signals[0], self.test.x
        if signal not in self._signals:
            share, change = signal.overlap(x), signal.visibility(x)
            self._signals[signal] = {"overlap": share, "visibility": change}
        return self._signals[signal]


@dataclass(frozen=True, eq=False)
class TrainingSetup:
    """What a trial's firm trains on, what it is judged on, and what it deployed before."""

    sample: TrainingSet
    members: Array
    world: SeedContext
    seen: tuple[Predict, ...] = ()


def set_up(trial: Trial, world: SeedContext, seen: tuple[Predict, ...] = ()) -> TrainingSetup:
    """Let the collective act. A firm that holds out no rows has no validation data.

    Arguments:
        trial: The trial.
        world: What there is at its seed.
        seen: The classifiers that members have seen, if they act again.
    """
    split = world.split
    sample, members = build_training_set(trial, split, split.train, seen=seen)
    if not len(split.validation):
        return TrainingSetup(sample, members, world, seen)
    if trial.validation == "contaminated":
        sample.validation, _ = build_training_set(
            trial, split, split.validation, "validation", seen=seen
        )
    else:
        sample.validation = world.clean(trial)
    return TrainingSetup(sample, members, world, seen)
