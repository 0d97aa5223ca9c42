"""Classifiers of scikit-learn as learners."""

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.encoding import fit_scaled
from algorithms.scaling import Scaling


def constant(label: int, classes: int) -> Fitted:
    """Return the classifier that predicts one label for all points."""

    def predict(x: Array) -> Array:
        return np.full(x.shape[0], label)

    def predict_proba(x: Array) -> Array:
        return np.eye(classes)[predict(x)]

    return Fitted(predict, predict_proba)


def fit_estimator(estimator: Any, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
    """Fit a scikit-learn classifier on flattened points.

    Each ``random_state`` of the estimator, and of the estimators that it is made of, is drawn
    from the generator. A sample with one label gives the constant classifier, since not all
    estimators can be fitted on it.

    Arguments:
        estimator: The classifier; it is changed.
        sample: The training sample. Its points may be a sparse matrix, if the estimator takes one.
        rng: The generator of randomness.
    """
    if (sample.y == sample.y[0]).all():
        return constant(sample.y[0], sample.classes)
    states = sorted(
        name
        for name in estimator.get_params(deep=True)
        if name.rpartition("__")[2] == "random_state"
    )
    # The estimator's own state is drawn first: "random_state" would sort after nested names.
    states.sort(key=lambda name: name != "random_state")
    estimator.set_params(**{name: int(rng.integers(2**31)) for name in states})
    estimator.fit(sample.flat, sample.y)

    def predict(x: Array) -> Array:
        return estimator.predict(x.reshape(x.shape[0], -1))

    def predict_proba(x: Array) -> Array:
        probabilities = np.zeros((x.shape[0], sample.classes))
        flat = x.reshape(x.shape[0], -1)
        probabilities[:, estimator.classes_] = estimator.predict_proba(flat)
        return probabilities

    return Fitted(predict, predict_proba if hasattr(estimator, "predict_proba") else None)


class EstimatorLearner(Learner):
    """A learner that fits a classifier of scikit-learn. Abstract."""

    #: The scaling of points. A method that depends on it has a field of this name.
    scaling: Scaling = "none"

    @abstractmethod
    def estimator(self, n: int) -> Any:
        """Return the unfitted classifier for n points."""

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return fit_scaled(
            self.scaling, sample, lambda s: fit_estimator(self.estimator(len(s)), s, rng)
        )


def takes_sparse(learner: Learner) -> bool:
    """Return whether a learner can be trained on points that are a sparse matrix.

    Example:
        >>> from algorithms.naive_bayes import NaiveBayes
        >>> from algorithms.random_forest import RandomForest
        >>> takes_sparse(RandomForest()), takes_sparse(NaiveBayes())
        (True, False)
    """
    if not isinstance(learner, EstimatorLearner):
        return False
    return bool(get_tags(learner.estimator(n=1)).input_tags.sparse)
