"""What is trained on another representation of the points: samples there, classifiers back."""

from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from algorithms.base import Array, Classifier, Fitted, Learner, Predict, Rows, TrainingSet


class FeatureLearner(Learner):
    """A learner that trains another one, ``base``, on a representation of points. Abstract.

    How samples are represented, and classifiers brought back, is said in :meth:`fit_stacked`.
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
        """Train on many samples, as the learner on representations does."""
        return self.fit_stacked([self] * len(samples), samples, rngs)

    def stacking_key(self) -> Hashable:
        """Return the class, its fields and the key of the base learner."""
        names = [f.name for f in fields(self) if f.name != "base"]  # type: ignore[arg-type]
        return type(self), self.base.stacking_key(), *(getattr(self, name) for name in names)


def represented(sample: TrainingSet, make: Callable[[Rows], Rows]) -> TrainingSet:
    """A sample, and its validation data, with other points in place of its own."""
    held = sample.validation and represented(sample.validation, make)
    made = TrainingSet(make(sample.rows), sample.y, sample.group, sample.classes, held)
    made.groups = sample.groups
    if sample.group is sample.y:
        made.group = made.y
    return made


def on_points(fitted: Fitted, of: Callable[[Array], Array]) -> Fitted:
    """A classifier of representations as one of points."""

    def on(predict: Predict) -> Predict:
        return lambda x: predict(of(x))

    def on_points_of(classifier: Classifier) -> dict[str, Any]:
        return {
            "predict": on(classifier.predict),
            "predict_proba": classifier.predict_proba and on(classifier.predict_proba),
        }

    path = [replace(epoch, **on_points_of(epoch)) for epoch in fitted.path]
    # A density of representations is none of points.
    return replace(fitted, **on_points_of(fitted), log_density=None, path=path)
