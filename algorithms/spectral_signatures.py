"""Removal of outliers along the main direction of each label's features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Lt

from algorithms.base import Array
from algorithms.engine import GradientLearner, Hooks, Hyperparams, Outcome, Samples
from algorithms.engine.inference import features


def inliers(phi: Array, y: Array, outliers: float) -> Array:
    """Return the positions of the samples that remain, in order.

    Arguments:
        phi: Features, (n, F).
        y: Labels, (n,).
        outliers: The expected share of outliers in each label; 1.5 times as many are removed.

    Example:
        >>> phi = np.array([[5.0, 5.1], [5.1, 5.0], [5.0, 4.9], [4.9, 5.0], [8.0, 5.0]])
        >>> inliers(phi, np.zeros(5, dtype=int), outliers=0.2)
        array([0, 1, 2, 3])
    """
    removed = []
    for label in np.unique(y):
        positions = np.flatnonzero(y == label)
        centred = phi[positions].astype(float) - phi[positions].mean(0, dtype=float)
        direction = np.linalg.svd(centred, full_matrices=False)[2][0]
        order = np.argsort(-((centred @ direction) ** 2), kind="stable")
        # Rounded against binary rounding of the share. One sample of each label stays.
        count = min(int(round(1.5 * outliers * len(positions), 6)), len(positions) - 1)
        removed.append(positions[order[:count]])
    return np.setdiff1d(np.arange(len(y)), np.concatenate(removed))


@dataclass(frozen=True)
class SpectralSignatures(GradientLearner):
    r"""Spectral signatures.

    A first model is trained on all samples. Its features :math:`\phi`, the inputs of its last
    layer, are centred within each label y of :math:`n_y` samples. With v their top right singular
    vector, the

    .. math:: \lfloor 1.5\, \varepsilon\, n_y \rfloor \text{ samples with the largest }
        \big( (\phi(x_i) - \bar\phi_y)^\top v \big)^2

    are removed. A second model is trained from scratch on the rest. The weight of a sample is
    one if it remains, and zero otherwise.

    A collective that plants a signal under one label consists of outliers there, as long as it is
    a minority of that label; if it is the majority, other samples are removed.

    References:
        | Spectral Signatures in Backdoor Attacks (Tran et al., 2018)
        | https://arxiv.org/abs/1811.00636

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data of each model.
        outliers: The expected share :math:`\varepsilon` of outliers in each label.

    Example:
        >>> from algorithms.base import TrainingSet
        >>> x = np.array([[1.0], [1.1], [0.9], [9.0], [-1.0]])
        >>> sample = TrainingSet(x, np.array([0, 0, 0, 0, 1]))
        >>> SpectralSignatures(outliers=0.2).fit(sample, np.random.default_rng(0)).flagged
        array([False, False, False,  True, False])
    """

    space: ClassVar = GradientLearner.space | {"outliers": [0.01, 0.05, 0.1, 0.2]}

    outliers: Annotated[float, Ge(0), Lt(1)] = 0.05

    def hooks(self, samples: Samples) -> Hooks:
        """Return no hooks."""
        return Hooks()

    def replicas(
        self,
        samples: Samples,
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train, remove outliers, and train again."""
        first = self.descend(samples, rngs, hyperparams, trace=False)
        kept = [
            np.arange(len(s))
            if isinstance(o, Exception)
            else inliers(features(self.network, o.parameters, s.x), s.y, outliers)
            for o, s, outliers in zip(first, samples, hyperparams["outliers"], strict=True)
        ]
        return self.retrain_on(first, samples, kept, rngs, hyperparams)
