"""Figures of merit from nearest neighbours: fidelity, diversity, and copies of training rows."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from bench.datasets.base import Array

#: The number of neighbours of the radius of a ball.
NEIGHBOURS = 5


def neighbour_scores(real: Array, generated: Array, k: int = NEIGHBOURS) -> dict[str, float]:
    r"""Return precision, recall, density and coverage of generated points.

    A ball around a point has the distance to the point's k-th nearest neighbour in its own sample
    as its radius. ``precision`` is the share of generated points in a ball of a real point,
    ``recall`` the share of real points in a ball of a generated point. ``density`` is the number
    of real balls that a generated point is in, divided by k, on average. ``coverage`` is the share
    of real balls with a generated point. Two samples of one distribution have a density of
    about 1, and a coverage of about :math:`1 - 2^{-k}`.

    References:
        | Improved Precision and Recall Metric for Assessing Generative Models (Kynkäänniemi et
          al., 2019)
        | https://arxiv.org/abs/1904.06991
        | Reliable Fidelity and Diversity Metrics for Generative Models (Naeem et al., 2020)
        | https://arxiv.org/abs/2002.09797

    Arguments:
        real: Features of real points, (n, d).
        generated: Features of generated points, (m, d).
        k: The number of neighbours.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((50, 2))
        >>> scores = neighbour_scores(x, x)
        >>> scores["precision"], scores["recall"], scores["coverage"]
        (1.0, 1.0, 1.0)
    """
    distance = cdist(generated, real)
    inside = distance <= _radii(real, k)
    covering = distance <= _radii(generated, k)[:, None]
    return {
        "precision": float(inside.any(1).mean()),
        "recall": float(covering.any(0).mean()),
        "density": float(inside.sum(1).mean() / k),
        "coverage": float(inside.any(0).mean()),
    }


def memorisation(train: Array, test: Array, generated: Array) -> float:
    """Return the ratio of two distances to training rows: of generated points and of test rows.

    Both are median distances to the nearest training row. Copies of training rows have a ratio
    of 0, points of the true distribution a ratio of 1.

    Arguments:
        train: Training points, (n, d).
        test: Test points, (m, d).
        generated: Generated points, (l, d).

    Example:
        >>> x = np.random.default_rng(0).standard_normal((400, 2))
        >>> memorisation(x[:200], x[200:], x[:100]), memorisation(x[:200], x[200:], x[200:])
        (0.0, 1.0)
    """
    tree = NearestNeighbors(n_neighbors=1).fit(train)
    ours, theirs = (float(np.median(tree.kneighbors(x)[0])) for x in (generated, test))
    return ours / theirs


def _radii(x: Array, k: int) -> Array:
    """Return the distances of points to their k-th nearest neighbours other than themselves."""
    # Without an argument, a point is not its own neighbour.
    return np.asarray(NearestNeighbors(n_neighbors=k).fit(x).kneighbors()[0][:, -1])
