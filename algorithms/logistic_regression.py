"""Logistic regression."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt
from sklearn.linear_model import LogisticRegression as Estimator

from algorithms._estimators import EstimatorLearner
from algorithms.scaling import Scaling


@dataclass(frozen=True)
class LogisticRegression(EstimatorLearner):
    r"""Multinomial logistic regression, solved to convergence.

    .. math:: \min_{W, b} \sum_i -\log \mathrm{softmax}(W x_i + b)_{y_i}
        + \frac{1}{2C} \lVert W \rVert^2

    For two labels scikit-learn penalises the one vector :math:`w = W_1 - W_0` in place of W, whose
    rows are then :math:`\mp w / 2`. This equals the problem above with C/2 in place of C.

    A feature that members alone have gets a weight that grows until their loss is small, limited
    by the penalty: a few members suffice for a large effect.

    References:
        | The Regression Analysis of Binary Sequences (Cox, 1958)
        | https://doi.org/10.1111/j.2517-6161.1958.tb00292.x

    Arguments:
        C: The inverse strength of the penalty.
        scaling: "standard" standardises points, as of :class:`GradientLearner`; "none" does not.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = LogisticRegression().fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """

    space: ClassVar = {"C": [0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0]}

    C: Annotated[float, Gt(0)] = 1.0
    scaling: Scaling = "standard"

    def estimator(self, n: int) -> Estimator:
        """Return the unfitted classifier for n points."""
        return Estimator(C=self.C, max_iter=2000)
