"""Linear discriminant analysis."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Le
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from algorithms._estimators import EstimatorLearner
from algorithms.scaling import Scaling


@dataclass(frozen=True)
class LDA(EstimatorLearner):
    r"""Linear discriminant analysis (LDA): Gaussian classes with a common covariance.

    .. math:: f(x) = \arg\max_y \log P(y) - \tfrac12 (x-\mu_y)^\top \Sigma^{-1} (x-\mu_y)

    A collective can only move the mean of its label and widen the common covariance, both in
    proportion to its size, so that small collectives hardly change the classifier.

    References:
        | The Use of Multiple Measurements in Taxonomic Problems (Fisher, 1936)
        | https://doi.org/10.1111/j.1469-1809.1936.tb02137.x

    Arguments:
        shrinkage: The shrinkage of the covariance towards a multiple of the identity.
        scaling: "standard" standardises points, as of :class:`GradientLearner`; "none" does not.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = LDA().fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """

    space: ClassVar = {"shrinkage": [0.0, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0]}

    shrinkage: Annotated[float, Ge(0), Le(1)] = 0.05
    scaling: Scaling = "standard"

    def estimator(self, n: int) -> LinearDiscriminantAnalysis:
        """Return the unfitted classifier for n points."""
        return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=self.shrinkage)
