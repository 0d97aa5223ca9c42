"""Linear discriminant analysis."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from algorithms._estimators import fit_estimator
from algorithms.base import Fitted, Learner, TrainingSet


@dataclass(frozen=True)
class LDA(Learner):
    r"""Linear discriminant analysis (LDA): a Gaussian for each class, one covariance for all.

    .. math:: f(x) = \arg\max_y \log P(y) - \tfrac12 (x-\mu_y)^\top \Sigma^{-1} (x-\mu_y)

    References:
        | The Use of Multiple Measurements in Taxonomic Problems (Fisher, 1936)
        | https://doi.org/10.1111/j.1469-1809.1936.tb02137.x

    Arguments:
        shrinkage: How far the covariance is drawn towards a multiple of the identity.
    """

    shrinkage: Annotated[float, Ge(0), Le(1)] = 0.05

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        estimator = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=self.shrinkage)
        return fit_estimator(estimator, sample, rng)
