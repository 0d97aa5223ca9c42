"""Quadratic discriminant analysis."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from algorithms._estimators import fit_estimator
from algorithms.base import Fitted, Learner, TrainingSet


@dataclass(frozen=True)
class QDA(Learner):
    r"""Quadratic discriminant analysis (QDA): a Gaussian for each class, with its covariance.

    .. math:: f(x) = \arg\max_y \log P(y) + \log \mathcal N(x; \mu_y, \Sigma_y), \qquad
        \text{each eigenvalue } s \text{ of } \Sigma_y \text{ replaced by } (1-\lambda) s + \lambda

    References:
        | Regularized Discriminant Analysis (Friedman, 1989)
        | https://doi.org/10.1080/01621459.1989.10478752

    Arguments:
        shrinkage: How far each covariance is drawn towards the identity, :math:`\lambda`.
    """

    shrinkage: Annotated[float, Ge(0), Le(1)] = 0.05

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return fit_estimator(QuadraticDiscriminantAnalysis(reg_param=self.shrinkage), sample, rng)
