"""Linear support-vector machine."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt
from sklearn.svm import LinearSVC

from algorithms._estimators import fit_estimator
from algorithms.base import Fitted, Learner, TrainingSet


@dataclass(frozen=True)
class LinearSVM(Learner):
    r"""Linear support-vector machine (SVM), one class against the rest.

    .. math:: \min_{w, b} \tfrac12 (\lVert w \rVert^2 + b^2)
        + C \sum_i \max(0, 1 - t_i (w^\top x_i + b))^2, \qquad t_i = \pm 1

    Only people within the margin pull at it: a collective that has been classified with some
    confidence stops counting, and so does everybody else.

    References:
        | Support-Vector Networks (Cortes and Vapnik, 1995)
        | https://doi.org/10.1007/BF00994018

    Arguments:
        C: The inverse strength of the penalty.
    """

    C: Annotated[float, Gt(0)] = 1.0

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        # The primal is solved by Newton steps, without chance.
        return fit_estimator(LinearSVC(C=self.C, dual=False, max_iter=2000), sample, rng)
