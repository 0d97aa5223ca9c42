"""Gaussian-process regression on labels."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist, pdist, squareform

from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.encoding import fit_scaled
from algorithms.scaling import Scaling

#: The number of points that are predicted at once.
CHUNK = 512


@dataclass(frozen=True)
class GaussianProcess(Learner):
    r"""Gaussian-process (GP) regression on one-hot labels, exact; the largest mean is predicted.

    .. math:: f(x) = \arg\max_y\ \bar y_y + k(x)^\top (K + \sigma^2 I)^{-1} (Y - \bar y)_y, \qquad
        K_{ij} = \exp\Big(-\frac{\lVert x_i - x_j \rVert^2}{2 \ell^2}\Big)

    The prior mean is the frequency of each label, so that the most frequent label is predicted far
    from all points. The length scale :math:`\ell` is a multiple of the median distance between two
    different points.

    Many members at one point have hardly more effect there than a few, unless other points are
    there, too. Their effect reaches about one length scale.

    References:
        | Gaussian Processes for Machine Learning (Rasmussen and Williams, 2006)
        | https://gaussianprocess.org/gpml/

    Arguments:
        length: The length scale, in median distances.
        noise: The variance of the noise on the labels, :math:`\sigma^2`.
        scaling: "standard" standardises points, as of :class:`GradientLearner`; "none" does not.

    Example:
        >>> sample = TrainingSet(np.float32([[0], [1], [5]]), [0, 0, 1])
        >>> fitted = GaussianProcess(length=0.5).fit(sample, np.random.default_rng(0))
        >>> fitted.predict(np.float32([[0.5], [5.5], [-99]]))
        array([0, 1, 0])
    """

    space: ClassVar = {"length": [0.3, 1.0, 3.0], "noise": [0.01, 0.1, 0.5]}

    length: Annotated[float, Gt(0)] = 1.0
    noise: Annotated[float, Gt(0)] = 0.1
    scaling: Scaling = "standard"

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return fit_scaled(self.scaling, sample, self._fit)

    def _fit(self, sample: TrainingSet) -> Fitted:
        centres = sample.flat.astype(np.float64)
        labels = np.eye(sample.classes)[sample.y]
        prior = labels.mean(axis=0)
        squares = pdist(centres, "sqeuclidean")
        positive = squares[squares > 0]
        typical = float(np.median(positive)) if len(positive) else 1.0
        scale = -2 * self.length**2 * typical
        kernel = squareform(np.exp(squares / scale))
        kernel[np.diag_indices(len(centres))] = 1 + self.noise
        factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
        weights = cho_solve(factor, labels - prior, check_finite=False)

        def predict(x: Array) -> Array:
            flat = x.reshape(len(x), -1).astype(np.float64)
            blocks = [flat[i : i + CHUNK] for i in range(0, len(flat), CHUNK)]
            return np.concatenate([np.zeros(0, dtype=np.int64), *map(decide, blocks)])

        def decide(x: Array) -> Array:
            similarity = np.exp(cdist(x, centres, "sqeuclidean") / scale)
            return (prior + similarity @ weights).argmax(1)

        return Fitted(predict)
