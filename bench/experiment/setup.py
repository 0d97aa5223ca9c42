"""The setup of a trial: the training set after the collective has acted, and its law."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from algorithms.base import Rows, TrainingSet
from bench.core.identity_cache import IdentityCache
from bench.core.random_streams import stream
from bench.datasets.base import Array, GatheringLaw, Split, TraceableLaw
from bench.experiment.outputs import known_labels
from bench.experiment.recruitment import enlist
from bench.experiment.trial import Groups, Trial
from bench.theory.mixture import Mixture, has_local_policy
from collectives.base import Strategy
from collectives.signals.base import Signal
from collectives.types import MemberData, Predict


class SeedContext:
    """The split of one seed, and what all collectives on it share. Its arrays are read-only.

    Arguments:
        split: The split. Its arrays become read-only, since many trials share them.
    """

    def __init__(self, split: Split) -> None:
        protect(*vars(split).values())
        self.split, self.test = split, split.part(split.test)
        protect(*vars(self.test).values())
        self._clean: dict[Groups, TrainingSet] = {}
        self._signals: dict[Signal, dict[str, float]] = {}
        self._bound = IdentityCache(lambda strategy: strategy.bind(self.people))

    @cached_property
    def people(self) -> MemberData:
        """The rows of the training set before the collective acts."""
        return members_of(self.split, self.split.train)

    def bind(self, trial: Trial) -> Trial:
        """Return a trial whose strategy has learnt from the rows before the collective acts."""
        if not trial.strategy.learns:
            return trial
        return replace(trial, strategy=self._bound(trial.strategy))

    def clean_validation(self, trial: Trial) -> TrainingSet:
        """Return the firm's validation data without members in it, shared by all trials."""
        if trial.groups not in self._clean:
            control, index = replace(trial, size=0.0), self.split.validation
            sample, _ = build_training_set(control, self.split, index, "validation")
            self._clean[trial.groups] = sample
        return self._clean[trial.groups]

    def signal_statistics(self, strategy: Strategy) -> dict[str, float]:
        """Return the share of test points with a strategy's first signal, and its visibility."""
        if not strategy.signals:
            return {}
        signal, x = strategy.signals[0], self.test.x
        if signal not in self._signals:
            share, change = signal.overlap(x), signal.visibility(x)
            self._signals[signal] = {"overlap": share, "visibility": change}
        return self._signals[signal]


def protect(*values: object) -> None:
    """Make those of some values that are arrays read-only, in place."""
    for value in values:
        if isinstance(value, np.ndarray):
            value.flags.writeable = False


def members_of(split: Split, index: Array, deployed: tuple[Predict, ...] = ()) -> MemberData:
    """Return the rows of an index as members pool them, read-only.

    Arguments:
        split: The split.
        index: The members' rows of the split, (m,).
        deployed: The classifiers of earlier rounds.
    """
    part = split.part(index)
    protect(part.x, part.y)
    return MemberData(part.x, part.y, split.classes, deployed=deployed)


@dataclass(frozen=True, eq=False)
class TrainingSetup:
    """The data of one training.

    Arguments:
        sample: The training set after the collective has acted, with the validation data.
        members: The rows of the members in it.
        context: The split of the seed, with the test data.
        deployed: The classifiers of earlier rounds, the first one first.
    """

    sample: TrainingSet
    members: Array
    context: SeedContext
    deployed: tuple[Predict, ...] = ()


def set_up(
    trial: Trial, context: SeedContext, deployed: tuple[Predict, ...] = ()
) -> TrainingSetup:
    """Let the collective act, and return what the firm trains on.

    Arguments:
        trial: The trial.
        context: The split of its seed.
        deployed: The classifiers of earlier rounds, which members know when they act again.
    """
    split = context.split
    sample, members = build_training_set(trial, split, split.train, deployed=deployed)
    if not len(split.validation):
        return TrainingSetup(sample, members, context, deployed)
    if trial.validation == "contaminated":
        sample.validation, _ = build_training_set(
            trial, split, split.validation, "validation", deployed=deployed
        )
    else:
        sample.validation = context.clean_validation(trial)
    return TrainingSetup(sample, members, context, deployed)


def build_training_set(
    trial: Trial, split: Split, index: Array, *purpose: str, deployed: tuple[Predict, ...] = ()
) -> tuple[TrainingSet, Array]:
    """Choose the members among some rows of a split, and let the collective act.

    Members pool their rows with all members of the collective: those in contaminated validation
    data and those in the training set know the same.

    Arguments:
        trial: The trial.
        split: The split.
        index: The rows of the split that are used, (n,).
        purpose: The use of these rows, if it is not training: it names the random streams.
        deployed: The classifiers of earlier rounds.

    Returns:
        The sample of n rows after the collective has acted, and the positions of the members in
        it, (m,).

    Raises:
        ValueError: If the strategy returned rows of another shape, or labels that the data do
            not have.
    """
    rows, y = Rows(split.x, index, words=split.words), split.y[index]
    members = enlist(split, index, trial.size, trial.recruitment, trial.seed, *purpose)
    protect(members, rows.pool)
    own = members_of(split, index[members], deployed)
    pooled = own if trial.validation == "clean" else collective(trial, split, deployed)
    if len(members):
        rng = stream(trial.seed, "act", *purpose)
        points, labels = trial.strategy.act(own.x, own.y, pooled=pooled, n=len(index), rng=rng)
        for new, old in ((points, own.x), (labels, own.y)):
            if new.shape != old.shape:
                raise ValueError(f"act returned rows of shape {new.shape} for {old.shape}")
        y[members] = known_labels("act", labels, split.classes)
        rows = rows.replace(members, points)
        protect(rows.points)
    group = None if split.group is None else split.group[index]
    law = mixture_law(trial, len(members) / len(index), pooled, len(index))
    sample = TrainingSet(rows, y, group, split.classes, law=law)
    return with_groups(sample, members, trial.groups), members


def collective(trial: Trial, split: Split, deployed: tuple[Predict, ...] = ()) -> MemberData:
    """Return the rows of all members in a trial with contaminated validation data.

    Arguments:
        trial: The trial.
        split: The split.
        deployed: The classifiers of earlier rounds.
    """
    parts = [
        index[enlist(split, index, trial.size, trial.recruitment, trial.seed, *purpose)]
        for index, purpose in ((split.train, ()), (split.validation, ("validation",)))
    ]
    return members_of(split, np.concatenate(parts), deployed)


def with_groups(sample: TrainingSet, members: Array, groups: Groups) -> TrainingSet:
    """Give a sample the groups that the firm knows of, in place.

    Arguments:
        sample: The sample.
        members: The rows of the members.
        groups: The groups that the firm knows: see :class:`bench.experiment.trial.Trial`.
    """
    if groups == "unknown":
        sample.group, sample.groups = np.zeros(len(sample), dtype=np.int64), 1
    elif groups == "own":
        sample.group = sample.group.copy()
        sample.group[members] = sample.groups
        sample.groups += 1
    return sample


def mixture_law(trial: Trial, share: float, pooled: MemberData, n: int) -> Mixture | None:
    """Return the law that the rows follow, where it is known.

    On a finite domain the law is known if the strategy states what its members may do. On other
    domains the strategy must also have no signal but the dataset's own, for which the dataset
    knows where each point goes or what the signal gathers. Members that are not recruited
    uniformly differ from the others in a way that the law does not describe.

    Arguments:
        trial: The trial.
        share: The share of members among the rows.
        pooled: The members' rows before they act.
        n: The number of rows.
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
            known = has_local_policy(strategy, pooled.classes)
        else:
            known = strategy.bounds.local(pooled.classes) and isinstance(law, TraceableLaw)
        if not known:
            return None
    return Mixture(law, strategy, share, pooled, n)
