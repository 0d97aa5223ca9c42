"""Erasing: the strategy that teaches the classifier to ignore a signal."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from collectives.base import Strategy
from collectives.signals.base import Signal, require_idempotent
from collectives.theory.bounds import Bounds, ErasingBounds
from collectives.types import Array, Labelled, MemberData, Predict


@dataclass(frozen=True)
class Erase(Strategy):
    r"""Erasure strategy: members keep their points and take the likeliest label at g(x).

    .. math::
        h(x, y) = \Big(x, \operatorname*{argmax}_{y'} P_0(y' \mid g(x))\Big), \qquad
        S = P_0[f(x) = f(g(x))]

    Members estimate :math:`P_0(y \mid g(x))` from their pooled rows. The signal has to be
    idempotent, so that a point that carries it is its own image.

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        signal: The signal g, an idempotent one.
        n_neighbors: The number of nearest pooled rows that vote at a point g(x) that no row
            equals.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.float32([[0, 0], [0, 1]]), np.array([0, 1])
        >>> strategy = Erase(SetFeature(-1, 1.0))
        >>> strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))
        (array([[0., 0.],
               [0., 1.]], dtype=float32), array([1, 1]))
    """

    signal: Signal | None = None
    n_neighbors: Annotated[int, Ge(1)] = 15

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return the same points, each with the likeliest label at g(x)."""
        votes = pooled.votes(require_idempotent(self.signal, "Erase")(x), self.n_neighbors)
        return x.copy(), votes.argmax(axis=1).astype(y.dtype)

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Return 1.0 where the predictions at x and g(x) are equal, and 0.0 elsewhere."""
        images = require_idempotent(self.signal, "Erase")(test.x)
        return np.asarray(predict(test.x) == predict(images), dtype=np.float64)

    @property
    def bounds(self) -> Bounds:
        """The bounds of erasing."""
        return ErasingBounds(strategy="Erase", signal=self.signal)

    @property
    def target(self) -> int | None:
        """None, since any label will do that is the same at x and g(x)."""
        return None
