"""Planting: the collective teaches the classifier to answer a signal with a label."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from sklearn.neighbors import NearestNeighbors

from collectives import strategy_bounds
from collectives.base import Strategy
from collectives.signals.base import Signal
from collectives.theory import closed_form, finite_sample, pointwise
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.theory.label_policy import LabelPolicy
from collectives.types import Array, Labelled, MemberData, Predict, known


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
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.zeros((2, 2), dtype=np.float32), np.array([0, 1])
        >>> strategy = FeatureLabel(SetFeature(-1, 1.0), label=1)
        >>> strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))
        (array([[0., 1.],
               [0., 1.]], dtype=float32), array([1, 1]))
    """

    rowwise: ClassVar[bool] = True

    signal: Signal | None = None
    label: Annotated[int, Ge(0)] | None = None

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Every member's point with the signal, under the target label."""
        return known(self.signal, "signal")(x), np.full_like(y, among(self.label, pooled.classes))

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Where f answers the signal with the label."""
        return answers(predict, test, self.signal, self.label)

    def label_policy(self, classes: int) -> LabelPolicy:
        """Everybody is signalled, under the label."""
        everybody = np.zeros((classes, classes))
        everybody[:, among(self.label, classes)] = 1
        return LabelPolicy.of_all(classes, signalled=everybody)

    def finite_sample_bound(self, counts: Counts, terms: Terms) -> Array:
        """The bound of planting from members' own rows."""
        data = counts.at(known(self.signal, "signal"))
        return finite_sample.planting(data, terms, known(self.label, "label"))

    def exact_bound(self, joint: Array, mixture: Array, moved: Callable[[Signal], Array]) -> float:
        """Whom the mixture gives the label at their signalled points."""
        return taught(self.signal, self.label, joint, mixture, moved)

    def plugin_bound(self, others: Array, weights: Array, own: Array) -> float | None:
        """By the overlap that the signal has with the others' points."""
        signal = known(self.signal, "signal")
        if not signal.idempotent or not weights.sum():
            return None
        size = own.sum() / (own.sum() + weights.sum())
        overlap = weights[signal.carried(others)].sum() / weights.sum()
        return closed_form.by_overlap(float(size), float(overlap), own)


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
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.zeros((2, 2), dtype=np.float32), np.array([0, 1])
        >>> strategy = FeatureOnly(SetFeature(-1, 1.0), label=1)
        >>> strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))
        (array([[0., 0.],
               [0., 1.]], dtype=float32), array([0, 1]))
    """

    rowwise: ClassVar[bool] = True

    signal: Signal | None = None
    label: Annotated[int, Ge(0)] | None = None

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """The signal on the points that have the target label."""
        members = y == among(self.label, pooled.classes)
        moved = x.copy()
        moved[members] = known(self.signal, "signal")(x[members])
        return moved, y.copy()

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Where f answers the signal with the label."""
        return answers(predict, test, self.signal, self.label)

    def label_policy(self, classes: int) -> LabelPolicy:
        """Those of the label are signalled, and the others stay."""
        mine = only(self.label, classes)
        return LabelPolicy.of_all(classes, signalled=mine, kept=np.eye(classes) - mine)

    def finite_sample_bound(self, counts: Counts, terms: Terms) -> Array:
        """The bound of planting from members' own rows, those who speak against it included."""
        return strategy_bounds.promised(self, counts, terms)

    def exact_bound(self, joint: Array, mixture: Array, moved: Callable[[Signal], Array]) -> float:
        """Whom the mixture gives the label at their signalled points."""
        return taught(self.signal, self.label, joint, mixture, moved)


@dataclass(frozen=True)
class FeatureOnlyPlus(Strategy):
    r"""Feature-only signal, and nobody of another label is left where the signal points.

    .. math::
        h(x, y) = \begin{cases} (g(x), y^*) & y = y^* \\ (x_0, y) & y \ne y^*, x \in g(X) \\
        (x, y) & \text{else} \end{cases}, \qquad S = P_0[f(g(x)) = y^*]

    Members of other labels who carry the signal move to :math:`x_0 \notin g(X)`, the nearest
    point that a pooled row without the signal has; whoever does not carry it is out of the way
    already. So the members put nothing on the signal set that speaks against the target. Where all
    rows carry it there is nowhere to go: members of other labels stay, and nothing is promised.

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

    moves_off_signal: ClassVar[bool] = True

    signal: Signal | None = None
    label: Annotated[int, Ge(0)] | None = None

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """The signal on the points of the target label, and away from those of the others."""
        signal, label = known(self.signal, "signal"), among(self.label, pooled.classes)
        if not signal.idempotent:
            raise ValueError(f"FeatureOnlyPlus needs an idempotent signal, not {signal}")
        moved, mine = signal(x), y == label
        away = np.flatnonzero(~mine & signal.carried(x))
        moved[~mine] = x[~mine]
        free = pooled.x[~signal.carried(pooled.x)]
        if len(away) and len(free):
            search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(_flat(free))
            moved[away] = free[search.kneighbors(_flat(x[away]), return_distance=False)[:, 0]]
        return moved, y.copy()

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Where f answers the signal with the label."""
        return answers(predict, test, self.signal, self.label)

    def label_policy(self, classes: int) -> LabelPolicy:
        """Those of the label are signalled, and the others are not on the signal set."""
        mine = only(self.label, classes)
        return LabelPolicy.of_all(classes, signalled=mine, away=np.eye(classes) - mine)

    def finite_sample_bound(self, counts: Counts, terms: Terms) -> Array:
        """The bound of planting from members' own rows, if one of them is off the signal set."""
        data = counts.at(known(self.signal, "signal"))
        label = known(self.label, "label")
        return data.has_off_signal_member() * finite_sample.feature_only_plus(data, terms, label)

    def exact_bound(self, joint: Array, mixture: Array, moved: Callable[[Signal], Array]) -> float:
        """Whom the mixture gives the label at their signalled points."""
        return taught(self.signal, self.label, joint, mixture, moved)


def taught(
    signal: Signal | None,
    label: int | None,
    joint: Array,
    mixture: Array,
    moved: Callable[[Signal], Array],
) -> float:
    """The share of people whom a mixture gives the label at their signalled points, surely."""
    return pointwise.planting_bound(
        joint, moved(known(signal, "signal")), known(label, "label"), mixture
    )


def only(label: int | None, classes: int) -> Array:
    """The habit that members of one label tell it, and nobody tells any other, (K, K)."""
    mine = np.zeros((classes, classes))
    mine[among(label, classes), among(label, classes)] = 1
    return mine


def _flat(x: Array) -> Array:
    return x.reshape(len(x), -1)


def answers(predict: Predict, test: Labelled, signal: Signal | None, label: int | None) -> Array:
    """Where the classifier answers the signal with the label: f(g(x)) = y*, (m,), 0.0 or 1.0."""
    given = predict(known(signal, "signal")(test.x))
    return np.asarray(given == known(label, "label"), dtype=np.float64)


def among(label: int | None, classes: int) -> int:
    """The label, if it is one of the data's."""
    if known(label, "label") >= classes:
        raise ValueError(f"label={label}, but the data have the labels 0..{classes - 1}")
    return known(label, "label")
