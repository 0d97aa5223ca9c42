"""Several collectives among the same people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval, MinLen

from collectives.base import Action, Strategy
from collectives.planting import FeatureLabel
from collectives.theory.bounds import Bounds, SeveralBounds
from collectives.types import Array, Labelled, MemberData, Predict, mean_success

Shares = Annotated[tuple[Annotated[float, Interval(ge=0, le=1)], ...], MinLen(1)]


@dataclass(frozen=True)
class Several(Strategy):
    r"""Several collectives at once, each with its own strategy.

    .. math:: P_\alpha = \alpha \sum_j s_j \, h_j(P_0) + (1 - \alpha \sum_j s_j) \, P_0

    Each member belongs to collective j with probability :math:`s_j`, and to none with the
    remaining probability. Targets may agree or differ, signals may be equal or differ. Success is
    that of one collective, or the mean of all; the success of each is measured beside it. The same
    collective without the others (``alone``) shows their effect: the constructiveness of the pair
    is the success together less the success alone.

    References:
        | Algorithmic Collective Action with Two Collectives (Karan et al., 2025)
        | https://arxiv.org/abs/2505.00195

    Arguments:
        strategies: The strategy of each collective.
        shares: The share of the members that belongs to each.
        judged: The index of the collective whose success is measured; the mean of all, if None.
        alone: Whether only the judged collective acts, while the other members are idle.

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
        """Check that shares and strategies match, and that ``judged`` and ``alone`` do.

        Raises:
            ValueError: If they do not.
        """
        if len(self.strategies) != len(self.shares):
            raise ValueError(f"{len(self.strategies)} strategies, but {len(self.shares)} shares")
        if sum(self.shares) > 1 + 1e-9:
            raise ValueError(f"shares={self.shares} sum to {sum(self.shares)}, but 1 is everybody")
        if self.judged is not None and self.judged >= len(self.strategies):
            raise ValueError(f"judged={self.judged}, allowed is 0..{len(self.strategies) - 1}")
        if self.alone and self.judged is None:
            raise ValueError("alone=True needs the collective that acts, as in judged=0")

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return the rows of all collectives. Each one knows all pooled rows."""
        # One draw a row: the collective of a row does not change with the number of members.
        draws, *streams = rng.spawn(1 + len(self.strategies))
        which = np.searchsorted(np.cumsum(self.shares), draws.random(len(y)), side="right")
        points, labels = x.copy(), y.copy()
        for j, strategy in enumerate(self.strategies):
            rows = np.flatnonzero(which == j)
            if len(rows) and self._acts(j):
                acted = strategy.act(x[rows], y[rows], pooled=pooled, n=n, rng=streams[j])
                points[rows], labels[rows] = acted
        return points, labels

    def action_distribution(
        self, x: Array, y: Array, *, pooled: MemberData, n: int
    ) -> list[Action]:
        """Return the actions of each collective, and the own row of members that do not act."""
        pairs = zip(self.strategies, self.shares, strict=True)
        acting = [(s, share) for j, (s, share) in enumerate(pairs) if self._acts(j)]
        actions: list[Action] = [(1 - sum(share for _, share in acting), x, y)]
        for strategy, share in acting:
            for p, points, labels in strategy.action_distribution(x, y, pooled=pooled, n=n):
                actions.append((share * p, points, labels))
        return [action for action in actions if action[0] > 0]

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Return the success of the judged collective, or the mean of all.

        A point where a collective's success is undefined counts with its mean over the other
        points, so that the mean over all points is that of each one's own success.
        """
        if self.judged is not None:
            return self.strategies[self.judged].success(predict, test)
        success = [strategy.success(predict, test) for strategy in self.strategies]
        return np.mean([np.where(np.isnan(s), mean_success(s), s) for s in success], axis=0)

    @property
    def bounds(self) -> Bounds:
        """The bounds of members that draw their collective."""
        parts = tuple(strategy.bounds for strategy in self.strategies)
        judged = tuple(range(len(parts))) if self.judged is None else (self.judged,)
        signals = {parts[j].signal for j in judged}
        return SeveralBounds(
            strategy="Several",
            signal=signals.pop() if len(signals) == 1 else None,
            label=self.target,
            parts=parts,
            shares=self.shares,
            judged=judged,
            acting=tuple(self._acts(j) for j in range(len(parts))),
        )

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """Return the success of each collective."""
        success = [strategy.success(predict, test) for strategy in self.strategies]
        return {f"success_{j}": mean_success(s) for j, s in enumerate(success)}

    @property
    def target(self) -> int | None:
        """The target of the judged collective, or the one that all share."""
        if self.judged is not None:
            return self.strategies[self.judged].target
        labels = {strategy.target for strategy in self.strategies}
        return labels.pop() if len(labels) == 1 else None

    def _acts(self, j: int) -> bool:
        return not self.alone or j == self.judged
