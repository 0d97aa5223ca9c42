"""Unplanting: the strategy that teaches the classifier not to predict a label at a signal."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from collectives.base import Strategy
from collectives.planting import predicted_at_signal
from collectives.signals.base import Signal, require_idempotent
from collectives.theory.bounds import Bounds, UnplantingBounds
from collectives.types import Array, Labelled, MemberData, Predict, require, require_label


@dataclass(frozen=True)
class Unplant(Strategy):
    r"""Unplanting strategy: members apply the signal under any label but one.

    .. math::
        h(x, y) = (g(x), \hat y_{g(x)}), \quad
        \hat y_x = \operatorname*{argmax}_{y \ne y^*} P_0(x, y), \qquad
        S = P_0[f(g(x)) \ne y^*]

    The first members give an estimate of :math:`P_0`. An adaptive collective takes at each point
    the other label that is most frequent there. A naive one takes one label everywhere: the most
    frequent other label among the rows that carry the signal.

    References:
        | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
        | https://arxiv.org/abs/2502.04879

    Arguments:
        signal: The signal g, an idempotent one.
        label: The label y* that the firm should not predict.
        way: Whether the other label is chosen at each point ("adaptive") or once ("naive").
        asked: The number of members that estimate the law; at most half of them do.
        n_neighbors: The number of nearest rows that vote at a point that no row equals.

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
        """Return each member's point with the signal, under the label that replaces y*.

        Raises:
            ValueError: If members are naive and the signal is not idempotent.
        """
        signal = require(self.signal, "signal")
        label = require_label(self.label, pooled.classes)
        points, survey = signal(x), surveyed_rows(pooled, self.asked)
        if self.way == "adaptive":
            votes = survey.votes(points, self.n_neighbors)
        else:
            signal = require_idempotent(signal, "naive unplanting")
            mass = np.ones(len(survey.y)) if survey.mass is None else survey.mass
            carriers = mass * signal.carried_by(survey.x)
            weights = carriers if carriers.any() else mass
            votes = np.tile(np.bincount(survey.y, weights, pooled.classes), (len(x), 1))
        votes[:, label] = -1
        return points, votes.argmax(axis=1).astype(y.dtype)

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Return 1.0 where f predicts another label at g(x), and 0.0 elsewhere."""
        return 1 - predicted_at_signal(predict, test, self.signal, self.label)

    @property
    def bounds(self) -> Bounds:
        """The bounds of unplanting."""
        return UnplantingBounds(
            strategy="Unplant",
            signal=self.signal,
            avoided=self.label,
            survey=self.asked,
            naive=self.way == "naive",
        )

    @property
    def target(self) -> int | None:
        """None, since any label but one will do."""
        return None


def surveyed_rows(pooled: MemberData, most: int) -> MemberData:
    """Return the first rows, for an estimate; all of them, if they are the atoms of a law.

    Arguments:
        pooled: The pooled rows.
        most: The largest number of rows; half of them, rounded up, if that is less.
    """
    if pooled.mass is not None:
        return pooled
    first = slice(min(most, (len(pooled.y) + 1) // 2))
    return MemberData(pooled.x[first], pooled.y[first], pooled.classes)
