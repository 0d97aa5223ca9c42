"""Gaussian-process regression on labels."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist, pdist, squareform

from algorithms.base import Array, Fitted, Learner, TrainingSet

ROWS = 512


@dataclass(frozen=True)
class GaussianProcess(Learner):
    r"""Exact Gaussian-process (GP) regression on one-hot labels; the largest mean decides.

    .. math:: f(x) = \arg\max_y\ \bar y_y + k(x)^\top (K + \sigma^2 I)^{-1} (Y - \bar y)_y, \qquad
        K_{ij} = \exp\Big(-\frac{\lVert x_i - x_j \rVert^2}{2 \ell^2}\Big)

    The prior mean is the frequency of each label, which decides far from all points. The length
    scale :math:`\ell` is a multiple of the median distance between two different points.

    A collective that puts many points in one place teaches hardly more there than a few would,
    unless others stand there too; and it is heard as far as a length scale.

    References:
        | Gaussian Processes for Machine Learning (Rasmussen and Williams, 2006)
        | https://gaussianprocess.org/gpml/

    Arguments:
        length: The length scale, in median distances.
        noise: The variance of the noise on the labels, :math:`\sigma^2`.

    Example:
        >>> sample = TrainingSet(np.float32([[0], [1], [5]]), [0, 0, 1])
        >>> fitted = GaussianProcess(length=0.5).fit(sample, np.random.default_rng(0))
        >>> fitted.predict(np.float32([[0.5], [5.5], [-99]]))
        array([0, 1, 0])
    """

    length: Annotated[float, Gt(0)] = 1.0
    noise: Annotated[float, Gt(0)] = 0.1

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        centres = sample.flat.astype(np.float64)
        labels = np.eye(sample.classes)[sample.y]
        prior = labels.mean(axis=0)
        squares = pdist(centres, "sqeuclidean")
        apart = squares[squares > 0]
        scale = -2 * self.length**2 * (float(np.median(apart)) if len(apart) else 1.0)
        kernel = squareform(np.exp(squares / scale))
        kernel[np.diag_indices(len(centres))] = 1 + self.noise
        factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
        weights = cho_solve(factor, labels - prior, check_finite=False)

        def predict(x: Array) -> Array:
            flat = x.reshape(len(x), -1).astype(np.float64)
            blocks = [flat[i : i + ROWS] for i in range(0, len(flat), ROWS)]
            return np.concatenate([np.zeros(0, dtype=np.int64), *map(decide, blocks)])

        def decide(x: Array) -> Array:
            near = np.exp(cdist(x, centres, "sqeuclidean") / scale)
            return (prior + near @ weights).argmax(1)

        return Fitted(predict)
