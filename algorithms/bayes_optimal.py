"""The Bayes rule of a known law, or of the worst law near it."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Lt

from algorithms.base import Array, Fitted, Law, Learner, TrainingSet


@dataclass(frozen=True)
class BayesOptimal(Learner):
    r"""The Bayes rule of the law P that the sample was drawn from, up to :math:`\epsilon`.

    .. math:: f(x) = \arg\max_y \tilde P(x, y), \qquad \mathrm{TV}(\tilde P, P) \le \epsilon

    With :math:`\epsilon = 0` this is the Bayes rule itself. Otherwise :math:`\tilde P` is made
    greedily, for a rule that disagrees with the Bayes rule on many people: turning a decision at x
    takes half the gap :math:`P(x, y_1) - P(x, y_2)` between the two likeliest labels out of
    :math:`\epsilon`, and decisions are turned from the most doubtful on, those of one doubt
    together, up to the first that cost more than is left. No law so near disagrees on more people
    than with those turned too.

    It learns nothing from the sample, so it shows what the collective does to the law alone. It
    needs a dataset whose law is known; on an infinite domain :math:`\epsilon` is spent as if the
    sample were the population.

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        epsilon: The total-variation distance :math:`\epsilon` to the worst law.
    """

    needs_law: ClassVar[bool] = True

    epsilon: Annotated[float, Ge(0), Lt(1)] = 0.0

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        law = sample.law
        if law is None:
            raise ValueError("BayesOptimal needs a dataset whose law is known; this one's is not")
        doubt = self._doubt(law, sample) if self.epsilon > 0 else -1.0

        def predict(x: Array) -> Array:
            joint = law.joint(x)
            second, first = np.argsort(joint, axis=1, kind="stable")[:, -2:].T
            # A stable sort puts the larger of two equal labels last; the rule takes the smaller.
            best = joint.argmax(1)
            other = np.where(first == best, second, first)
            return np.where(_margin(joint) <= doubt, other, best)

        return Fitted(predict)

    def _doubt(self, law: Law, sample: TrainingSet) -> float:
        """The largest margin P(y1 | x) - P(y2 | x) at which decisions can still be turned."""
        support = law.support
        joint = law.joint(sample.x if support is None else support)
        total = joint.sum(1)
        mass = np.full(len(joint), 1 / len(joint)) if support is None else total
        margin = _margin(joint)[total > 0]
        order = np.argsort(margin)
        spent = np.cumsum((margin * mass[total > 0])[order]) / 2
        # Equal margins are turned together or not at all: the rule must not depend on an order.
        last = np.append(np.diff(margin[order]) > 0, True)
        affordable = margin[order][last & (spent <= self.epsilon)]
        return float(affordable[-1]) if len(affordable) else -1.0


def _margin(joint: Array) -> Array:
    top = np.sort(joint, axis=1)[:, -2:]
    return (top[:, 1] - top[:, 0]) / np.maximum(joint.sum(1), np.finfo(float).tiny)
