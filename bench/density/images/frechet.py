"""Fréchet distance of two samples."""

import numpy as np
from scipy.linalg import eigvals

from bench.datasets.base import Array


def frechet_distance(a: Array, b: Array) -> float:
    r"""Return the squared Fréchet distance of the normal distributions of two samples.

    .. math:: \lVert \mu_a - \mu_b \rVert^2
        + \mathrm{tr}\big(\Sigma_a + \Sigma_b - 2 (\Sigma_a \Sigma_b)^{1/2}\big)

    The value depends on the features and on the sizes of the samples: only values of equal
    features and sizes can be compared, and the distance of two samples of one distribution is
    not zero.

    References:
        | GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium
          (Heusel et al., 2017)
        | https://arxiv.org/abs/1706.08500

    Arguments:
        a: Features (n, d).
        b: Features (m, d).

    Example:
        >>> x = np.random.default_rng(0).standard_normal((100, 3))
        >>> round(frechet_distance(x, x), 6), round(frechet_distance(x, x + 1), 6)
        (0.0, 3.0)
    """
    shift = a.mean(0, dtype=np.float64) - b.mean(0, dtype=np.float64)
    first, second = (np.atleast_2d(np.cov(x.T.astype(np.float64))) for x in (a, b))
    # The eigenvalues of a product of two covariances are real and not negative.
    roots = np.sqrt(eigvals(first @ second).real.clip(0))
    total = shift @ shift + np.trace(first) + np.trace(second) - 2 * roots.sum()
    return float(max(total, 0.0))
