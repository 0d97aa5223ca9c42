"""Quadratic discriminant analysis."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from algorithms._estimators import EstimatorLearner
from algorithms.base import Array


class _ShrunkCovariance(BaseEstimator):
    """An estimator of a covariance, shrunk towards a multiple of the identity.

    Arguments:
        shrinkage: The weight of the multiple, whose trace is that of the covariance.
    """

    def __init__(self, shrinkage: float = 0.05) -> None:
        self.shrinkage = shrinkage

    def fit(self, x: Array) -> "_ShrunkCovariance":
        """Estimate the covariance of points (n, d); n may be smaller than d."""
        sample = np.atleast_2d(np.cov(x.astype(float), rowvar=False, bias=True))
        # Where all points of a class coincide, any multiple has the same classifier.
        mean = np.trace(sample) / len(sample) or 1.0
        target = mean * np.eye(len(sample))
        self.covariance_ = (1 - self.shrinkage) * sample + self.shrinkage * target
        return self


@dataclass(frozen=True)
class QDA(EstimatorLearner):
    r"""Quadratic discriminant analysis (QDA): a Gaussian with its own covariance for each class.

    .. math:: f(x) = \arg\max_y \log P(y) + \log \mathcal N(x; \mu_y, \Sigma_y), \qquad
        \Sigma_y = (1-\lambda) \hat\Sigma_y
        + \lambda\, \frac{\operatorname{tr} \hat\Sigma_y}{d} I

    with :math:`\hat\Sigma_y` the covariance of the samples with label y, which may be fewer than
    the features, and d the number of features.

    Members widen the covariance of their label in the direction of the signal. Points far out in
    this direction then get that label, even for small collectives.

    References:
        | Regularized Discriminant Analysis (Friedman, 1989)
        | https://doi.org/10.1080/01621459.1989.10478752

    Arguments:
        shrinkage: The shrinkage :math:`\lambda` of each covariance towards a multiple of the
            identity.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = QDA().fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """

    space: ClassVar = {"shrinkage": [0.01, 0.05, 0.1, 0.2, 0.5, 1.0]}

    shrinkage: Annotated[float, Ge(0), Le(1)] = 0.2

    def estimator(self, n: int) -> QuadraticDiscriminantAnalysis:
        """Return the unfitted classifier for n points."""
        # The default solver refuses classes with at most as many samples as features.
        return QuadraticDiscriminantAnalysis(
            solver="eigen", covariance_estimator=_ShrunkCovariance(self.shrinkage)
        )
