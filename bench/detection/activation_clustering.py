"""Suspicion by two clusters of each label's features."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from algorithms.base import Array
from bench.detection.base import Evidence, Score, by_label


@dataclass(frozen=True)
class ActivationClustering(Score):
    r"""Activation clustering.

    The features of each label, the inputs of the network's last layer, are reduced to their
    principal components and divided into two clusters by k-means. With the cluster
    :math:`c_i` of a point, and :math:`n_{y_i}` points of its label,

    .. math:: s_i = 1 - \frac{|c_i|}{n_{y_i}}

    Points of small clusters are suspicious. K-means starts at the means of the points on either
    side of the label's mean along the first principal component, so that the score has no
    randomness.

    References:
        | Detecting Backdoor Attacks on Deep Neural Networks by Activation Clustering
        | (Chen et al., 2018)
        | https://arxiv.org/abs/1811.03728

    Arguments:
        components: The number of principal components.

    Example:
        >>> from algorithms.base import Fitted, TrainingSet
        >>> sample = TrainingSet(np.array([[0.0], [0.1], [0.2], [9.0]]), np.zeros(4))
        >>> evidence = Evidence(sample, Fitted(lambda x: np.zeros(len(x))), lambda: sample.flat)
        >>> ActivationClustering().suspicion(evidence, np.random.default_rng(0)).tolist()
        [0.25, 0.25, 0.25, 0.75]
    """

    components: Annotated[int, Ge(1)] = 10

    def suspicion(self, evidence: Evidence, rng: np.random.Generator) -> Array:
        """Return one less the share of each training point's cluster in its label, (n,)."""

        def outside(positions: Array) -> Array:
            clusters = self._clusters(evidence.features[positions])
            return np.asarray(1 - np.bincount(clusters)[clusters] / len(clusters))

        return by_label(evidence.sample.y, outside)

    def _clusters(self, phi: Array) -> Array:
        """Return the cluster, 0 or 1, of each of m >= 2 points (m, F)."""
        if (phi == phi[0]).all():
            return np.zeros(len(phi), dtype=np.int64)
        count = min(self.components, *phi.shape)
        reduced = PCA(count, svd_solver="full").fit_transform(phi)
        right = reduced[:, 0] > 0
        starts = np.stack([reduced[~right].mean(axis=0), reduced[right].mean(axis=0)])
        found = KMeans(2, init=starts, n_init=1).fit_predict(reduced)
        return np.asarray(found, dtype=np.int64)
