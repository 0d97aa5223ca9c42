"""Nearest neighbours."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge
from sklearn.neighbors import KNeighborsClassifier

from algorithms._estimators import EstimatorLearner
from algorithms.scaling import Scaling


@dataclass(frozen=True)
class KNN(EstimatorLearner):
    r"""K-nearest neighbours (KNN): the majority label of the k nearest points, Euclidean.

    A collective succeeds at points whose k neighbours are mostly members. A signal that moves
    points away from all others needs about k / 2 members.

    References:
        | Nearest Neighbor Pattern Classification (Cover and Hart, 1967)
        | https://doi.org/10.1109/TIT.1967.1053964

    Arguments:
        n_neighbors: The number of neighbours k; at most all points of the sample.
        scaling: "standard" standardises points, as of :class:`GradientLearner`; "none" does not.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = KNN(n_neighbors=1).fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """

    space: ClassVar = {"n_neighbors": [1, 3, 5, 10, 15, 25, 50]}

    n_neighbors: Annotated[int, Ge(1)] = 5
    scaling: Scaling = "standard"

    def estimator(self, n: int) -> KNeighborsClassifier:
        """Return the unfitted classifier for n points."""
        return KNeighborsClassifier(n_neighbors=min(self.n_neighbors, n))
