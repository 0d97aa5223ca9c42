"""The representation of points in a network: the inputs of its last layer."""

from collections.abc import Callable
from functools import partial

import numpy as np
from torch import Tensor

from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.encoding import standardise
from algorithms.engine.classifiers import classifiers
from algorithms.engine.inference import features
from algorithms.engine.learner import GradientLearner


def fit_with_features(
    learner: Learner, sample: TrainingSet, rng: np.random.Generator
) -> tuple[Fitted, Callable[[], Array]]:
    """Train a learner as :meth:`Learner.fit` does, and keep the features of its network.

    A learner without a network of :class:`GradientLearner` has no features: the points,
    standardised, take their place.

    Arguments:
        learner: The learner.
        sample: The training set.
        rng: The only source of randomness.

    Returns:
        The classifier, and a function that computes the features of the sample, (n, F). Of
        several networks of one replica, the features are those of the first one.

    Raises:
        ArithmeticError: If the training diverges.

    Example:
        >>> from algorithms.erm import ERM
        >>> from algorithms.knn import KNN
        >>> sample = TrainingSet(np.array([[0.0], [2.0], [4.0]]), np.array([0, 1, 1]))
        >>> fitted, features = fit_with_features(ERM(), sample, np.random.default_rng(0))
        >>> features().shape
        (3, 64)
        >>> fitted, features = fit_with_features(KNN(), sample, np.random.default_rng(0))
        >>> features().ravel()
        array([-1.2247449,  0.       ,  1.2247449], dtype=float32)
    """
    if not isinstance(learner, GradientLearner) or not _one_training(learner):
        return learner.fit(sample, rng), lambda: standardise([sample])[0].flat
    learner.validate()
    seen = standardise([sample])[0] if learner.scaling == "standard" else sample
    hyperparams = {name: [value] for name, value in learner.hyperparams().items()}
    (outcome,) = learner.replicas([seen], [rng], hyperparams)
    if isinstance(outcome, Exception):
        raise outcome
    (fitted,) = classifiers(learner.network, [outcome], [seen])
    if isinstance(fitted, Exception):
        raise fitted
    first = [part[:1] for part in outcome.parameters]
    return fitted, partial(_features, learner, first, seen)


def _features(learner: GradientLearner, parameters: list[Tensor], sample: TrainingSet) -> Array:
    return features(learner.network, parameters, sample.x)


def _one_training(learner: GradientLearner) -> bool:
    """Return whether a learner trains by the stacks of :class:`GradientLearner`."""
    return type(learner).fit_many is GradientLearner.fit_many
