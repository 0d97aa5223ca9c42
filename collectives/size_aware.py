"""Size-aware action: the share of the members that act is the best one for their number."""

import itertools
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Interval, MinLen

from collectives.base import Strategy, StrategyWrapper
from collectives.planting import FeatureLabel
from collectives.theory.bounds import Bounds, WorstShareBounds
from collectives.types import Array, MemberData, mean_success

Shares = Annotated[tuple[Annotated[float, Interval(ge=0, le=1)], ...], MinLen(1)]


@dataclass(frozen=True)
class SizeAware(StrategyWrapper):
    r"""Size-aware action: members choose how many of them act, and how strongly.

    .. math:: (s, t)^* = \operatorname*{argmax}_{s, t} \; \hat S(\alpha s, t)
        + \lambda \, \hat A(\alpha s, t)

    Members are classified too, so a push that ruins the classifier hurts them. The collective
    knows its share :math:`\alpha` of the people, estimates the base law by its pooled rows, and
    expects the firm to predict a most likely label. S is success, and A is the accuracy on
    people's rows before anybody acted. A share s of the members acts, and each of these goes a
    share t of the way from its own point to the agreed one. Among equally good choices members
    take the smallest s, and then the smallest t.

    References:
        | Look-Ahead Reasoning on Learning Platforms (Zhu et al., 2025)
        | https://arxiv.org/abs/2511.14745

    Arguments:
        base: The strategy of the members that act.
        shares: The candidates for s.
        strengths: The candidates for t.
        care: The worth :math:`\lambda` of an accurate classifier.
        rows: The number of pooled rows in the estimate.
        n_neighbors: The number of nearest rows that vote at a point that no row equals.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.zeros((8, 2), dtype=np.float32), np.zeros(8, dtype=int)
        >>> aware = SizeAware(FeatureLabel(SetFeature(-1, 1.0), label=1))
        >>> rng = np.random.default_rng(0)
        >>> aware.act(x, y, pooled=MemberData(x, y, 2), n=16, rng=rng)[1].sum()
        np.int64(1)
    """

    acts_on: ClassVar[Literal["chance"]] = "chance"

    base: Strategy = FeatureLabel()  # noqa: RUF009 (frozen)
    shares: Shares = (0.125, 0.25, 0.5, 0.75, 1.0)
    strengths: Shares = (1.0,)
    care: Annotated[float, Ge(0)] = 0.0
    rows: Annotated[int, Ge(1)] = 1000
    n_neighbors: Annotated[int, Ge(1)] = 5

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return the rows of ``base`` for the best share of the members; others keep theirs."""
        points, labels = self.base.act(x, y, pooled=pooled, n=n, rng=rng)
        # Members in validation data may pool their rows, too: len(y) / n is the share that acts.
        share, strength = self.best(pooled, n * len(pooled.y) // len(y), rng)
        idle = slice(round(share * len(y)), None)
        points, labels = _interpolate(x, points, strength).copy(), labels.copy()
        points[idle], labels[idle] = x[idle], y[idle]
        return points, labels

    @property
    def bounds(self) -> Bounds:
        """The worst of the bounds of all shares, since the choice depends on the data."""
        base = self.base.bounds
        return WorstShareBounds(
            strategy="SizeAware",
            signal=base.signal,
            label=self.target,
            base=base,
            shares=self.shares,
            signal_only=set(self.strengths) == {1.0},
        )

    def best(self, pooled: MemberData, n: int, rng: np.random.Generator) -> tuple[float, float]:
        """Return the share of the members that should act, and how strongly.

        Arguments:
            pooled: The pooled rows.
            n: The number of people among whom these rows are.
            rng: The only source of randomness.
        """
        some = slice(self.rows)
        x, y = pooled.x[some], pooled.y[some]
        mass = np.ones(len(y)) if pooled.mass is None else np.asarray(pooled.mass[some], float)
        points, acted = self.base.act(x, y, pooled=pooled, n=n, rng=rng)
        labels = np.concatenate([y, acted])
        size, people = len(pooled.y) / n, SimpleNamespace(x=x, y=y)

        def worth(share: float, strength: float) -> float:
            both = np.concatenate([x, _interpolate(x, points, strength)])
            weight = np.concatenate([(1 - size * share) * mass, size * share * mass])
            mixture = MemberData(both, labels, pooled.classes, weight)

            def predict(queries: Array) -> Array:
                return mixture.votes(queries, self.n_neighbors).argmax(axis=1)

            # Where success is undefined, all choices are equally good.
            success = float(np.nan_to_num(mean_success(self.base.success(predict, people))))
            return success + self.care * float(np.mean(predict(x) == y) if self.care else 0)

        choices = list(itertools.product(sorted(self.shares), sorted(self.strengths)))
        return choices[int(np.argmax([round(worth(*choice), 9) for choice in choices]))]


def _interpolate(x: Array, end: Array, strength: float) -> Array:
    """Return points a share of the way from x to ``end``."""
    return end if strength == 1 else (x + strength * (end - x)).astype(x.dtype)
