"""Mixtures of normal laws."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Interval, MinLen

from algorithms.base import Array
from algorithms.density._reference import Reference, reference
from algorithms.density.base import Density, DensityModel

ROWS = 4096


@dataclass(frozen=True)
class GaussianMixture(DensityModel):
    r"""Mixture of normal laws, by expectation maximisation.

    .. math:: p(x) = \sum_k \pi_k \, \mathcal N(x; \mu_k, \Sigma_k)

    It is what energies start from (as their reference), too. One component is the normal law of
    quadratic discriminant analysis.

    References:
        | Maximum Likelihood from Incomplete Data via the EM Algorithm (Dempster et al., 1977)
        | https://doi.org/10.1111/j.2517-6161.1977.tb01600.x

    Arguments:
        components: The number of components; among several the one that does best on a tenth
            of the points that is held out.
        shrinkage: How far covariances are drawn to multiples of the identity.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((500, 1))
        >>> density = GaussianMixture(components=(1,)).fit(x, np.random.default_rng(0))
        >>> bool(abs(density.log_prob(np.zeros((1, 1))) + 0.92) < 0.1)
        True
    """

    components: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (1, 2, 4, 8)
    shrinkage: Annotated[float, Interval(ge=0, le=1)] = 0.02

    def fit(self, x: Array, rng: np.random.Generator) -> Density:
        """Learn from points (n, d)."""
        return _Mixture(reference(x.astype(np.float64), self.components, self.shrinkage, rng))


class _Mixture(Density):
    def __init__(self, base: Reference) -> None:
        self._base = base

    def log_prob(self, x: Array) -> Array:
        parts = [np.zeros(0)]
        for start in range(0, len(x), ROWS):
            rows = torch.from_numpy(np.asarray(x[start : start + ROWS], np.float64).T[None])
            parts.append(self._base.log_prob(self._base.whiten(rows))[0].numpy())
        return np.concatenate(parts) + float(self._base.stretch)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        return self._base.colour(self._base.draw(n, [rng]).double())[0].T.numpy()
