"""Several collectives among the same people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval, MinLen

from collectives import strategy_bounds
from collectives.base import Strategy
from collectives.planting import FeatureLabel
from collectives.signals.base import Signal
from collectives.theory import independent_members
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.theory.label_policy import LabelPolicy, idle, mixed
from collectives.types import Array, Labelled, MemberData, NoBound, Predict, overall

Shares = Annotated[tuple[Annotated[float, Interval(ge=0, le=1)], ...], MinLen(1)]


@dataclass(frozen=True)
class Several(Strategy):
    r"""Several collectives at once, each with a strategy of its own.

    .. math:: P_\alpha = \alpha \sum_j s_j \, h_j(P_0) + (1 - \alpha \sum_j s_j) \, P_0

    Each member belongs to collective j with probability :math:`s_j`, and to none with what
    remains. Their targets may agree or not, their signals may be equal or not. Success is that of
    one of them, or the mean of all, and each one's is measured beside it. The same collective
    without the others, ``alone``, says what the others are worth to it: the constructiveness of
    the pair is the success together less the success alone.

    References:
        | Algorithmic Collective Action with Two Collectives (Karan et al., 2025)
        | https://arxiv.org/abs/2505.00195

    Arguments:
        strategies: The strategy of each collective.
        shares: The share of the members that belongs to each.
        judged: Whose success is measured, counted from 0; the mean of all, if None.
        alone: Whether only the judged one acts, and the others' members do nothing.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.zeros((4, 2), dtype=np.float32), np.array([0, 1, 0, 1])
        >>> zero, one = (FeatureLabel(SetFeature(-1, 1.0), label=label) for label in (0, 1))
        >>> both = Several((zero, one), shares=(0.5, 0.5))
        >>> both.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))[1]
        array([1, 0, 1, 0])
    """

    strategies: Annotated[tuple[Strategy, ...], MinLen(1)] = (FeatureLabel(), FeatureLabel())
    shares: Shares = (0.5, 0.5)
    judged: Annotated[int, Ge(0)] | None = None
    alone: bool = False

    def validate(self) -> None:
        """One share for each strategy, at most everybody together; one to judge, if alone."""
        if len(self.strategies) != len(self.shares):
            raise ValueError(f"{len(self.strategies)} strategies, but {len(self.shares)} shares")
        if sum(self.shares) > 1 + 1e-9:
            raise ValueError(f"shares={self.shares} sum to {sum(self.shares)}, but 1 is everybody")
        if self.judged is not None and self.judged >= len(self.strategies):
            raise ValueError(f"judged={self.judged}, allowed is 0..{len(self.strategies) - 1}")
        if self.alone and self.judged is None:
            raise ValueError("alone=True needs to know who: judged=None")

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Each collective on the rows of its own; all of them know what the members pooled."""
        # One lot a row: who is of which collective does not change with the number of members.
        lots, *own_rngs = rng.spawn(1 + len(self.strategies))
        which = np.searchsorted(np.cumsum(self.shares), lots.random(len(y)), side="right")
        moved, told = x.copy(), y.copy()
        for j, strategy in enumerate(self.strategies):
            own = np.flatnonzero(which == j)
            if len(own) and self._acts(j):
                rows = strategy.act(x[own], y[own], pooled=pooled, n=n, rng=own_rngs[j])
                moved[own], told[own] = rows
        return moved, told

    def action_distribution(
        self, x: Array, y: Array, *, pooled: MemberData, n: int
    ) -> list[tuple[float, Array, Array]]:
        """Each way of each collective, and nothing for those who do not act."""
        acting = [(s, share) for j, (s, share) in enumerate(self._pairs()) if self._acts(j)]
        ways = [(1 - sum(share for _, share in acting), x, y)]
        for strategy, share in acting:
            for likely, moved, told in strategy.action_distribution(x, y, pooled=pooled, n=n):
                ways.append((share * likely, moved, told))
        return [way for way in ways if way[0] > 0]

    def success(self, predict: Predict, test: Labelled) -> Array:
        """That of the judged one, or the mean of all.

        A point that is none of a collective's business counts with its mean over those that are,
        so that the mean over all points is that of each one's own success.
        """
        if self.judged is not None:
            return self.strategies[self.judged].success(predict, test)
        won = [strategy.success(predict, test) for strategy in self.strategies]
        return np.mean([np.where(np.isnan(w), overall(w), w) for w in won], axis=0)

    def exact_bound(
        self, joint: Array, mixture: Array, moved: Callable[[Signal], Array]
    ) -> float | None:
        """What the mixture promises to the judged one, or to all of them in the mean."""
        found = [s.exact_bound(joint, mixture, moved) for s in self._judged()]
        told = [p for p in found if p is not None]
        return sum(told) / len(told) if len(told) == len(found) else None

    def label_policy(self, classes: int) -> LabelPolicy | None:
        """Those of each collective; who has none, or another signal, may do anything."""
        if self.evaluation_signal is None or any(
            s.label_policy(classes) is None for s in self._judged()
        ):
            return None
        parts = [(1 - sum(self.shares), idle(classes))]
        for j, (strategy, share) in enumerate(self._pairs()):
            own = (
                strategy.label_policy(classes)
                if strategy.evaluation_signal == self.evaluation_signal
                else None
            )
            acts = own or LabelPolicy.of_all(classes)
            parts.append((share, acts if self._acts(j) else idle(classes)))
        return mixed(parts)

    def finite_sample_bound(self, counts: Counts, terms: Terms) -> Array:
        """The bound of planting in company: of the judged one, or in the mean of all."""
        if self.evaluation_signal is None:
            raise NoBound(
                "Several collectives that are judged in the mean, with more than one signal, have "
                "no bound in common: judge one of them, by judged=0, say"
            )
        label_policy, judged = strategy_bounds.needed(self, counts.classes), self._judged()
        terms, data = (
            replace(terms, delta=terms.delta / len(judged)),
            counts.at(self.evaluation_signal),
        )
        found = [
            independent_members.planting(data, label_policy, terms, strategy_bounds.aim(s))
            for s in judged
        ]
        return np.asarray(np.mean(found, axis=0))

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """The success of each."""
        won = [strategy.success(predict, test) for strategy in self.strategies]
        return {f"success_{j}": overall(w) for j, w in enumerate(won)}

    @property
    def target(self) -> int | None:
        """The label of the judged one, or the one that all share."""
        labels = (
            {s.target for s in self.strategies} if self.judged is None else {self._own().target}
        )
        return labels.pop() if len(labels) == 1 else None

    @property
    def evaluation_signal(self) -> Signal | None:
        """The signal of the judged one, or the one that all share."""
        signals = {s.evaluation_signal for s in self._judged()}
        return signals.pop() if len(signals) == 1 else None

    def _judged(self) -> tuple[Strategy, ...]:
        return self.strategies if self.judged is None else (self.strategies[self.judged],)

    def _own(self) -> Strategy:
        return self.strategies[self.judged or 0]

    def _acts(self, j: int) -> bool:
        return not self.alone or j == self.judged

    def _pairs(self) -> list[tuple[Strategy, float]]:
        return list(zip(self.strategies, self.shares, strict=True))
