"""Noise: members who do not quite do what was agreed on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Interval

from collectives import strategy_bounds
from collectives.base import Strategy, StrategyWrapper
from collectives.planting import FeatureLabel
from collectives.signals.base import Signal
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.theory.label_policy import LabelPolicy, idle, mixed
from collectives.types import Array, MemberData

Share = Annotated[float, Interval(ge=0, le=1)]


@dataclass(frozen=True)
class Noisy(StrategyWrapper):
    r"""Coordination noise: each member, by itself, may do another thing than was agreed on.

    .. math:: (x', y') = \begin{cases} (x, y) & \text{with probability dropout} \\
        h(x, y) & \text{otherwise,} \end{cases}

    and in the second case :math:`y'` is exchanged for another label, each as likely, with
    probability wrong_label, and :math:`x'` for a mistaken point, independently, with probability
    wrong_signal. A mistaken point carries another signal, or none at all. Dropouts make a
    collective smaller, :math:`\alpha (1 - \text{dropout})`; the other mistakes work against it.

    References:
        | Sync or Sink: Bounds on Algorithmic Collective Action with Noise (Karan et al., 2025)
        | https://arxiv.org/abs/2510.18933

    Arguments:
        base: What was agreed on.
        dropout: The probability of doing nothing.
        wrong_label: The probability of handing in another label than agreed.
        wrong_signal: The probability of a mistaken point.
        mistaken: The signal of a mistaken point; its own point as it is, if None.

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
        """What was agreed on, and the mistakes on top."""
        # Row by row and from a stream of their own, so that a smaller collective makes the
        # mistakes of a larger one's first.
        mistakes, plan = rng.spawn(2)
        lots = mistakes.random((len(y), 4))
        moved, told = self.base.act(x, y, pooled=pooled, n=n, rng=plan)
        out, label, point = (lots[:, :3] < (self.dropout, self.wrong_label, self.wrong_signal)).T
        shift = 1 + (lots[:, 3] * (pooled.classes - 1)).astype(y.dtype)
        told = np.where(label, (told + shift) % pooled.classes, told)
        told = np.where(out, y, told).astype(y.dtype)
        moved = moved.copy()
        moved[point] = self._mistaken(x)[point]
        moved[out] = x[out]
        return moved, told

    def action_distribution(
        self, x: Array, y: Array, *, pooled: MemberData, n: int
    ) -> list[tuple[float, Array, Array]]:
        """Doing nothing; each way of what was agreed on, with and without each mistake."""
        ways = [(self.dropout, x, y)]
        others = pooled.classes - 1
        for likely, moved, told in self.base.action_distribution(x, y, pooled=pooled, n=n):
            points = [(1 - self.wrong_signal, moved), (self.wrong_signal, self._mistaken(x))]
            labels = [(1 - self.wrong_label, told)]
            for k in range(1, pooled.classes):
                labels.append((self.wrong_label / others, (told + k) % pooled.classes))
            ways += [
                ((1 - self.dropout) * likely * a * b, point, label)
                for a, point in points
                for b, label in labels
            ]
        return [way for way in ways if way[0] > 0]

    def exact_bound(
        self, joint: Array, mixture: Array, moved: Callable[[Signal], Array]
    ) -> float | None:
        """What is promised to those who make no mistakes, by this mixture."""
        return self.base.exact_bound(joint, mixture, moved)

    def label_policy(self, classes: int) -> LabelPolicy | None:
        """Mistakes on top of what was agreed on; another signal takes members anywhere."""
        agreed = self.base.label_policy(classes)
        if agreed is None:
            return None
        others = self.wrong_label / max(classes - 1, 1) * (1 - np.eye(classes))
        heard = (1 - self.wrong_label) * np.eye(classes) + others
        right = LabelPolicy(agreed.signalled @ heard, agreed.kept @ heard, agreed.away @ heard)
        wrong = LabelPolicy.of_all(classes, **({} if self.mistaken else {"kept": right.told}))
        acting = 1 - self.dropout
        return mixed(
            [
                (self.dropout, idle(classes)),
                (acting * (1 - self.wrong_signal), right),
                (acting * self.wrong_signal, wrong),
            ]
        )

    def finite_sample_bound(self, counts: Counts, terms: Terms) -> Array:
        """The bound of planting, with the votes that mistakes cost and cast."""
        return strategy_bounds.promised(self, counts, terms)

    def _mistaken(self, x: Array) -> Array:
        return x if self.mistaken is None else self.mistaken(x)
