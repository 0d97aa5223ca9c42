"""The contract of suspicion scores, and the evidence that they read."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property

import numpy as np

from algorithms.base import Array, Fitted, TrainingSet


class Evidence:
    """The data and the model in which a firm looks for members.

    Arguments:
        sample: The training set.
        fitted: The trained classifier.
        represent: The function that computes the features of the sample, (n, F). It is called
            at most once, and only if a score needs it.

    Example:
        >>> sample = TrainingSet(np.zeros((3, 2)), np.array([0, 1, 1]))
        >>> evidence = Evidence(sample, Fitted(lambda x: np.zeros(len(x))), lambda: np.eye(3))
        >>> evidence.features.shape, evidence.points.shape
        ((3, 3), (3, 2))
    """

    def __init__(
        self, sample: TrainingSet, fitted: Fitted, represent: Callable[[], Array]
    ) -> None:
        self.sample, self.fitted, self._represent = sample, fitted, represent

    @cached_property
    def features(self) -> Array:
        """The inputs of the network's last layer, float64, (n, F); points without a network."""
        return np.asarray(self._represent(), dtype=np.float64)

    @cached_property
    def points(self) -> Array:
        """The points as vectors, standardised, float64, (n, d)."""
        scaler = self.sample.rows.fit_scaler()
        x = self.sample.x if scaler is None else scaler(self.sample.x)
        return x.reshape(len(x), -1).astype(np.float64)


class Score(ABC):
    """A suspicion score: one number a training point, higher where membership is more likely.

    A subclass is a frozen dataclass with the method :meth:`suspicion`. Its fields are its
    settings; each has a default.
    """

    @abstractmethod
    def suspicion(self, evidence: Evidence, rng: np.random.Generator) -> Array:
        """Return the suspicion of each training point, (n,), finite.

        Arguments:
            evidence: The training set, the classifier and the features.
            rng: The only source of randomness.
        """


def by_label(y: Array, of: Callable[[Array], Array]) -> Array:
    """Return a score that is computed within each label.

    A label with a single point gives no evidence: that point gets the least suspicion of all.

    Arguments:
        y: Labels, (n,).
        of: The function from the positions (m,) of the points of a label to their scores (m,).

    Example:
        >>> by_label(np.array([0, 0, 1]), lambda positions: 5.0 + positions).tolist()
        [5.0, 6.0, 5.0]
    """
    scores = np.full(len(y), np.nan)
    for label in np.unique(y):
        positions = np.flatnonzero(y == label)
        if len(positions) > 1:
            scores[positions] = of(positions)
    known = ~np.isnan(scores)
    scores[~known] = scores[known].min() if known.any() else 0.0
    return scores
