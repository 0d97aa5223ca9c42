"""Bounds of a strategy: lower bounds on its success, by the knowledge that they need.

A strategy returns one object of this module from :attr:`collectives.base.Strategy.bounds`. A
strategy that plants a signal returns :class:`PlantingBounds` with its label policy, from which all
bounds follow. A strategy without theory keeps the default, whose errors give the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from collectives.signals.base import Signal
from collectives.theory import independent_members, pointwise
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.theory.label_policy import LabelPolicy, idle_policy, mix_policies
from collectives.types import Array, NoBound, require

ImageOf = Callable[[Signal], Array]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Lower bounds on success. This base class knows none, and its errors say so.

    Arguments:
        strategy: The name of the strategy, for error messages.
        signal: The signal at whose points success is decided, if there is one.
        label: The one label that the strategy aims at, if there is one.
        reason: Why there is no finite-sample bound.
    """

    strategy: str
    signal: Signal | None = None
    label: int | None = None
    reason: str = "no bound from members' own rows is known for it"

    def local(self, classes: int) -> bool:
        """Return whether members hand in no points but their own and their signalled ones."""
        return False

    def label_policy(self, classes: int) -> LabelPolicy:
        """Return the label policy of the members.

        Raises:
            NoBound: If members do not act by their own label and independent randomness only.
        """
        raise NoBound(
            f"{self.strategy} has no label policy: the members of {self.strategy} do not act by "
            "their own label and independent randomness only, and no bound is known for such "
            "members inside another strategy"
        )

    def exact(self, joint: Array, mixture: Array, image_of: ImageOf) -> float | None:
        """Return the lower bound against firms that predict a most likely label of the mixture.

        Arguments:
            joint: The law of the people in the measure of success, (S, K).
            mixture: The law of the training set in which members have acted, (S, K).
            image_of: A function from a signal g to the index of g(x) for each point x, (S,).

        Returns:
            A share of the people; None if no bound is known.
        """
        return None

    def finite_sample(self, counts: Counts, terms: Terms) -> Array:
        """Return the lower bounds that follow from members' own rows, one for each size, (T,).

        Arguments:
            counts: The members' rows, which can be counted at the points of a signal set.
            terms: The number of people, the size of the test sample and the error probability.

        Raises:
            NoBound: If there is no such bound, or none for these rows.
        """
        raise NoBound(f"{self.strategy} has no finite-sample bound: {self.reason}")

    def plugin(self, others: Array, weights: Array, members: Array, classes: int) -> float | None:
        """Return an estimate of the bound from a training set, without a known law.

        Arguments:
            others: The points of all people but the members, (m, ...).
            weights: The weight of each of these points, (m,).
            members: The weight of each member's row, (k,).
            classes: The number of labels K.

        Returns:
            A share of the people; None if there is no estimate.
        """
        return None

    def single_label(self) -> int:
        """Return the target label.

        Raises:
            NoBound: If success is about several labels.
        """
        if self.label is None:
            raise NoBound(
                f"{self.strategy} has no finite-sample bound, since its success is about several "
                "labels: judge one of its parts, by judged=0 for example"
            )
        return self.label


@dataclass(frozen=True, kw_only=True)
class PlantingBounds(Bounds):
    r"""Bounds of planting, :math:`S = P_0[f(g(x)) = y^*]`, from the members' label policy.

    Arguments:
        policy: The function from the number of labels to the label policy.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> signal = SetFeature(-1, 1.0)
        >>> bounds = PlantingBounds(strategy="Idle", signal=signal, label=1, policy=idle_policy)
        >>> joint = np.array([[0.6, 0.1], [0.1, 0.2]])
        >>> bounds.exact(joint, mixture=joint, image_of=lambda signal: np.array([1, 1]))
        1.0
    """

    policy: Callable[[int], LabelPolicy]

    def local(self, classes: int) -> bool:
        """Return whether the label policy is local."""
        return self.label_policy(classes).local

    def label_policy(self, classes: int) -> LabelPolicy:
        """Return the label policy of the members."""
        return self.policy(classes)

    def exact(self, joint: Array, mixture: Array, image_of: ImageOf) -> float:
        """Return :func:`collectives.theory.pointwise.planting_bound`."""
        image = image_of(require(self.signal, "signal"))
        return pointwise.planting_bound(joint, image, require(self.label, "label"), mixture)

    def finite_sample(self, counts: Counts, terms: Terms) -> Array:
        """Return the bound of planting by independent members."""
        return _planting(self, self.label_policy(counts.classes), counts, terms)

    def plugin(self, others: Array, weights: Array, members: Array, classes: int) -> float | None:
        """Return :func:`collectives.theory.pointwise.overlap_bound` if all members plant."""
        signal = require(self.signal, "signal")
        if not signal.idempotent or not weights.sum():
            return None
        if not self.label_policy(classes).plants(require(self.label, "label")):
            return None
        size = members.sum() / (members.sum() + weights.sum())
        overlap = weights[signal.carried_by(others)].sum() / weights.sum()
        return pointwise.overlap_bound(float(size), float(overlap), members)


@dataclass(frozen=True, kw_only=True)
class UnplantingBounds(Bounds):
    r"""Bounds of unplanting, :math:`S = P_0[f(g(x)) \ne y^*]`.

    Arguments:
        avoided: The label y* that members want the firm not to predict.
        survey: The largest number of members that estimate the law; at most half of them do.
        naive: Whether members take the same label at all points.
    """

    avoided: int | None
    survey: int
    naive: bool

    def local(self, classes: int) -> bool:
        """Return True: members hand in signalled points only."""
        return True

    def exact(self, joint: Array, mixture: Array, image_of: ImageOf) -> float:
        """Return :func:`collectives.theory.pointwise.unplanting_bound`."""
        signal, label = require(self.signal, "signal"), require(self.avoided, "label")
        return pointwise.unplanting_bound(joint, image_of(signal), label, mixture)

    def finite_sample(self, counts: Counts, terms: Terms) -> Array:
        """Return :func:`collectives.theory.independent_members.unplanting`.

        A plan has no survey yet, so it takes the shares of its sample for those of the survey.
        """
        data = counts.at(require(self.signal, "signal"))
        number = np.minimum(self.survey, (data.people + 1) // 2)
        survey = counts.first(require(self.signal, "signal"), number)
        label = require(self.avoided, "label")
        return independent_members.unplanting(survey, data, terms, label, naive=self.naive)


@dataclass(frozen=True, kw_only=True)
class ErasingBounds(Bounds):
    r"""Bounds of erasing, :math:`S = P_0[f(x) = f(g(x))]`, for an idempotent signal."""

    def local(self, classes: int) -> bool:
        """Return True: members keep their points."""
        return True

    def exact(self, joint: Array, mixture: Array, image_of: ImageOf) -> float:
        """Return :func:`collectives.theory.pointwise.erasing_bound`."""
        image = image_of(require(self.signal, "signal"))
        return pointwise.erasing_bound(joint, image, mixture)

    def finite_sample(self, counts: Counts, terms: Terms) -> Array:
        """Return :func:`collectives.theory.independent_members.erasing`."""
        data, image = counts.everywhere(require(self.signal, "signal"))
        return independent_members.erasing(data, image, terms)


@dataclass(frozen=True, kw_only=True)
class PerturbedBounds(Bounds):
    """Bounds of members that deviate from a strategy by independent randomness.

    Arguments:
        base: The bounds of the strategy from which members deviate.
        perturb: The function from the label policy of that strategy to that of the members.
    """

    base: Bounds
    perturb: Callable[[LabelPolicy], LabelPolicy]

    def local(self, classes: int) -> bool:
        """Return whether the strategy from which members deviate is local."""
        return self.base.local(classes)

    def label_policy(self, classes: int) -> LabelPolicy:
        """Return the perturbed label policy."""
        return self.perturb(self.base.label_policy(classes))

    def exact(self, joint: Array, mixture: Array, image_of: ImageOf) -> float | None:
        """Return the bound of the strategy for the mixture, which contains the deviations."""
        return self.base.exact(joint, mixture, image_of)

    def finite_sample(self, counts: Counts, terms: Terms) -> Array:
        """Return the bound of planting by independent members."""
        return _planting(self, self.label_policy(counts.classes), counts, terms)


@dataclass(frozen=True, kw_only=True)
class RepeatedBounds(Bounds):
    """Bounds of members that act in several rounds and then repeat the best one.

    The points that are won in the last round depend on the data, but by members' own rows they are
    worth at least as much as those of the first round. The finite-sample bound holds for a firm
    whose training is deterministic.

    Arguments:
        base: The bounds of acting once.
        rounds: The number of rounds.
    """

    base: Bounds
    rounds: int

    def exact(self, joint: Array, mixture: Array, image_of: ImageOf) -> float | None:
        """Return the bound of the strategy for the mixture."""
        return self.base.exact(joint, mixture, image_of)

    def finite_sample(self, counts: Counts, terms: Terms) -> Array:
        """Return the bound of the first round, for a set of points that the data choose."""
        if self.rounds == 1:
            return self.base.finite_sample(counts, terms)
        policy = self.base.label_policy(counts.classes)
        if not policy.deterministic:
            raise NoBound(
                f"{self.strategy} has no finite-sample bound where members act at random, or some "
                "of them are unspecified, since the first round cannot be repeated then"
            )
        return _planting(self, policy, counts, terms, data_dependent=True)


@dataclass(frozen=True, kw_only=True)
class WorstShareBounds(Bounds):
    """Bounds of a collective of which a share acts, where members choose the share by the data.

    Arguments:
        base: The bounds of the members that act.
        shares: The shares among which they choose.
        signal_only: Whether members that act hand in the points of the strategy, and none in
            between.
    """

    base: Bounds
    shares: tuple[float, ...]
    signal_only: bool

    def finite_sample(self, counts: Counts, terms: Terms) -> Array:
        """Return the smallest bound of all shares, since the choice depends on the data."""
        if not self.signal_only:
            raise NoBound(
                f"{self.strategy} has no finite-sample bound with strengths below 1, since its "
                "members then hand in points between their own and their signalled ones"
            )
        policy = self.base.label_policy(counts.classes)
        terms = replace(terms, delta=terms.delta / len(self.shares))
        # All bounds hold at once, so the one of the share that is chosen does.
        people = counts.at(require(self.signal, "signal")).people
        bounds = [
            _planting(self, policy, counts, terms, acting=np.rint(share * people))
            for share in self.shares
        ]
        return np.asarray(np.min(bounds, axis=0))


@dataclass(frozen=True, kw_only=True)
class SeveralBounds(Bounds):
    """Bounds of several collectives among the same members.

    The members of a collective without a label policy, or with another signal, are unspecified:
    they may vote for any label at any point.

    Arguments:
        parts: The bounds of each collective.
        shares: The share of the members that belongs to each.
        judged: The indices of the collectives whose mean success is measured.
        acting: Whether each collective acts; its members are idle otherwise.
    """

    parts: tuple[Bounds, ...]
    shares: tuple[float, ...]
    judged: tuple[int, ...]
    acting: tuple[bool, ...]

    def local(self, classes: int) -> bool:
        """Return whether all collectives are local."""
        return all(part.local(classes) for part in self.parts)

    def label_policy(self, classes: int) -> LabelPolicy:
        """Return the policy of members that draw their collective."""
        if self.signal is None:
            raise NoBound(
                f"{self.strategy} has no finite-sample bound where success is the mean over "
                "collectives with different signals: judge one of them, by judged=0 for example"
            )
        for j in self.judged:
            self.parts[j].label_policy(classes)
        mixed = [(1 - sum(self.shares), idle_policy(classes))]
        for part, share, acts in zip(self.parts, self.shares, self.acting, strict=True):
            policy = self._specified(part, classes) if acts else idle_policy(classes)
            mixed.append((share, policy))
        return mix_policies(mixed)

    def exact(self, joint: Array, mixture: Array, image_of: ImageOf) -> float | None:
        """Return the mean of the bounds of the evaluated collectives, if all have one."""
        bounds = [self.parts[j].exact(joint, mixture, image_of) for j in self.judged]
        existing = [bound for bound in bounds if bound is not None]
        return sum(existing) / len(existing) if len(existing) == len(bounds) else None

    def finite_sample(self, counts: Counts, terms: Terms) -> Array:
        """Return the mean of the bounds of the evaluated collectives, which hold at once."""
        policy = self.label_policy(counts.classes)
        terms = replace(terms, delta=terms.delta / len(self.judged))
        data = counts.at(require(self.signal, "signal"))
        bounds = [
            independent_members.planting(data, policy, terms, self.parts[j].single_label())
            for j in self.judged
        ]
        return np.asarray(np.mean(bounds, axis=0))

    def _specified(self, part: Bounds, classes: int) -> LabelPolicy:
        if part.signal == self.signal:
            try:
                return part.label_policy(classes)
            except NoBound:
                pass
        return LabelPolicy.of(classes)


def _planting(
    bounds: Bounds,
    policy: LabelPolicy,
    counts: Counts,
    terms: Terms,
    acting: Array | None = None,
    data_dependent: bool = False,
) -> Array:
    """Return the bound of planting by independent members, (T,)."""
    data = counts.at(require(bounds.signal, "signal"))
    label = bounds.single_label()
    return independent_members.planting(
        data, policy, terms, label, acting=acting, data_dependent=data_dependent
    )
