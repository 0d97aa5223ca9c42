"""Planting: strategies that teach the classifier to predict a label at signalled points."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from collectives.base import Strategy
from collectives.signals.base import Signal, require_idempotent
from collectives.theory.bounds import Bounds, PlantingBounds
from collectives.theory.label_policy import LabelPolicy, one_label
from collectives.types import Array, Labelled, MemberData, Predict, require, require_label


@dataclass(frozen=True)
class Planting(Strategy):
    r"""Strategy that plants a signal: :math:`S = P_0[f(g(x)) = y^*]`. Abstract.

    A subclass has two methods: ``act``, and ``label_policy``, from which its bounds follow.

    Arguments:
        signal: The signal g.
        label: The target label y*.
    """

    signal: Signal | None = None
    label: Annotated[int, Ge(0)] | None = None

    @abstractmethod
    def label_policy(self, classes: int) -> LabelPolicy:
        """Return the label policy of the members."""

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Return 1.0 where f predicts the label at g(x), and 0.0 elsewhere."""
        return predicted_at_signal(predict, test, self.signal, self.label)

    @property
    def bounds(self) -> Bounds:
        """The bounds that follow from the label policy."""
        return PlantingBounds(
            strategy=type(self).__name__,
            signal=self.signal,
            label=self.label,
            policy=self.label_policy,
        )


@dataclass(frozen=True)
class FeatureLabel(Planting):
    r"""Feature-label strategy: members apply the signal and change their label too.

    .. math:: h(x, y) = (g(x), y^*), \qquad S = P_0[f(g(x)) = y^*]

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        signal: The signal g.
        label: The target label y*.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.zeros((2, 2), dtype=np.float32), np.array([0, 1])
        >>> strategy = FeatureLabel(SetFeature(-1, 1.0), label=1)
        >>> strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))
        (array([[0., 1.],
               [0., 1.]], dtype=float32), array([1, 1]))
    """

    acts_on: ClassVar[Literal["row"]] = "row"

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return each member's point with the signal, under the target label."""
        signal = require(self.signal, "signal")
        return signal(x), np.full_like(y, require_label(self.label, pooled.classes))

    def label_policy(self, classes: int) -> LabelPolicy:
        """Return the policy that signals all members under the target label."""
        everybody = np.zeros((classes, classes))
        everybody[:, require_label(self.label, classes)] = 1
        return LabelPolicy.of(classes, signalled=everybody)


@dataclass(frozen=True)
class FeatureOnly(Planting):
    r"""Feature-only strategy: members with the target label apply the signal.

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
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.zeros((2, 2), dtype=np.float32), np.array([0, 1])
        >>> strategy = FeatureOnly(SetFeature(-1, 1.0), label=1)
        >>> strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))
        (array([[0., 0.],
               [0., 1.]], dtype=float32), array([0, 1]))
    """

    acts_on: ClassVar[Literal["row"]] = "row"

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return points with the signal where the label is the target, and all others as is."""
        target = y == require_label(self.label, pooled.classes)
        points = x.copy()
        points[target] = require(self.signal, "signal")(x[target])
        return points, y.copy()

    def label_policy(self, classes: int) -> LabelPolicy:
        """Return the policy that signals members of the target label, while others stay."""
        target = one_label(require_label(self.label, classes), classes)
        return LabelPolicy.of(classes, signalled=target, unmoved=np.eye(classes) - target)


@dataclass(frozen=True)
class FeatureOnlyPlus(Planting):
    r"""Feature-only strategy in which members of other labels leave the signal set.

    .. math::
        h(x, y) = \begin{cases} (g(x), y^*) & y = y^* \\ (x_0, y) & y \ne y^*, x \in g(X) \\
        (x, y) & \text{else} \end{cases}, \qquad S = P_0[f(g(x)) = y^*]

    Members of other labels that carry the signal move to :math:`x_0 \notin g(X)`, the nearest
    pooled point without the signal. So members hand in nothing on the signal set that votes
    against the target. Where all pooled rows carry the signal, members of other labels stay, and
    the bounds are empty.

    References:
        | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
        | https://arxiv.org/abs/2502.04879

    Arguments:
        signal: The signal g, an idempotent one.
        label: The target label y*.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.float32([[0, 0], [1, 0], [1, 1]]), np.array([1, 0, 0])
        >>> strategy = FeatureOnlyPlus(SetFeature(-1, 1.0), label=1)
        >>> strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))
        (array([[0., 1.],
               [1., 0.],
               [1., 0.]], dtype=float32), array([1, 0, 0]))
    """

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return signalled points for the target label, and points off the signal set for others.

        Raises:
            ValueError: If the signal is not idempotent.
        """
        target = y == require_label(self.label, pooled.classes)
        signal = require_idempotent(self.signal, "FeatureOnlyPlus")
        points = signal(x)
        carriers = np.flatnonzero(~target & signal.carried_by(x))
        points[~target] = x[~target]
        free = pooled.x[~signal.carried_by(pooled.x)]
        if len(carriers) and len(free):
            points[carriers] = _nearest(free, x[carriers])
        return points, y.copy()

    def label_policy(self, classes: int) -> LabelPolicy:
        """Return the policy that signals the target label and keeps others off the signal set."""
        target = one_label(require_label(self.label, classes), classes)
        return LabelPolicy.of(classes, signalled=target, off_signal=np.eye(classes) - target)


def predicted_at_signal(
    predict: Predict, test: Labelled, signal: Signal | None, label: int | None
) -> Array:
    """Return whether the classifier predicts a label at g(x): 1.0 or 0.0 for each x, (m,).

    Arguments:
        predict: The classifier.
        test: The points x.
        signal: The signal g.
        label: The label.
    """
    predicted = predict(require(signal, "signal")(test.x))
    return np.asarray(predicted == require(label, "label"), dtype=np.float64)


def _nearest(rows: Array, queries: Array) -> Array:
    """Return the nearest row of each query, the first one of several; distinct points once."""
    flat, points = rows.reshape(len(rows), -1), queries.reshape(len(queries), -1)
    _, first = np.unique(flat, axis=0, return_index=True)
    first.sort()
    distinct, which = np.unique(points, axis=0, return_inverse=True)
    # The import takes longer than many a trial, and most trials do without.
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(flat[first])
    nearest = search.kneighbors(distinct, return_distance=False)[:, 0]
    return rows[first[nearest[which.reshape(-1)]]]
