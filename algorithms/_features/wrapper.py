"""Learners on representations of points."""

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import fields

import numpy as np

from algorithms.base import Fitted, Learner, TrainingSet


class FeatureLearner(Learner):
    """A learner that trains another one, ``base``, on a representation of points. Abstract.

    A subclass encodes samples, and composes classifiers with the encoding, in :meth:`fit_stacked`.
    """

    base: Learner

    @staticmethod
    @abstractmethod
    def fit_stacked(
        learners: Sequence[Learner],
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
    ) -> list[Fitted | Exception]:
        """Train learners of one :meth:`stacking_key`, each on its sample."""

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return self.fit_alone(sample, rng)

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train on many samples, as ``base`` does."""
        return self.fit_stacked([self] * len(samples), samples, rngs)

    def stacking_key(self) -> Hashable:
        """Return a key that learners share whose encodings and base learners stack."""
        names = [f.name for f in fields(self) if f.name != "base"]  # type: ignore[arg-type]
        return type(self), self.base.stacking_key(), *(getattr(self, name) for name in names)
