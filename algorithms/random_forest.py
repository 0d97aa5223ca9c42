"""Random forests."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from sklearn.ensemble import RandomForestClassifier

from algorithms._estimators import fit_estimator
from algorithms.base import Fitted, Learner, TrainingSet


@dataclass(frozen=True)
class RandomForest(Learner):
    r"""Random forest: the average of trees grown on bootstrap samples and random features.

    Few trees look at the signal near their root; a small collective loses the vote.

    References:
        | Random Forests (Breiman, 2001)
        | https://doi.org/10.1023/A:1010933404324

    Arguments:
        trees: The number of trees.
        leaf: The least number of samples in a leaf.
    """

    trees: Annotated[int, Ge(1)] = 100
    leaf: Annotated[int, Ge(1)] = 1

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        estimator = RandomForestClassifier(n_estimators=self.trees, min_samples_leaf=self.leaf)
        return fit_estimator(estimator, sample, rng)
