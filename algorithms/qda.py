"""Quadratic discriminant analysis."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from algorithms._estimators import EstimatorLearner


@dataclass(frozen=True)
class QDA(EstimatorLearner):
    r"""Quadratic discriminant analysis (QDA): a Gaussian with its own covariance for each class.

    .. math:: f(x) = \arg\max_y \log P(y) + \log \mathcal N(x; \mu_y, \Sigma_y), \qquad
        \text{each eigenvalue } s \text{ of } \Sigma_y \text{ replaced by } (1-\lambda) s + \lambda

    Members widen the covariance of their label in the direction of the signal. Points far out in
    this direction then get that label, even for small collectives.

    References:
        | Regularized Discriminant Analysis (Friedman, 1989)
        | https://doi.org/10.1080/01621459.1989.10478752

    Arguments:
        shrinkage: The shrinkage :math:`\lambda` of each covariance towards the identity.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = QDA().fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """

    shrinkage: Annotated[float, Ge(0), Le(1)] = 0.05

    def estimator(self, n: int) -> QuadraticDiscriminantAnalysis:
        """Return the unfitted classifier for n points."""
        return QuadraticDiscriminantAnalysis(reg_param=self.shrinkage)
