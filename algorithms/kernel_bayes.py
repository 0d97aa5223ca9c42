"""Bayes' rule with kernel densities."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Gt
from scipy.spatial.distance import cdist

from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.encoding import fit_scaled
from algorithms.scaling import Scaling

#: The number of points that are predicted at once.
CHUNK = 512


@dataclass(frozen=True)
class KernelBayes(Learner):
    r"""Bayes' rule with a Gaussian kernel density for each class.

    .. math:: f(x) = \arg\max_y \hat P(y)\, \hat p(x \mid y)
        = \arg\max_y \sum_{i : y_i = y} \exp\Big(-\frac{\lVert x - x_i \rVert^2}{2 h^2}\Big)

    All classes have the same bandwidth h, so that class frequencies and normalisations cancel:
    each point votes for its label, with a weight that falls with its distance. Scott's rule is

    .. math:: h = \sigma\, n^{-1/(d + 4)}, \qquad
        \sigma^2 = \frac{1}{n d} \sum_i \lVert x_i - \mu_{y_i} \rVert^2

    A collective has an effect near its members' points only: it succeeds where members are the
    majority of the points within a few h.

    References:
        | On Estimation of a Probability Density Function and Mode (Parzen, 1962)
        | https://doi.org/10.1214/aoms/1177704472

    Arguments:
        bandwidth: The bandwidth h, in the units of the scaled points, or "scott".
        scaling: "standard" standardises points, as of :class:`GradientLearner`; "none" does not.

    Example:
        >>> sample = TrainingSet(np.float32([[0], [1], [5]]), [0, 0, 1])
        >>> fitted = KernelBayes(bandwidth=0.5).fit(sample, np.random.default_rng(0))
        >>> fitted.predict(np.float32([[2.5], [3.5], [-99]]))
        array([0, 1, 0])
    """

    space: ClassVar = {"bandwidth": ["scott", 0.1, 0.3, 1.0, 3.0]}

    bandwidth: Annotated[float, Gt(0)] | Literal["scott"] = "scott"
    scaling: Scaling = "standard"

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return fit_scaled(self.scaling, sample, self._fit)

    def _fit(self, sample: TrainingSet) -> Fitted:
        centres, votes = sample.flat.astype(np.float64), np.eye(sample.classes)[sample.y]
        h = scott(centres, votes) if self.bandwidth == "scott" else self.bandwidth

        def predict_proba(x: Array) -> Array:
            flat = x.reshape(len(x), -1).astype(np.float64)
            blocks = [flat[i : i + CHUNK] for i in range(0, len(flat), CHUNK)]
            return np.concatenate([np.zeros((0, sample.classes)), *map(posterior, blocks)])

        def posterior(x: Array) -> Array:
            logs = cdist(x, centres, "sqeuclidean") / (-2 * h**2)
            # The kernel of the nearest centre is set to one, so that no row's sum underflows.
            logs -= logs.max(axis=1, keepdims=True)
            joint = np.exp(logs, out=logs) @ votes
            return joint / joint.sum(axis=1, keepdims=True)

        return Fitted(lambda x: predict_proba(x).argmax(1), predict_proba)


def scott(points: Array, votes: Array) -> float:
    """Return Scott's bandwidth for points (n, d) with one-hot labels (n, K)."""
    n, d = points.shape
    means = votes.T @ points / np.maximum(votes.sum(axis=0), 1)[:, None]
    spread = float(np.sqrt(np.mean((points - votes @ means) ** 2)))
    # If the points of each class coincide, any narrow kernel has the same classifier.
    return max(spread, 1e-6) * n ** (-1 / (d + 4))
