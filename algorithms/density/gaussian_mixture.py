"""Mixtures of normal distributions."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Interval, MinLen

from algorithms.base import Array
from algorithms.density._reference import Reference, fit_reference
from algorithms.density.base import Density, DensityModel

#: The number of points whose density is computed at once.
CHUNK = 4096


@dataclass(frozen=True)
class GaussianMixture(DensityModel):
    r"""Mixture of normal distributions, fitted by expectation maximisation.

    .. math:: p(x) = \sum_k \pi_k \, \mathcal N(x; \mu_k, \Sigma_k)

    Energy models use it as their reference, too. One component is the normal distribution of
    quadratic discriminant analysis.

    References:
        | Maximum Likelihood from Incomplete Data via the EM Algorithm (Dempster et al., 1977)
        | https://doi.org/10.1111/j.2517-6161.1977.tb01600.x

    Arguments:
        components: The number of components; of several numbers, the one with the largest
            likelihood on a tenth of the points, which is held out, is chosen.
        shrinkage: The shrinkage of covariances towards multiples of the identity.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((500, 1))
        >>> density = GaussianMixture(components=(1,)).fit(x, np.random.default_rng(0))
        >>> bool(abs(density.log_prob(np.zeros((1, 1))) + 0.92) < 0.1)
        True
    """

    components: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (1, 2, 4, 8)
    shrinkage: Annotated[float, Interval(ge=0, le=1)] = 0.02

    def fit(self, x: Array, rng: np.random.Generator) -> Density:
        """Learn a density from points (n, d)."""
        x = x.astype(np.float64)
        return _MixtureDensity(fit_reference(x, self.components, self.shrinkage, rng))


class _MixtureDensity(Density):
    def __init__(self, reference: Reference) -> None:
        self._reference = reference

    def log_prob(self, x: Array) -> Array:
        parts = [np.zeros(0)]
        for start in range(0, len(x), CHUNK):
            rows = torch.from_numpy(np.asarray(x[start : start + CHUNK], np.float64).T[None])
            parts.append(self._reference.log_prob(self._reference.whiten(rows))[0].numpy())
        return np.concatenate(parts) + float(self._reference.log_det)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        return self._reference.colour(self._reference.sample(n, [rng]).double())[0].T.numpy()
