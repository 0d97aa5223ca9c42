"""Learners on representations of points: samples are encoded, classifiers are composed."""

from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from algorithms.base import Array, Classifier, Fitted, Learner, Predict, Rows, TrainingSet


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


def encode_sample(sample: TrainingSet, encode: Callable[[Rows], Rows]) -> TrainingSet:
    """Return a sample, with its validation data, whose points are encoded.

    The law of the points is not that of their encodings, and is left out.
    """
    validation = sample.validation and encode_sample(sample.validation, encode)
    encoded = TrainingSet(encode(sample.rows), sample.y, sample.group, sample.classes, validation)
    encoded.groups = sample.groups
    if sample.group is sample.y:
        encoded.group = encoded.y
    return encoded


def compose(fitted: Fitted, encode: Callable[[Array], Any]) -> Fitted:
    """Return a classifier of encodings as a classifier of points.

    Arguments:
        fitted: The classifier of encodings.
        encode: The function from points (m, ...) to their encodings.
    """

    def composed(predict: Predict) -> Predict:
        return lambda x: predict(encode(x))

    def functions(classifier: Classifier) -> dict[str, Any]:
        return {
            "predict": composed(classifier.predict),
            "predict_proba": classifier.predict_proba and composed(classifier.predict_proba),
        }

    path = [replace(epoch, **functions(epoch)) for epoch in fitted.path]
    # A density of encodings is not a density of points.
    return replace(fitted, **functions(fitted), log_density=None, path=path)
