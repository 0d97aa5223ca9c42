"""Gaussian naive Bayes."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge
from sklearn.naive_bayes import GaussianNB

from algorithms._estimators import EstimatorLearner


@dataclass(frozen=True)
class NaiveBayes(EstimatorLearner):
    r"""Gaussian naive Bayes.

    .. math:: f(x) = \arg\max_y P(y) \prod_j \mathcal N(x_j; \mu_{yj}, \sigma_{yj}^2)

    The evidence of all features is multiplied. Without smoothing, a feature that hardly varies in
    other classes but does vary in the class that the collective plants decides alone. Smoothing
    limits the evidence of such a feature.

    References:
        | On Bias, Variance, 0/1-Loss, and the Curse-of-Dimensionality (Friedman, 1997)
        | https://doi.org/10.1023/A:1009778005914

    Arguments:
        smoothing: The share of the largest variance that is added to all variances.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = NaiveBayes().fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """

    space: ClassVar = {"smoothing": [1e-3, 0.01, 0.03, 0.1, 0.3, 1.0]}

    smoothing: Annotated[float, Ge(0)] = 0.1

    def estimator(self, n: int) -> GaussianNB:
        """Return the unfitted classifier for n points."""
        return GaussianNB(var_smoothing=self.smoothing)
