"""Kernel density estimates."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, MinLen
from sklearn.neighbors import KernelDensity

from algorithms.base import Array
from algorithms.density.base import Density, DensityModel


@dataclass(frozen=True)
class KDE(DensityModel):
    r"""Kernel density estimate (KDE) with a Gaussian kernel.

    .. math:: p(x) = \frac1n \sum_i \mathcal N(x; x_i, h^2 \operatorname{diag}(\sigma^2))

    With ``units="own"``, :math:`\sigma_j` is the standard deviation of each coordinate, which
    suits columns of a table in different units. With ``units="common"`` it is the root mean square
    of these for all coordinates, which suits coordinates in the same unit.

    References:
        | On Estimation of a Probability Density Function and Mode (Parzen, 1962)
        | https://doi.org/10.1214/aoms/1177704472

    Arguments:
        bandwidths: Candidate bandwidths h; the one with the largest likelihood on held-out points
            is chosen.
        most: The largest number of centres; of more points, a random subset is used.
        n_validation: The number of held-out points, at most a fifth of all.
        units: Whether coordinates are scaled by a common deviation or each by its own.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((500, 1))
        >>> KDE().fit(x, np.random.default_rng(0)).log_prob(np.zeros((1, 1))).round()
        array([-1.])
    """

    bandwidths: Annotated[tuple[Annotated[float, Gt(0)], ...], MinLen(1)] = (
        0.02,
        0.03,
        0.05,
        0.08,
        0.12,
        0.2,
        0.3,
        0.5,
    )
    most: Annotated[int, Ge(1)] = 20_000
    n_validation: Annotated[int, Ge(1)] = 1000
    units: Literal["common", "own"] = "common"

    def fit(self, x: Array, rng: np.random.Generator) -> Density:
        """Learn a density from points (n, d)."""
        x = np.asarray(x, dtype=np.float64)[rng.permutation(len(x))[: self.most]]
        variance = x.var(axis=0)
        if self.units == "common":
            variance = np.full_like(variance, variance.mean())
        scale = np.maximum(np.sqrt(variance), 1e-6)
        z = x / scale
        chosen = self.bandwidths[0]
        count = min(self.n_validation, len(x) // 5)
        if len(self.bandwidths) > 1 and count:
            scores = [float(_kernel(z[count:], h).score(z[:count])) for h in self.bandwidths]
            chosen = self.bandwidths[int(np.argmax(scores))]
        return _KernelDensity(z, chosen, scale)


def _kernel(z: Array, bandwidth: float) -> KernelDensity:
    return KernelDensity(bandwidth=bandwidth, rtol=1e-4).fit(z)


class _KernelDensity(Density):
    def __init__(self, z: Array, bandwidth: float, scale: Array) -> None:
        self._z, self._bandwidth, self._scale = z, bandwidth, scale
        self._tree = _kernel(z, bandwidth)

    def log_prob(self, x: Array) -> Array:
        z = np.asarray(x, dtype=np.float64) / self._scale
        if not len(z):
            return np.zeros(0)
        return np.asarray(self._tree.score_samples(z) - np.log(self._scale).sum())

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        centres = self._z[rng.integers(len(self._z), size=n)]
        noise = self._bandwidth * rng.standard_normal(centres.shape)
        return np.asarray((centres + noise) * self._scale)
