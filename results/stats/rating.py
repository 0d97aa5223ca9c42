"""A rating by the model of Bradley and Terry."""

import numpy as np
import pandas as pd

from results.stats.intervals import Array
from results.stats.ranks import Field, resampled

#: The anchor's rating, and the points by which one leads who wins ten of eleven games.
ANCHOR, DECADE = 1000.0, 400.0
#: Keeps who always wins from leading by infinitely much.
RIDGE = 0.01
_DRAWS = 300
_LOG10 = float(np.log(10.0))


def bradley_terry(wins: Array, ridge: float = RIDGE) -> Array:
    r"""Strengths from games won.

    .. math::
        P(i \text{ beats } j) = \frac{1}{1 + e^{\theta_j - \theta_i}}, \qquad
        \hat\theta = \arg\max_\theta \sum_{i \ne j} w_{ij} \log P(i \text{ beats } j)
        - \lambda \lVert\theta\rVert^2

    by Newton's method, which converges since the function is strictly concave.

    References:
        | Rank Analysis of Incomplete Block Designs (Bradley and Terry, 1952)
        | https://doi.org/10.2307/2334029

    Arguments:
        wins: How often i beat j, (L, L).
        ridge: The penalty, lambda.

    Returns:
        The strengths, (L,), with mean 0.

    Example:
        >>> theta = bradley_terry(np.array([[0, 3.0], [1.0, 0]]), ridge=1e-9)
        >>> round(float(theta[0] - theta[1]), 3), round(float(np.log(3)), 3)
        (1.099, 1.099)
    """
    learners, theta = len(wins), np.zeros(len(wins))
    games = wins + wins.T
    for _ in range(100):
        p = 1 / (1 + np.exp(theta - theta[:, None]))
        gradient = (wins - games * p).sum(1) - 2 * ridge * theta
        w = games * p * (1 - p)
        hessian = np.diag(w.sum(1) + 2 * ridge) - w
        step = np.linalg.solve(hessian, gradient)
        theta = theta + step * min(1.0, 2.0 / max(1e-9, float(np.abs(step).max())))
        if np.abs(step).max() < 1e-10 * (1 + learners):
            break
    return theta - theta.mean()


def _wins(means: Array) -> Array:
    """Wins (L, L) over datasets (N, L): a game a dataset; a draw is half a win for both."""
    ahead = means[:, :, None] - means[:, None, :]
    won = (ahead > 0) + 0.5 * (ahead == 0)
    total = won.sum(0).astype(float)
    np.fill_diagonal(total, 0.0)
    return total


def ratings(compared: Field, anchor: str) -> pd.DataFrame:
    """Ratings in points, the anchor's fixed, so that they mean the same in another field.

    Each dataset is one game of any two learners, won by the larger area; intervals are the middle
    95 % over :func:`results.stats.ranks.resampled` datasets and seeds.

    Arguments:
        compared: Areas of learners on datasets.
        anchor: The learner whose rating is 1000.

    Returns:
        A row for each learner, the strongest first: ``rating``, ``low``, ``high``.

    Raises:
        ValueError: If the anchor is none of the learners.
    """
    if anchor not in compared.learners:
        raise ValueError(f"the anchor {anchor!r} is none of {', '.join(compared.learners)}")
    at = compared.learners.index(anchor)

    def points(means: Array) -> Array:
        theta = bradley_terry(_wins(means))
        return ANCHOR + DECADE / _LOG10 * (theta - theta[at])

    drawn = [points(means) for means in resampled(compared.datasets.values(), _DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    table = pd.DataFrame(
        {"learner": compared.learners, "rating": points(compared.means), "low": low, "high": high}
    )
    return table.sort_values(["rating", "learner"], ascending=[False, True], ignore_index=True)
