"""Random forests."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge
from sklearn.ensemble import RandomForestClassifier

from algorithms._estimators import EstimatorLearner


@dataclass(frozen=True)
class RandomForest(EstimatorLearner):
    r"""Random forest: the average of trees on bootstrap samples and random subsets of features.

    Few trees split on the signal near their root, so that a small collective is outvoted.

    References:
        | Random Forests (Breiman, 2001)
        | https://doi.org/10.1023/A:1010933404324

    Arguments:
        trees: The number of trees.
        leaf: The smallest number of points in a leaf.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = RandomForest(trees=10).fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """

    space: ClassVar = {"trees": [30, 100], "leaf": [1, 2, 5, 10, 20]}

    trees: Annotated[int, Ge(1)] = 100
    leaf: Annotated[int, Ge(1)] = 1

    def estimator(self, n: int) -> RandomForestClassifier:
        """Return the unfitted classifier for n points."""
        return RandomForestClassifier(n_estimators=self.trees, min_samples_leaf=self.leaf)
