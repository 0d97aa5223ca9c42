"""The Bayes rule of the empirical distribution."""

from dataclasses import dataclass

import numpy as np

from algorithms.base import Array, Fitted, Learner, TrainingSet


@dataclass(frozen=True)
class EmpiricalBayes(Learner):
    r"""Most frequent label of each point, for data on a finite domain.

    .. math:: f(x) = \arg\max_y \#\{i : x_i = x, y_i = y\}

    A point that is not in the sample gets the most frequent label of all points. Ties go to the
    smallest label. This is the firm of finite-sample theory, optimal for the empirical
    distribution: a collective succeeds at those points where its members are the majority.

    References:
        | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
        | https://arxiv.org/abs/2502.04879

    Example:
        >>> sample = TrainingSet(np.float32([[0], [0], [0], [1]]), [1, 0, 1, 2])
        >>> fitted = EmpiricalBayes().fit(sample, np.random.default_rng(0))
        >>> fitted.predict(np.float32([[0], [1], [7]]))
        array([1, 2, 1])
    """

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        points, cell = np.unique(_keys(sample.x), return_inverse=True)
        counts = np.zeros((len(points) + 1, sample.classes))
        np.add.at(counts, (cell, sample.y), 1)
        counts[-1] = np.bincount(sample.y, minlength=sample.classes)

        def predict_proba(x: Array) -> Array:
            keys = _keys(x)
            nearest = np.minimum(np.searchsorted(points, keys), len(points) - 1)
            # The last row is for points that are not in the sample.
            rows = counts[np.where(points[nearest] == keys, nearest, len(points))]
            return rows / rows.sum(1, keepdims=True)

        return Fitted(lambda x: predict_proba(x).argmax(1), predict_proba)


def _keys(x: Array) -> Array:
    """Return one comparable value for each row: its bytes (adding zero turns -0.0 into 0.0)."""
    rows = np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float32) + np.float32(0)
    return rows.view(f"V{rows.shape[1] * rows.itemsize}").ravel()
