"""Size-aware action: a collective that does no more than is good for its size."""

import itertools
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Interval, MinLen

from collectives import strategy_bounds
from collectives.base import Strategy, StrategyWrapper
from collectives.planting import FeatureLabel
from collectives.theory import independent_members
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.types import Array, MemberData, NoBound, known, overall

Shares = Annotated[tuple[Annotated[float, Interval(ge=0, le=1)], ...], MinLen(1)]


@dataclass(frozen=True)
class SizeAware(StrategyWrapper):
    r"""Only so many members act, and only so strongly, as is best for them, by their own estimate.

    .. math:: (s, t)^* = \operatorname*{argmax}_{s, t} \; \hat S(\alpha s, t)
        + \lambda \, \hat A(\alpha s, t)

    Members are classified, too: who pushes too hard gets a classifier that serves nobody. The
    collective knows its share :math:`\alpha` of the people, estimates the base law by its pooled
    rows, and takes the firm to answer with a most likely label; S is success and A the accuracy
    on what people were before. A share s of the members acts, and each of these goes a share t of
    the way from its own point to the one that was agreed on. Of equally good choices that of the
    fewest is taken, since the others need not do anything, and then the weakest.

    References:
        | Look-Ahead Reasoning on Learning Platforms (Zhu et al., 2025)
        | https://arxiv.org/abs/2511.14745

    Arguments:
        base: What those who act do.
        shares: The shares s of the members among which it chooses.
        strengths: The shares t of the way among which it chooses.
        care: How much an accurate classifier is worth to it, :math:`\lambda`.
        rows: How many of the pooled rows are looked at.
        n_neighbors: How many of the nearest rows speak for a point that no row equals.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.zeros((8, 2), dtype=np.float32), np.zeros(8, dtype=int)
        >>> aware = SizeAware(FeatureLabel(SetFeature(-1, 1.0), label=1))
        >>> rng = np.random.default_rng(0)
        >>> aware.act(x, y, pooled=MemberData(x, y, 2), n=16, rng=rng)[1].sum()
        np.int64(1)
    """

    stochastic: ClassVar[bool] = True

    base: Strategy = FeatureLabel()  # noqa: RUF009 (frozen)
    shares: Shares = (0.125, 0.25, 0.5, 0.75, 1.0)
    strengths: Shares = (1.0,)
    care: Annotated[float, Ge(0)] = 0.0
    rows: Annotated[int, Ge(1)] = 1000
    n_neighbors: Annotated[int, Ge(1)] = 5

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """What members hand in if the best share of them acts, as strongly as is best."""
        moved, told = self.base.act(x, y, pooled=pooled, n=n, rng=rng)
        share, strength = self.best(pooled, n, rng)
        idle = slice(round(share * len(y)), None)
        moved, told = _towards(x, moved, strength).copy(), told.copy()
        moved[idle], told[idle] = x[idle], y[idle]
        return moved, told

    def finite_sample_bound(self, counts: Counts, terms: Terms) -> Array:
        """The worst of the bounds of all shares that may act: the choice sees the data."""
        if set(self.strengths) != {1.0}:
            raise NoBound(
                "SizeAware can promise itself nothing with strengths below 1: they lead to points "
                "between people's own and signalled ones, and a bound for those is missing"
            )
        label_policy = strategy_bounds.needed(self.base, counts.classes)
        data, label = counts.at(known(self.evaluation_signal, "signal")), strategy_bounds.aim(self)
        terms = replace(terms, delta=terms.delta / len(self.shares))
        found = [
            independent_members.planting(
                data, label_policy, terms, label, acting=np.rint(s * data.people)
            )
            for s in self.shares
        ]
        return np.asarray(np.min(found, axis=0))

    def best(self, pooled: MemberData, n: int, rng: np.random.Generator) -> tuple[float, float]:
        """The share of the members that should act, and how strongly."""
        some = slice(self.rows)
        x, y = pooled.x[some], pooled.y[some]
        mass = np.ones(len(y)) if pooled.mass is None else np.asarray(pooled.mass[some], float)
        moved, told = self.base.act(x, y, pooled=pooled, n=n, rng=rng)
        labels = np.concatenate([y, told])
        size, people = len(pooled.y) / n, SimpleNamespace(x=x, y=y)

        def worth(share: float, strength: float) -> float:
            both = np.concatenate([x, _towards(x, moved, strength)])
            weight = np.concatenate([(1 - size * share) * mass, size * share * mass])
            seen = MemberData(both, labels, pooled.classes, weight)

            def predict(points: Array) -> Array:
                return seen.votes(points, self.n_neighbors).argmax(axis=1)

            # Where success is nobody's business, all choices are equally good.
            won = float(np.nan_to_num(overall(self.base.success(predict, people))))
            return won + self.care * float(np.mean(predict(x) == y) if self.care else 0)

        choices = list(itertools.product(sorted(self.shares), sorted(self.strengths)))
        return choices[int(np.argmax([round(worth(*choice), 9) for choice in choices]))]


def _towards(x: Array, moved: Array, strength: float) -> Array:
    """Points on the way from x to where they are to be moved."""
    return moved if strength == 1 else (x + strength * (moved - x)).astype(x.dtype)
