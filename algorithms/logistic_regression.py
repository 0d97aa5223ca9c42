"""Logistic regression."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt
from sklearn.linear_model import LogisticRegression as Estimator

from algorithms._estimators import fit_estimator
from algorithms.base import Fitted, Learner, TrainingSet


@dataclass(frozen=True)
class LogisticRegression(Learner):
    r"""Multinomial logistic regression, solved to convergence.

    .. math:: \min_{W, b} \sum_i -\log \mathrm{softmax}(W x_i + b)_{y_i}
        + \frac{1}{2C} \lVert W \rVert^2

    For two labels scikit-learn penalises the one vector :math:`w = W_1 - W_0` in place of W, whose
    rows are then :math:`\mp w / 2`: that is the same with C/2 in place of C.

    References:
        | The Regression Analysis of Binary Sequences (Cox, 1958)
        | https://doi.org/10.1111/j.2517-6161.1958.tb00292.x

    Arguments:
        C: The inverse strength of the penalty.
    """

    C: Annotated[float, Gt(0)] = 1.0

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return fit_estimator(Estimator(C=self.C, max_iter=2000), sample, rng)
