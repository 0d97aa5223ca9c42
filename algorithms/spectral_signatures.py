"""Remove those who stick out along the main direction of their label's features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Lt

from algorithms.base import Array, TrainingSet
from algorithms.engine.inference import features
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def unsuspected(phi: Array, y: Array, outliers: float) -> Array:
    """Positions, in order, of those who are left of features (n, F) and labels (n,).

    Example:
        >>> phi = np.array([[5.0, 5.1], [5.1, 5.0], [5.0, 4.9], [4.9, 5.0], [8.0, 5.0]])
        >>> unsuspected(phi, np.zeros(5, dtype=int), outliers=0.2)
        array([0, 1, 2, 3])
    """
    removed = []
    for label in np.unique(y):
        own = np.flatnonzero(y == label)
        centred = phi[own].astype(float) - phi[own].mean(0, dtype=float)
        direction = np.linalg.svd(centred, full_matrices=False)[2][0]
        order = np.argsort(-((centred @ direction) ** 2), kind="stable")
        # A share is a little off in binary; somebody of each label stays.
        most = int(round(1.5 * outliers * len(own), 6))
        removed.append(own[order[: min(most, len(own) - 1)]])
    return np.setdiff1d(np.arange(len(y)), np.concatenate(removed))


@dataclass(frozen=True)
class SpectralSignatures(GradientLearner):
    r"""Spectral signatures.

    A first model is trained on everybody. Its features :math:`\phi`, which its last layer sees,
    are centred within each label y of :math:`n_y` people, and with their top right singular
    vector v the

    .. math:: \lfloor 1.5\, \varepsilon\, n_y \rfloor \text{ people with the largest }
        \big( (\phi(x_i) - \bar\phi_y)^\top v \big)^2

    are removed. A second model starts afresh on the rest. Weights are one or zero.

    A collective that plants a signal under one label sticks out there, as long as it is a
    minority of that label; one that is its majority is the norm, and others are removed.

    References:
        | Spectral Signatures in Backdoor Attacks (Tran et al., 2018)
        | https://arxiv.org/abs/1811.00636

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data of each model.
        outliers: The share :math:`\varepsilon` of each label that is thought to be foul; half as
            many again are removed.
    """

    outliers: Annotated[float, Ge(0), Lt(1)] = 0.05

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        first = self.descend(samples, rngs, hyperparams, selection=None, trace=False)
        kept = [
            np.arange(len(s))
            if isinstance(o, Exception)
            else unsuspected(features(self.network, o.parameters, s.x), s.y, outliers)
            for o, s, outliers in zip(first, samples, hyperparams["outliers"], strict=True)
        ]
        return self.retrain_on(first, samples, kept, rngs, hyperparams)
