"""Suspicion by the labels of a point's nearest neighbours."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from sklearn.neighbors import NearestNeighbors

from algorithms.base import Array
from bench.detection.base import Evidence, Score


@dataclass(frozen=True)
class DeepKNN(Score):
    r"""Disagreement of the nearest neighbours among features (deep k-nearest neighbours).

    With the k nearest other points :math:`N_k(i)` in the features, the inputs of the network's
    last layer,

    .. math:: s_i = \frac1k \big| \{ j \in N_k(i) : y_j \ne y_i \} \big|

    References:
        | Deep k-NN Defense against Clean-label Data Poisoning Attacks (Peri et al., 2019)
        | https://arxiv.org/abs/1909.13374

    Arguments:
        neighbours: The number k of neighbours; all others, where there are fewer.

    Example:
        >>> from algorithms.base import Fitted, TrainingSet
        >>> sample = TrainingSet(np.array([[0.0], [0.1], [0.3], [0.6]]), np.array([0, 0, 1, 0]))
        >>> evidence = Evidence(sample, Fitted(lambda x: np.zeros(len(x))), lambda: sample.flat)
        >>> DeepKNN(neighbours=2).suspicion(evidence, np.random.default_rng(0)).tolist()
        [0.5, 0.5, 1.0, 0.5]
    """

    neighbours: Annotated[int, Ge(1)] = 10

    def suspicion(self, evidence: Evidence, rng: np.random.Generator) -> Array:
        """Return the share of neighbours with another label of each training point, (n,)."""
        y = evidence.sample.y
        count = min(self.neighbours, len(y) - 1)
        if not count:
            return np.zeros(len(y))
        # Without an argument each point is no neighbour of itself.
        near = NearestNeighbors(n_neighbors=count).fit(evidence.features)
        others = near.kneighbors(return_distance=False)
        return np.asarray((y[others] != y[:, None]).mean(axis=1))
