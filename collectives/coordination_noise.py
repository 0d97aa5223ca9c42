"""Coordination noise: members that deviate from the agreed action."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Interval

from collectives.base import Action, Strategy, StrategyWrapper
from collectives.planting import FeatureLabel
from collectives.signals.base import Signal
from collectives.theory.bounds import Bounds, PerturbedBounds
from collectives.theory.label_policy import LabelPolicy, idle_policy, mix_policies
from collectives.types import Array, MemberData

Share = Annotated[float, Interval(ge=0, le=1)]


@dataclass(frozen=True)
class Noisy(StrategyWrapper):
    r"""Coordination noise: each member may deviate from the agreed action, independently.

    .. math:: (x', y') = \begin{cases} (x, y) & \text{with probability dropout} \\
        h(x, y) & \text{otherwise,} \end{cases}

    In the second case another label replaces :math:`y'` with probability wrong_label, each as
    likely, and a mistaken point replaces :math:`x'` with probability wrong_signal, independently.
    A mistaken point carries another signal, or none at all. Dropouts make a collective smaller,
    :math:`\alpha (1 - \text{dropout})`; the other mistakes work against it.

    References:
        | Sync or Sink: Bounds on Algorithmic Collective Action with Noise (Karan et al., 2025)
        | https://arxiv.org/abs/2510.18933

    Arguments:
        base: The strategy that was agreed on.
        dropout: The probability of handing in the own row.
        wrong_label: The probability of handing in another label than agreed.
        wrong_signal: The probability of a mistaken point.
        mistaken: The signal of a mistaken point; the member's own point, if None.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.zeros((2, 2), dtype=np.float32), np.array([0, 1])
        >>> lazy = Noisy(FeatureLabel(SetFeature(-1, 1.0), label=1), dropout=1.0)
        >>> lazy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))
        (array([[0., 0.],
               [0., 0.]], dtype=float32), array([0, 1]))
    """

    base: Strategy = FeatureLabel()  # noqa: RUF009 (frozen)
    dropout: Share = 0.0
    wrong_label: Share = 0.0
    wrong_signal: Share = 0.0
    mistaken: Signal | None = None

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return the rows of the agreed strategy, with mistakes."""
        # Row by row and from a stream of their own, so that the mistakes of a smaller collective
        # are the first ones of a larger collective.
        mistakes, agreed = rng.spawn(2)
        draws = mistakes.random((len(y), 4))
        points, labels = self.base.act(x, y, pooled=pooled, n=n, rng=agreed)
        rates = (self.dropout, self.wrong_label, self.wrong_signal)
        drops_out, errs_in_label, errs_in_point = (draws[:, :3] < rates).T
        shift = 1 + (draws[:, 3] * (pooled.classes - 1)).astype(y.dtype)
        labels = np.where(errs_in_label, (labels + shift) % pooled.classes, labels)
        labels = np.where(drops_out, y, labels).astype(y.dtype)
        points = points.copy()
        points[errs_in_point] = self._mistake(x)[errs_in_point]
        points[drops_out] = x[drops_out]
        return points, labels

    def action_distribution(
        self, x: Array, y: Array, *, pooled: MemberData, n: int
    ) -> list[Action]:
        """Return the dropout, and each agreed action with and without each mistake."""
        actions = [(self.dropout, x, y)]
        others = pooled.classes - 1
        for probability, agreed, label in self.base.action_distribution(x, y, pooled=pooled, n=n):
            points = [(1 - self.wrong_signal, agreed), (self.wrong_signal, self._mistake(x))]
            labels = [(1 - self.wrong_label, label)]
            for k in range(1, pooled.classes):
                labels.append((self.wrong_label / others, (label + k) % pooled.classes))
            actions += [
                ((1 - self.dropout) * probability * a * b, point, label)
                for a, point in points
                for b, label in labels
            ]
        return [action for action in actions if action[0] > 0]

    @property
    def bounds(self) -> Bounds:
        """The bounds of ``base``, for the mixture and the label policy with mistakes."""
        base = self.base.bounds
        return PerturbedBounds(
            strategy="Noisy",
            signal=base.signal,
            label=self.target,
            base=base,
            perturb=self._perturb,
        )

    def _perturb(self, agreed: LabelPolicy) -> LabelPolicy:
        """Return a label policy with mistakes; a point of another signal is unspecified."""
        classes = len(agreed.signalled)
        others = self.wrong_label / max(classes - 1, 1) * (1 - np.eye(classes))
        change = (1 - self.wrong_label) * np.eye(classes) + others
        right = LabelPolicy(
            agreed.signalled @ change, agreed.unmoved @ change, agreed.off_signal @ change
        )
        wrong = LabelPolicy.of(classes, **({} if self.mistaken else {"unmoved": right.labels}))
        acting = 1 - self.dropout
        return mix_policies(
            [
                (self.dropout, idle_policy(classes)),
                (acting * (1 - self.wrong_signal), right),
                (acting * self.wrong_signal, wrong),
            ]
        )

    def _mistake(self, x: Array) -> Array:
        return x if self.mistaken is None else self.mistaken(x)
