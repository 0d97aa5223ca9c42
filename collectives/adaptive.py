"""Adaptive action: a collective that sees what the firm deployed, and acts again."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from collectives import strategy_bounds
from collectives.base import Strategy, StrategyWrapper
from collectives.planting import FeatureLabel
from collectives.signals.base import Signal
from collectives.theory import independent_members
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.types import Array, MemberData, NoBound, Predict, known


@dataclass(frozen=True)
class Adaptive(StrategyWrapper):
    r"""Members see the deployed classifier, and shift their weight to where it gets them further.

    .. math:: P^*_t = h_\# Q_t, \qquad Q_1 \text{ uniform}, \qquad
        Q_{t + 1}(x) \propto Q_b(x) \cdot \begin{cases} 1 & \text{won at } x \text{ in round } b \\
        \text{growth}^{\pm 1}, \text{ by lot for each } x & \text{lost} \end{cases}

    The firm trains, deploys :math:`f_t`, and trains anew, from scratch, on what people then hand
    in. Members measure the success of :math:`f_t` at their own points. Round b is the best one so
    far; from there they try to win some of the points that were lost by giving up others, since
    each has a resistance of its own. A member with less weight than one hands in, by lot, what
    a fellow with more would. In the last round they do again what was best: where the firm's
    training has no chance of its own they end no worse, on their own points, than if they had
    acted once, and it takes three rounds to end better. Each round's success is measured.

    References:
        | Performative Prediction (Perdomo et al., 2020)
        | https://arxiv.org/abs/2002.06673

    Arguments:
        base: What members do with a row.
        rounds: How often the firm trains.
        growth: By how much the weight of a point that was lost grows, or shrinks.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.float32([[0, 0], [1, 0], [2, 0]]), np.zeros(3, dtype=int)
        >>> pooled = MemberData(x, y, 2, seen=(lambda x: np.zeros(len(x)),))
        >>> adaptive = Adaptive(FeatureLabel(SetFeature(-1, 1.0), label=1), growth=1e9)
        >>> adaptive.act(x, y, pooled=pooled, n=9, rng=np.random.default_rng(0))[0]
        array([[1., 1.],
               [1., 1.],
               [1., 1.]], dtype=float32)
    """

    stochastic: ClassVar[bool] = True

    base: Strategy = FeatureLabel()  # noqa: RUF009 (frozen)
    rounds: Annotated[int, Ge(1)] = 4
    growth: Annotated[float, Ge(1)] = 2.0

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """What was agreed on, by everybody's own row or one that needs it more."""
        # Streams of their own in each round, so that `of` draws, and spawns, what it did in the
        # first one, and equal weights are exchanged alike in any.
        search, exchange = rng.spawn(2)
        if not pooled.seen:
            return self.base.act(x, y, pooled=pooled, n=n, rng=rng)
        rows = exchanged(self.weights(x, y, pooled.seen, search), exchange)
        return self.base.act(x[rows], y[rows], pooled=pooled, n=n, rng=rng)

    def weights(
        self, x: Array, y: Array, seen: tuple[Predict, ...], rng: np.random.Generator
    ) -> Array:
        """The weight of each row in the round after some classifiers were seen, (m,), mean 1."""
        people = SimpleNamespace(x=x, y=y)
        _, point = np.unique(x.reshape(len(x), -1), axis=0, return_inverse=True)
        tried = best = np.ones(len(y))
        lost, most = np.zeros(len(y), dtype=bool), -np.inf
        for predict in seen:
            # Where success is nobody's business, nothing is lost.
            won = np.nan_to_num(self.base.success(predict, people), nan=1.0)
            if won.mean() > most:
                best, lost, most = tried, won < 1, won.mean()
            bolder = rng.random(len(y))[point.reshape(-1)] < 0.5
            factor = np.where(bolder, self.growth, 1 / self.growth)
            tried = np.where(lost, best * factor, best)
            tried = tried / tried.mean()
        return best if len(seen) == self.rounds - 1 else tried

    def finite_sample_bound(self, counts: Counts, terms: Terms) -> Array:
        """The bound of acting once, on the members' own points, where the last round is no worse.

        Which points are won in the last round is anybody's guess. It holds for a firm whose
        training has no chance of its own.
        """
        if self.rounds == 1:
            return self.base.finite_sample_bound(counts, terms)
        label_policy = strategy_bounds.needed(self.base, counts.classes)
        if not label_policy.certain:
            raise NoBound(
                "Adaptive promises what the first round does, since it can be played again; a "
                "bound where members draw lots, or may do anything in company, is missing"
            )
        data, label = counts.at(known(self.evaluation_signal, "signal")), strategy_bounds.aim(self)
        return independent_members.planting(data, label_policy, terms, label, steered=True)

    def exact_bound(
        self, joint: Array, mixture: Array, moved: Callable[[Signal], Array]
    ) -> float | None:
        """What is promised to what was agreed on, by this mixture."""
        return self.base.exact_bound(joint, mixture, moved)


def exchanged(weight: Array, rng: np.random.Generator) -> Array:
    """Whose row each member takes, (m,): rows of the law of the weights, most of them its own.

    Arguments:
        weight: The weight of each row, (m,), their mean 1.
        rng: All the randomness.

    Example:
        >>> exchanged(np.array([0.0, 2.0, 1.0]), np.random.default_rng(0))
        array([1, 1, 2])
    """
    rows = np.arange(len(weight))
    spare = np.maximum(weight - 1, 0)
    gives = rng.random(len(weight)) >= weight
    if gives.any() and spare.sum() > 0:
        rows[gives] = rng.choice(len(weight), size=int(gives.sum()), p=spare / spare.sum())
    return rows
