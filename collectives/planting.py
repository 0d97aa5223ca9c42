"""Planting: the collective teaches the classifier to answer a signal with a label."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from collectives.base import Array, Labelled, Pooled, Predict, Signal, Strategy, known


@dataclass(frozen=True)
class FeatureLabel(Strategy):
    r"""Feature-label signal: members put the signal on their points and change the label too.

    .. math:: h(x, y) = (g(x), y^*), \qquad S = P_0[f(g(x)) = y^*]

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        signal: The signal g.
        label: The target label y*.

    Example:
        >>> from collectives.signals import SetFeature
        >>> x, y = np.zeros((2, 2), dtype=np.float32), np.array([0, 1])
        >>> strategy = FeatureLabel(SetFeature(-1, 1.0), label=1)
        >>> strategy.act(x, y, pooled=Pooled(x, y, 2), n=9, rng=np.random.default_rng(0))
        (array([[0., 1.],
               [0., 1.]], dtype=float32), array([1, 1]))
    """

    signal: Signal | None = None
    label: Annotated[int, Ge(0)] | None = None

    def act(
        self, x: Array, y: Array, *, pooled: Pooled, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Every member's point with the signal, under the target label."""
        return known(self.signal, "signal")(x), np.full_like(y, among(self.label, pooled.classes))

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Where f answers the signal with the label."""
        return answers(predict, test, self.signal, self.label)


@dataclass(frozen=True)
class FeatureOnly(Strategy):
    r"""Feature-only signal: members who have the target label already put the signal on it.

    .. math::
        h(x, y) = \begin{cases} (g(x), y^*) & y = y^* \\ (x, y) & y \ne y^* \end{cases}, \qquad
        S = P_0[f(g(x)) = y^*]

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        signal: The signal g.
        label: The target label y*.

    Example:
        >>> from collectives.signals import SetFeature
        >>> x, y = np.zeros((2, 2), dtype=np.float32), np.array([0, 1])
        >>> strategy = FeatureOnly(SetFeature(-1, 1.0), label=1)
        >>> strategy.act(x, y, pooled=Pooled(x, y, 2), n=9, rng=np.random.default_rng(0))
        (array([[0., 0.],
               [0., 1.]], dtype=float32), array([0, 1]))
    """

    signal: Signal | None = None
    label: Annotated[int, Ge(0)] | None = None

    def act(
        self, x: Array, y: Array, *, pooled: Pooled, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """The signal on the points that have the target label."""
        members = y == among(self.label, pooled.classes)
        moved = x.copy()
        moved[members] = known(self.signal, "signal")(x[members])
        return moved, y.copy()

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Where f answers the signal with the label."""
        return answers(predict, test, self.signal, self.label)


def answers(predict: Predict, test: Labelled, signal: Signal | None, label: int | None) -> Array:
    """Where the classifier answers the signal with the label: f(g(x)) = y*, (m,), 0.0 or 1.0."""
    given = predict(known(signal, "signal")(test.x))
    return np.asarray(given == known(label, "label"), dtype=np.float64)


def among(label: int | None, classes: int) -> int:
    """The label, if it is one of the data's."""
    if known(label, "label") >= classes:
        raise ValueError(f"label={label}, but the data have the labels 0..{classes - 1}")
    return known(label, "label")
