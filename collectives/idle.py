"""Doing nothing: the control of every other strategy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from collectives import strategy_bounds
from collectives.base import Strategy
from collectives.planting import answers, taught
from collectives.signals.base import Signal
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.theory.label_policy import LabelPolicy, idle
from collectives.types import Array, Labelled, MemberData, Predict


@dataclass(frozen=True)
class Idle(Strategy):
    r"""Members hand in what they have; success is still measured as for planting.

    .. math:: h(x, y) = (x, y), \qquad S = P_0[f(g(x)) = y^*]

    The success curve has to be flat: a slope is an error of the experiment.

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        signal: The signal g that test points get.
        label: The label y* that would count as a success.

    Example:
        >>> x, y = np.zeros((1, 2), dtype=np.float32), np.array([1])
        >>> Idle().act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))
        (array([[0., 0.]], dtype=float32), array([1]))
    """

    rowwise: ClassVar[bool] = True

    signal: Signal | None = None
    label: Annotated[int, Ge(0)] | None = None

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """The rows as they are."""
        return x.copy(), y.copy()

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Where f answers the signal with the label."""
        return answers(predict, test, self.signal, self.label)

    def label_policy(self, classes: int) -> LabelPolicy:
        """Everybody stays."""
        return idle(classes)

    def finite_sample_bound(self, counts: Counts, terms: Terms) -> Array:
        """Who gets the label at a signalled point without anybody's help."""
        return strategy_bounds.promised(self, counts, terms)

    def exact_bound(self, joint: Array, mixture: Array, moved: Callable[[Signal], Array]) -> float:
        """Whom the mixture gives the label at their signalled points."""
        return taught(self.signal, self.label, joint, mixture, moved)
