"""Repeated training on the samples with the smallest losses."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Lt

from algorithms.base import Array, TrainingSet
from algorithms.engine import GradientLearner, Hooks, Hyperparams, Outcome, Samples
from algorithms.engine.inference import probabilities


def best_fitted(likelihood: Array, outliers: float) -> Array:
    r"""Return the positions of the :math:`\lceil (1 - \varepsilon) n \rceil` best fitted samples.

    Arguments:
        likelihood: The probability of each sample's label, (n,).
        outliers: The share :math:`\varepsilon` of samples to remove.

    Example:
        >>> best_fitted(np.array([0.9, 0.2, 0.5, 0.8]), outliers=0.3)
        array([0, 2, 3])
    """
    # Binary rounding of a share like 0.05 must not keep one sample more.
    kept = max(1, ceil(round((1 - outliers) * len(likelihood), 6)))
    return np.sort(np.argsort(-likelihood, kind="stable")[:kept])


@dataclass(frozen=True)
class TrimmedLoss(GradientLearner):
    r"""Iterative trimmed loss minimisation (ITLM).

    .. math:: S_t = \arg\min_{|S| = \lceil (1 - \varepsilon) n \rceil}
        \sum_{i \in S} \ell(f_{\theta_{t-1}}(x_i), y_i), \qquad
        \theta_t = \arg\min_\theta \sum_{i \in S_t} \ell(f_\theta(x_i), y_i)

    where the first model is trained on all samples. Each round trains from scratch, on the
    samples with the smallest losses under the previous model. The weight of a sample is one if
    it is in the last round, and zero otherwise.

    A collective that the first model does not fit is removed if it is smaller than
    :math:`\varepsilon`; one that is fitted early stays, and other samples are removed.

    References:
        | Learning with Bad Training Data via Iterative Trimmed Loss Minimization (Shen and Sanghavi, 2019)
        | https://arxiv.org/abs/1810.11874

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data, in each round.
        outliers: The share :math:`\varepsilon` of samples that is removed.
        rounds: The number of rounds after the first model.

    Example:
        The sample at -2 has an unusual label, and is removed:

        >>> x = np.array([[-3.0], [-2.0], [-1.0], [1.0], [2.0], [3.0]])
        >>> sample = TrainingSet(x, np.array([0, 1, 0, 1, 1, 1]))
        >>> TrimmedLoss(outliers=0.2).fit(sample, np.random.default_rng(0)).weights
        array([1., 0., 1., 1., 1., 1.], dtype=float32)
    """  # noqa: E501 (a title)

    space: ClassVar = GradientLearner.space | {"outliers": [0.01, 0.05, 0.1, 0.2]}

    outliers: Annotated[float, Ge(0), Lt(1)] = 0.05
    rounds: Annotated[int, Ge(1)] = 2

    def hooks(self, samples: Samples) -> Hooks:
        """Return no hooks."""
        return Hooks()

    def replicas(
        self,
        samples: Samples,
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on all samples, then round by round on the best fitted ones."""
        outcomes = self.descend(samples, rngs, hyperparams, trace=False)
        for remaining in reversed(range(self.rounds)):
            kept = [
                self.select(o, s, outliers)
                for o, s, outliers in zip(outcomes, samples, hyperparams["outliers"], strict=True)
            ]
            options = {"trace": False} if remaining else {}
            outcomes = self.retrain_on(outcomes, samples, kept, rngs, hyperparams, **options)
        return outcomes

    def select(self, outcome: Outcome, sample: TrainingSet, outliers: float) -> Array:
        """Return the positions of the best fitted samples.

        Arguments:
            outcome: The previous model; if its training failed, all samples are selected.
            sample: The training set.
            outliers: The share of samples to remove.
        """
        if isinstance(outcome, Exception):
            return np.arange(len(sample))
        p = probabilities(self.network, outcome.parameters, sample.x)
        return best_fitted(p[np.arange(len(sample)), sample.y], outliers)
