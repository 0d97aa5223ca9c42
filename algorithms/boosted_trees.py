"""Gradient-boosted trees."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from sklearn.ensemble import HistGradientBoostingClassifier

from algorithms._estimators import fit_estimator
from algorithms.base import Fitted, Learner, TrainingSet


@dataclass(frozen=True)
class BoostedTrees(Learner):
    r"""Gradient-boosted trees on histograms of the features.

    Each round fits trees to the gradient of the loss: what is not fitted yet weighs most.

    References:
        | Greedy Function Approximation: A Gradient Boosting Machine (Friedman, 2001)
        | https://doi.org/10.1214/aos/1013203451

    Arguments:
        rounds: The number of boosting rounds.
        learning_rate: The learning rate.
        leaves: The largest number of leaves of a tree.
        leaf: The least number of samples in a leaf.
        bins: The number of values that are told apart in a feature.
    """

    rounds: Annotated[int, Ge(1)] = 30
    learning_rate: Annotated[float, Gt(0)] = 0.2
    leaves: Annotated[int, Ge(2)] = 8
    leaf: Annotated[int, Ge(1)] = 5
    bins: Annotated[int, Ge(2), Le(255)] = 64

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        estimator = HistGradientBoostingClassifier(
            max_iter=self.rounds,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.leaf,
            max_bins=self.bins,
            early_stopping=False,
        )
        return fit_estimator(estimator, sample, rng)
