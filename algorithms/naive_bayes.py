"""Gaussian naive Bayes."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from sklearn.naive_bayes import GaussianNB

from algorithms._estimators import fit_estimator
from algorithms.base import Fitted, Learner, TrainingSet


@dataclass(frozen=True)
class NaiveBayes(Learner):
    r"""Gaussian naive Bayes.

    .. math:: f(x) = \arg\max_y P(y) \prod_j \mathcal N(x_j; \mu_{yj}, \sigma_{yj}^2)

    Evidence of all features is multiplied: a feature that hardly varies among the others but
    does vary in the class that the collective plants decides alone.

    References:
        | On Bias, Variance, 0/1-Loss, and the Curse-of-Dimensionality (Friedman, 1997)
        | https://doi.org/10.1023/A:1009778005914

    Arguments:
        smoothing: Added to all variances, as a share of the largest one.
    """

    smoothing: Annotated[float, Ge(0)] = 1e-9

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return fit_estimator(GaussianNB(var_smoothing=self.smoothing), sample, rng)
