"""Adaptive action: members see the deployed classifier and act again."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from collectives.base import Strategy, StrategyWrapper
from collectives.planting import FeatureLabel
from collectives.theory.bounds import Bounds, RepeatedBounds
from collectives.types import Array, MemberData, Predict


@dataclass(frozen=True)
class Adaptive(StrategyWrapper):
    r"""Adaptive action: members see each deployed classifier and shift weight between points.

    .. math:: P^*_t = h_\# Q_t, \qquad Q_1 \text{ uniform}, \qquad
        Q_{t + 1}(x) \propto Q_b(x) \cdot \begin{cases}
        1 & \text{success at } x \text{ in round } b \\
        \text{growth}^{\pm 1}, \text{ drawn for each } x & \text{failure} \end{cases}

    The firm trains, deploys :math:`f_t`, and trains again from scratch on the rows that people
    then hand in. Members measure the success of :math:`f_t` at their own points. Round b is the
    best one so far. From there members try to win some of the lost points at the expense of
    others, since each point has its own resistance. A member with less weight than one may draw
    the row of a member with more weight. In the last round members repeat the best round. If the
    firm's training is deterministic, they end no worse on their own points than by acting once; to
    end better takes at least three rounds. The success of each round is measured.

    References:
        | Performative Prediction (Perdomo et al., 2020)
        | https://arxiv.org/abs/2002.06673

    Arguments:
        base: The strategy by which members change a row.
        rounds: The number of times the firm trains.
        growth: The factor by which the weight of a lost point grows or shrinks.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.float32([[0, 0], [1, 0], [2, 0]]), np.zeros(3, dtype=int)
        >>> pooled = MemberData(x, y, 2, deployed=(lambda x: np.zeros(len(x)),))
        >>> adaptive = Adaptive(FeatureLabel(SetFeature(-1, 1.0), label=1), growth=1e9)
        >>> adaptive.act(x, y, pooled=pooled, n=9, rng=np.random.default_rng(0))[0]
        array([[1., 1.],
               [1., 1.],
               [1., 1.]], dtype=float32)
    """

    acts_on: ClassVar[Literal["chance"]] = "chance"

    base: Strategy = FeatureLabel()  # noqa: RUF009 (frozen)
    rounds: Annotated[int, Ge(1)] = 4
    growth: Annotated[float, Ge(1)] = 2.0

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return the rows of ``base``, made of each member's own row or a redrawn one."""
        # Separate streams in each round, so that `base` draws, and spawns, the same as in the
        # first one, and equal weights are redrawn alike in any.
        search, redraw = rng.spawn(2)
        if not pooled.deployed:
            return self.base.act(x, y, pooled=pooled, n=n, rng=rng)
        rows = redrawn_rows(self.weights(x, y, pooled.deployed, search), redraw)
        return self.base.act(x[rows], y[rows], pooled=pooled, n=n, rng=rng)

    def weights(
        self, x: Array, y: Array, deployed: tuple[Predict, ...], rng: np.random.Generator
    ) -> Array:
        """Return the weight of each row in the next round, (m,), of mean 1.

        Arguments:
            x: The members' own points, (m, ...).
            y: Their own labels, (m,).
            deployed: The classifiers of all rounds so far.
            rng: The only source of randomness.
        """
        people = SimpleNamespace(x=x, y=y)
        _, point = np.unique(x.reshape(len(x), -1), axis=0, return_inverse=True)
        tried = best = np.ones(len(y))
        lost, most = np.zeros(len(y), dtype=bool), -np.inf
        for predict in deployed:
            # Where success is undefined, nothing is lost.
            success = np.nan_to_num(self.base.success(predict, people), nan=1.0)
            if success.mean() > most:
                best, lost, most = tried, success < 1, success.mean()
            grows = rng.random(len(y))[point.reshape(-1)] < 0.5
            factor = np.where(grows, self.growth, 1 / self.growth)
            tried = np.where(lost, best * factor, best)
            tried = tried / tried.mean()
        return best if len(deployed) == self.rounds - 1 else tried

    @property
    def bounds(self) -> Bounds:
        """The bounds of members that repeat the best round at the end."""
        base = self.base.bounds
        return RepeatedBounds(
            strategy="Adaptive",
            signal=base.signal,
            label=self.target,
            base=base,
            rounds=self.rounds,
        )


def redrawn_rows(weight: Array, rng: np.random.Generator) -> Array:
    """Return the row that each member takes, (m,), most of them their own.

    Rows follow the law of the weights.

    Arguments:
        weight: The weight of each row, (m,), of mean 1.
        rng: The only source of randomness.

    Example:
        >>> redrawn_rows(np.array([0.0, 2.0, 1.0]), np.random.default_rng(0))
        array([1, 1, 2])
    """
    rows = np.arange(len(weight))
    surplus = np.maximum(weight - 1, 0)
    redraws = rng.random(len(weight)) >= weight
    if redraws.any() and surplus.sum() > 0:
        rows[redraws] = rng.choice(len(weight), size=int(redraws.sum()), p=surplus / surplus.sum())
    return rows
