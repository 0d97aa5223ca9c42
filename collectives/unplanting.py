"""Unplanting: the collective teaches the classifier not to answer a signal with a label."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from collectives.base import Strategy
from collectives.planting import among, answers
from collectives.signals.base import Signal
from collectives.theory import finite_sample, pointwise
from collectives.theory.counts import Counts, SignalCounts
from collectives.theory.finite_sample import Terms
from collectives.types import Array, Labelled, MemberData, Predict, known


@dataclass(frozen=True)
class Unplant(Strategy):
    r"""Unplanting: members put the signal on their points, under any label but one.

    .. math::
        h(x, y) = (g(x), \hat y_{g(x)}), \quad
        \hat y_x = \operatorname*{argmax}_{y \ne y^*} P_0(x, y), \qquad
        S = P_0[f(g(x)) \ne y^*]

    The first members are asked for an estimate of :math:`P_0`. An adaptive collective takes at
    each point the label that lacks least there; a naive one takes the same label everywhere, the
    one that is most frequent among those who carry the signal.

    References:
        | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
        | https://arxiv.org/abs/2502.04879

    Arguments:
        signal: The signal g, an idempotent one.
        label: The label y* to get rid of.
        way: Whether the label in its place is chosen point by point, or once.
        asked: How many members estimate the law; half of them, if they are fewer than twice that.
        n_neighbors: How many of the nearest rows speak for a point that no row equals.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.float32([[0, 1], [1, 1], [0, 0], [1, 0]]), np.array([0, 2, 1, 1])
        >>> strategy = Unplant(SetFeature(-1, 1.0), label=1)
        >>> strategy.act(x, y, pooled=MemberData(x, y, 3), n=9, rng=np.random.default_rng(0))[1]
        array([0, 2, 0, 2])
    """

    signal: Signal | None = None
    label: Annotated[int, Ge(0)] | None = None
    way: Literal["adaptive", "naive"] = "adaptive"
    asked: Annotated[int, Ge(1)] = 2000
    n_neighbors: Annotated[int, Ge(1)] = 15

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Every member's point with the signal, under the label that is put in place of y*."""
        signal, label = known(self.signal, "signal"), among(self.label, pooled.classes)
        moved, survey = signal(x), surveyed(pooled, self.asked)
        if self.way == "adaptive":
            votes = survey.votes(moved, self.n_neighbors)
        else:
            if not signal.idempotent:
                raise ValueError(f"naive unplanting needs an idempotent signal, not {signal}")
            mass = np.ones(len(survey.y)) if survey.mass is None else survey.mass
            carry = mass * signal.carried(survey.x)
            weights = carry if carry.any() else mass
            votes = np.tile(np.bincount(survey.y, weights, pooled.classes), (len(x), 1))
        votes[:, label] = -1
        return moved, votes.argmax(axis=1).astype(y.dtype)

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Where f answers the signal with another label."""
        return 1 - answers(predict, test, self.signal, self.label)

    def finite_sample_bound(self, counts: Counts, terms: Terms) -> Array:
        """The bound of unplanting; a plan, which has no survey yet, takes its shares for known."""
        data = counts.at(known(self.signal, "signal"))
        asked = np.minimum(self.asked, (data.people + 1) // 2)
        survey = counts.first(known(self.signal, "signal"), asked)
        rest = SignalCounts(
            data.people - survey.people,
            data.base - survey.base,
            data.arriving - survey.arriving,
        )
        label, naive = known(self.label, "label"), self.way == "naive"
        return finite_sample.unplanting(survey, rest, data, terms, label, naive=naive)

    def exact_bound(self, joint: Array, mixture: Array, moved: Callable[[Signal], Array]) -> float:
        """Whom the mixture gives another label at their signalled points."""
        signal, label = known(self.signal, "signal"), known(self.label, "label")
        return pointwise.avoided(joint, moved(signal), label, mixture)

    @property
    def target(self) -> int | None:
        """None: any label but one will do."""
        return None


def surveyed(pooled: MemberData, asked: int) -> MemberData:
    """The first rows, asked for an estimate; weighted ones (a law's atoms) are all asked."""
    if pooled.mass is not None:
        return pooled
    first = slice(min(asked, (len(pooled.y) + 1) // 2))
    return MemberData(pooled.x[first], pooled.y[first], pooled.classes)
