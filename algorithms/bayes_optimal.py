"""The Bayes rule of a known law, or of the worst law at a given distance."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Lt

from algorithms.base import Array, Fitted, Law, Learner, TrainingSet


@dataclass(frozen=True)
class BayesOptimal(Learner):
    r"""Bayes rule of the law P that the sample was drawn from, up to :math:`\epsilon`.

    .. math:: f(x) = \arg\max_y \tilde P(x, y), \qquad \mathrm{TV}(\tilde P, P) \le \epsilon

    With :math:`\epsilon = 0` this is the Bayes rule itself. Otherwise :math:`\tilde P` is chosen
    greedily such that its rule disagrees with the Bayes rule on many points. Changing the decision
    at x costs half the gap :math:`P(x, y_1) - P(x, y_2)` between the two likeliest labels.
    Decisions are changed in the order of their conditional gaps, those of equal gaps together,
    until the next ones would exceed :math:`\epsilon`. No law at this distance disagrees on more
    points than these and the next ones together.

    It learns nothing from the sample and shows the collective's effect on the law alone. It
    needs a dataset whose law is known. On an infinite domain the sample stands for the
    population.

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        epsilon: The total-variation distance :math:`\epsilon` to the worst law.

    Example:
        >>> class Coin:
        ...     support = None
        ...     def joint(self, x):
        ...         return np.where(x > 0, [0.1, 0.4], [0.3, 0.2])
        >>> x = np.float32([[-1], [1]])
        >>> sample = TrainingSet(x, [0, 1], law=Coin())
        >>> BayesOptimal().fit(sample, np.random.default_rng(0)).predict(x)
        array([0, 1])
        >>> BayesOptimal(epsilon=0.1).fit(sample, np.random.default_rng(0)).predict(x)
        array([1, 1])
    """

    needs_law: ClassVar[bool] = True

    epsilon: Annotated[float, Ge(0), Lt(1)] = 0.0

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        law = sample.law
        if law is None:
            raise ValueError(
                "BayesOptimal needs a dataset whose law is known; this one's is not. Coins and "
                "Gaussians are datasets with a known law"
            )
        threshold = self._threshold(law, sample) if self.epsilon > 0 else -1.0

        def predict(x: Array) -> Array:
            joint = law.joint(x)
            second, first = np.argsort(joint, axis=1, kind="stable")[:, -2:].T
            # Of two equally likely labels a stable sort has the larger last, argmax the smaller.
            best = joint.argmax(1)
            other = np.where(first == best, second, first)
            return np.where(_margin(joint) <= threshold, other, best)

        return Fitted(predict)

    def _threshold(self, law: Law, sample: TrainingSet) -> float:
        """Return the largest margin P(y1 | x) - P(y2 | x) at which decisions are changed."""
        support = law.support
        joint = law.joint(sample.x if support is None else support)
        total = joint.sum(1)
        mass = np.full(len(joint), 1 / len(joint)) if support is None else total
        margin = _margin(joint)[total > 0]
        order = np.argsort(margin)
        cost = np.cumsum((margin * mass[total > 0])[order]) / 2
        # Decisions of equal margins are changed together, so that no order of points matters.
        last = np.append(np.diff(margin[order]) > 0, True)
        affordable = margin[order][last & (cost <= self.epsilon)]
        return float(affordable[-1]) if len(affordable) else -1.0


def _margin(joint: Array) -> Array:
    """Return the difference of the two largest probabilities of labels given each point, (n,)."""
    top = np.sort(joint, axis=1)[:, -2:]
    return (top[:, 1] - top[:, 0]) / np.maximum(joint.sum(1), np.finfo(float).tiny)
