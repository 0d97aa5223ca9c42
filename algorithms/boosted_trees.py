"""Gradient-boosted trees."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le
from sklearn.ensemble import HistGradientBoostingClassifier

from algorithms._estimators import EstimatorLearner


@dataclass(frozen=True)
class BoostedTrees(EstimatorLearner):
    r"""Gradient-boosted trees on histograms of the features.

    Each round fits trees to the gradient of the loss, in which the points with the largest errors
    weigh most. Members whose labels contradict the other points are such points.

    References:
        | Greedy Function Approximation: A Gradient Boosting Machine (Friedman, 2001)
        | https://doi.org/10.1214/aos/1013203451

    Arguments:
        rounds: The number of boosting rounds.
        learning_rate: The learning rate.
        leaves: The largest number of leaves of a tree.
        leaf: The smallest number of points in a leaf.
        bins: The number of bins of each feature's histogram.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = BoostedTrees().fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """

    space: ClassVar = {
        "rounds": [10, 30, 100],
        "learning_rate": [0.05, 0.1, 0.2],
        "leaves": [4, 8, 31],
    }

    rounds: Annotated[int, Ge(1)] = 30
    learning_rate: Annotated[float, Gt(0)] = 0.2
    leaves: Annotated[int, Ge(2)] = 8
    leaf: Annotated[int, Ge(1)] = 5
    bins: Annotated[int, Ge(2), Le(255)] = 64

    def estimator(self, n: int) -> HistGradientBoostingClassifier:
        """Return the unfitted classifier for n points."""
        return HistGradientBoostingClassifier(
            max_iter=self.rounds,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=self.leaf,
            max_bins=self.bins,
            early_stopping=False,
        )
