"""Suspicion by a density of each label's points."""

from dataclasses import dataclass

import numpy as np

from algorithms.base import Array
from algorithms.density.base import DensityModel
from algorithms.density.gaussian_mixture import GaussianMixture
from bench.detection.base import Evidence, Score, by_label


@dataclass(frozen=True)
class ClassDensity(Score):
    r"""Negative log-density of a training point under its label.

    .. math:: s_i = -\log p(x_i \mid y_i)

    The density is learnt on the standardised points of each label, members included. No
    classifier takes part.

    References:
        | Novelty Detection and Neural Network Validation (Bishop, 1994)
        | https://doi.org/10.1049/ip-vis:19941330

    Arguments:
        model: The density model. Models whose density at a point comes mostly from that very
            point, such as a kernel density estimate of many columns, cannot rank training points.

    Example:
        >>> from algorithms.base import Fitted, TrainingSet
        >>> sample = TrainingSet(np.array([[0.0], [0.1], [0.2], [9.0]]), np.zeros(4))
        >>> evidence = Evidence(sample, Fitted(lambda x: np.zeros(len(x))), lambda: sample.flat)
        >>> int(ClassDensity().suspicion(evidence, np.random.default_rng(0)).argmax())
        3
    """

    model: DensityModel = GaussianMixture(components=(1,))  # noqa: RUF009 (frozen)

    def suspicion(self, evidence: Evidence, rng: np.random.Generator) -> Array:
        """Return the negative log-density of each training point, (n,)."""

        def improbability(positions: Array) -> Array:
            points = evidence.points[positions]
            return np.asarray(-self.model.fit(points, rng).log_prob(points))

        return by_label(evidence.sample.y, improbability)
