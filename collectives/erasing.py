"""Erasing: the collective teaches the classifier to ignore a signal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from collectives.base import Strategy
from collectives.signals.base import Signal
from collectives.theory import independent_members, pointwise
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.types import Array, Labelled, MemberData, Predict, known


@dataclass(frozen=True)
class Erase(Strategy):
    r"""Signal erasure: members keep their points and take the label of their signalled twin.

    .. math::
        h(x, y) = \Big(x, \operatorname*{argmax}_{y'} P_0(y' \mid g(x))\Big), \qquad
        S = P_0[f(x) = f(g(x))]

    The members estimate :math:`P_0(y \mid g(x))` from their pooled rows. The signal has to be
    idempotent, so that a point that carries it already is its own twin.

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        signal: The signal g, an idempotent one.
        n_neighbors: How many of the nearest pooled rows vote on a twin that no row equals.

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
        """The same points, each with the most likely label of its signalled twin."""
        votes = pooled.votes(self._idempotent()(x), self.n_neighbors)
        return x.copy(), votes.argmax(axis=1).astype(y.dtype)

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Where the signal changes nothing."""
        twins = self._idempotent()(test.x)
        return np.asarray(predict(test.x) == predict(twins), dtype=np.float64)

    def finite_sample_bound(self, counts: Counts, terms: Terms) -> Array:
        """The bound of erasing from members' own rows, of which all points have to be counted."""
        return independent_members.erasing(*counts.everywhere(known(self.signal, "signal")), terms)

    def exact_bound(self, joint: Array, mixture: Array, moved: Callable[[Signal], Array]) -> float:
        """Whom the mixture gives one sure label with and without the signal."""
        return pointwise.unchanged(joint, moved(self._idempotent()), mixture)

    @property
    def target(self) -> int | None:
        """None: any label will do, as long as it is the same with and without the signal."""
        return None

    def _idempotent(self) -> Signal:
        signal = known(self.signal, "signal")
        if not signal.idempotent:
            raise ValueError(f"Erase needs an idempotent signal, g(g(x)) = g(x), not {signal}")
        return signal
