"""Train on those who are fitted best, again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated

import numpy as np
from annotated_types import Ge, Lt

from algorithms.base import Array, TrainingSet
from algorithms.engine.inference import probabilities
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def best_fitted(truth: Array, outliers: float) -> Array:
    r"""Positions, in order, of the :math:`\lceil (1 - \varepsilon) n \rceil` likeliest labels.

    Example:
        >>> best_fitted(np.array([0.9, 0.2, 0.5, 0.8]), outliers=0.3)
        array([0, 2, 3])
    """
    # A share like 0.05 is a little off in binary; that must not keep one person more.
    kept = max(1, ceil(round((1 - outliers) * len(truth), 6)))
    return np.sort(np.argsort(-truth, kind="stable")[:kept])


@dataclass(frozen=True)
class TrimmedLoss(GradientLearner):
    r"""Iterative trimmed loss minimisation (ITLM).

    .. math:: S_t = \arg\min_{|S| = \lceil (1 - \varepsilon) n \rceil}
        \sum_{i \in S} \ell(f_{\theta_{t-1}}(x_i), y_i), \qquad
        \theta_t = \arg\min_\theta \sum_{i \in S_t} \ell(f_\theta(x_i), y_i)

    starting with everybody. Each round trains afresh, on those of all people whose losses under
    the last round's model are smallest. Weights say who is in the last round: one or zero.

    A collective that the first model does not fit is thrown out if it is smaller than
    :math:`\varepsilon`; one that is fitted early stays, and others go in its place.

    References:
        | Learning with Bad Training Data via Iterative Trimmed Loss Minimization (Shen and Sanghavi, 2019)
        | https://arxiv.org/abs/1810.11874

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data, in each round.
        outliers: The share :math:`\varepsilon` of people that is left out.
        rounds: How often people are chosen and a model is trained on them, after the first model.
    """  # noqa: E501 (a title)

    outliers: Annotated[float, Ge(0), Lt(1)] = 0.05
    rounds: Annotated[int, Ge(1)] = 2

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        outcomes = self.descend(samples, rngs, hyperparams, selection=None, trace=False)
        for left in reversed(range(self.rounds)):
            kept = [
                self.kept(o, s, outliers)
                for o, s, outliers in zip(outcomes, samples, hyperparams["outliers"], strict=True)
            ]
            options = {"selection": None, "trace": False} if left else {}
            outcomes = self.retrain_on(outcomes, samples, kept, rngs, hyperparams, **options)
        return outcomes

    def kept(self, outcome: Outcome, sample: TrainingSet, outliers: float) -> Array:
        """Positions of those who are fitted best; everybody's, where there is no model."""
        if isinstance(outcome, Exception):
            return np.arange(len(sample))
        p = probabilities(self.network, outcome.parameters, sample.x)
        return best_fitted(p[np.arange(len(sample)), sample.y], outliers)
