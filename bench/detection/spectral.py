"""Suspicion by the main direction of each label's features."""

from dataclasses import dataclass

import numpy as np

from algorithms.base import Array
from bench.detection.base import Evidence, Score, by_label


@dataclass(frozen=True)
class Spectral(Score):
    r"""Spectral signature of a training point.

    With the features :math:`\phi`, the inputs of the network's last layer, centred within each
    label, and their top right singular vector v,

    .. math:: s_i = \big( (\phi(x_i) - \bar\phi_{y_i})^\top v_{y_i} \big)^2

    Members that plant a signal are outliers of their label along v as long as they are a minority
    there. The learner :class:`~algorithms.spectral_signatures.SpectralSignatures` removes points
    by this score.

    References:
        | Spectral Signatures in Backdoor Attacks (Tran et al., 2018)
        | https://arxiv.org/abs/1811.00636

    Example:
        >>> from algorithms.base import Fitted, TrainingSet
        >>> sample = TrainingSet(np.array([[1.0], [1.0], [4.0]]), np.array([0, 0, 0]))
        >>> evidence = Evidence(sample, Fitted(lambda x: np.zeros(len(x))), lambda: sample.flat)
        >>> Spectral().suspicion(evidence, np.random.default_rng(0)).round(6).tolist()
        [1.0, 1.0, 4.0]
    """

    def suspicion(self, evidence: Evidence, rng: np.random.Generator) -> Array:
        """Return the squared projection of each training point, (n,)."""

        def projections(positions: Array) -> Array:
            centred = evidence.features[positions] - evidence.features[positions].mean(axis=0)
            direction = np.linalg.svd(centred, full_matrices=False)[2][0]
            return np.asarray((centred @ direction) ** 2)

        return by_label(evidence.sample.y, projections)
