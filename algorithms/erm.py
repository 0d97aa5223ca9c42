"""Empirical risk minimisation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from algorithms.base import TrainingSet
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


@dataclass(frozen=True)
class ERM(GradientLearner):
    r"""Empirical risk minimisation (ERM) by stochastic gradients.

    .. math:: \min_\theta \frac1n \sum_{i=1}^n \ell(f_\theta(x_i), y_i)

    All people count alike: the collective weighs what its size says. Its taste for simple
    features decides which signals are picked up first.

    References:
        | A Stochastic Approximation Method (Robbins and Monro, 1951)
        | https://doi.org/10.1214/aoms/1177729586

    Its arguments are those of :class:`GradientLearner`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(100, 2)).astype(np.float32)
        >>> fitted = ERM().fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        return self.descend(samples, rngs, hyperparams)
