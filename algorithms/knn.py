"""Nearest neighbours."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from sklearn.neighbors import KNeighborsClassifier

from algorithms._estimators import fit_estimator
from algorithms.base import Fitted, Learner, TrainingSet


@dataclass(frozen=True)
class KNN(Learner):
    r"""The majority among the k nearest neighbours (KNN) in Euclidean distance.

    References:
        | Nearest Neighbor Pattern Classification (Cover and Hart, 1967)
        | https://doi.org/10.1109/TIT.1967.1053964

    Arguments:
        n_neighbors: How many of them vote, k.
    """

    n_neighbors: Annotated[int, Ge(1)] = 5

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        votes = min(self.n_neighbors, len(sample))
        return fit_estimator(KNeighborsClassifier(n_neighbors=votes), sample, rng)
