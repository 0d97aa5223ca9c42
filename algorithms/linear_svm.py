"""Linear support-vector machine."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt
from sklearn.svm import LinearSVC

from algorithms._estimators import EstimatorLearner
from algorithms.scaling import Scaling


@dataclass(frozen=True)
class LinearSVM(EstimatorLearner):
    r"""Linear support-vector machine (SVM), one class against the rest.

    .. math:: \min_{w, b} \tfrac12 (\lVert w \rVert^2 + b^2)
        + C \sum_i \max(0, 1 - t_i (w^\top x_i + b))^2, \qquad t_i = \pm 1

    Only points within the margin affect the solution. Members that are classified outside it no
    longer count, and neither do the other points outside it.

    References:
        | Support-Vector Networks (Cortes and Vapnik, 1995)
        | https://doi.org/10.1007/BF00994018

    Arguments:
        C: The inverse strength of the penalty.
        scaling: "standard" standardises points, as of :class:`GradientLearner`; "none" does not.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = LinearSVM().fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """

    space: ClassVar = {"C": [0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0]}

    C: Annotated[float, Gt(0)] = 1.0
    scaling: Scaling = "standard"

    def estimator(self, n: int) -> LinearSVC:
        """Return the unfitted classifier for n points."""
        # The primal is solved by Newton steps, without randomness.
        return LinearSVC(C=self.C, dual=False, max_iter=2000)
