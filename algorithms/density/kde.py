"""Kernel density estimates."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, MinLen
from sklearn.neighbors import KernelDensity

from algorithms.base import Array
from algorithms.density.base import Density, DensityModel


@dataclass(frozen=True)
class KDE(DensityModel):
    r"""Kernel density estimate (KDE) with a Gaussian kernel.

    .. math:: p(x) = \frac1n \sum_i \mathcal N(x; x_i, h^2 \sigma^2 I)

    with the root mean variance :math:`\sigma` of the coordinates.

    References:
        | On Estimation of a Probability Density Function and Mode (Parzen, 1962)
        | https://doi.org/10.1214/aoms/1177704472

    Arguments:
        bandwidths: The bandwidths h to choose from, by the likelihood of held-out points.
        most: No more points than this are centres, drawn without replacement.
        held: How many held-out points choose, at most a fifth of all.
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
    held: Annotated[int, Ge(1)] = 1000

    def fit(self, x: Array, rng: np.random.Generator) -> Density:
        """Learn from points (n, d)."""
        x = np.asarray(x, dtype=np.float64)[rng.permutation(len(x))[: self.most]]
        scale = max(float(np.sqrt(x.var(axis=0).mean())), 1e-6)
        chosen = self.bandwidths[0]
        held = min(self.held, len(x) // 5)
        if len(self.bandwidths) > 1 and held:
            scores = [float(_kernel(x[held:], h * scale).score(x[:held])) for h in self.bandwidths]
            chosen = self.bandwidths[int(np.argmax(scores))]
        return _Kernels(x, chosen * scale)


def _kernel(x: Array, bandwidth: float) -> KernelDensity:
    return KernelDensity(bandwidth=bandwidth, rtol=1e-4).fit(x)


class _Kernels(Density):
    def __init__(self, x: Array, bandwidth: float) -> None:
        self._x, self._bandwidth, self._tree = x, bandwidth, _kernel(x, bandwidth)

    def log_prob(self, x: Array) -> Array:
        flat = np.asarray(x, dtype=np.float64)
        return np.asarray(self._tree.score_samples(flat)) if len(flat) else np.zeros(0)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        centres = self._x[rng.integers(len(self._x), size=n)]
        return np.asarray(centres + self._bandwidth * rng.standard_normal(centres.shape))
