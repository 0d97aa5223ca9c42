"""Classifiers of scikit-learn as learners."""

from typing import Any

import numpy as np

from algorithms.base import Array, Fitted, TrainingSet


def constant(label: int, classes: int) -> Fitted:
    """The classifier that gives one label to all points."""

    def predict(x: Array) -> Array:
        return np.full(len(x), label)

    def predict_proba(x: Array) -> Array:
        return np.eye(classes)[predict(x)]

    return Fitted(predict, predict_proba)


def fit_estimator(estimator: Any, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
    """Fit a scikit-learn classifier on flat points; its random state comes from the generator.

    Of one label there is nothing to tell apart, and not all of them take that.
    """
    if (sample.y == sample.y[0]).all():
        return constant(sample.y[0], sample.classes)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=int(rng.integers(2**31)))
    estimator.fit(sample.flat, sample.y)

    def predict(x: Array) -> Array:
        return estimator.predict(x.reshape(len(x), -1))

    def predict_proba(x: Array) -> Array:
        full = np.zeros((len(x), sample.classes))
        full[:, estimator.classes_] = estimator.predict_proba(x.reshape(len(x), -1))
        return full

    return Fitted(predict, predict_proba if hasattr(estimator, "predict_proba") else None)
