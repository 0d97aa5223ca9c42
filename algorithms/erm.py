"""Empirical risk minimisation."""

from dataclasses import dataclass

from algorithms.engine import GradientLearner, Hooks, Samples


@dataclass(frozen=True)
class ERM(GradientLearner):
    r"""Empirical risk minimisation (ERM) by stochastic gradients.

    .. math:: \min_\theta \frac1n \sum_{i=1}^n \ell(f_\theta(x_i), y_i)

    All samples have the same weight, so the weight of a collective is its size. The preference of
    training for simple features decides which signals are learnt first.

    References:
        | A Stochastic Approximation Method (Robbins and Monro, 1951)
        | https://doi.org/10.1214/aoms/1177729586

    Its arguments are those of :class:`GradientLearner`.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
        >>> sample = TrainingSet(x, np.array([0, 0, 1, 1]))
        >>> ERM().fit(sample, np.random.default_rng(0)).predict(x)
        array([0, 0, 1, 1])
    """

    def hooks(self, samples: Samples) -> Hooks:
        """Return no hooks."""
        return Hooks()
