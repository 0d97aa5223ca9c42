"""The representation of points in a network: the inputs of its last layer."""

import numpy as np

from algorithms.base import Array, Learner, TrainingSet
from algorithms.encoding import standardise
from algorithms.engine.inference import features
from algorithms.engine.learner import GradientLearner


def representation(learner: Learner, sample: TrainingSet, rng: np.random.Generator) -> Array:
    """Return the features of a sample in the network that a learner trains on it.

    The training is that of :meth:`Learner.fit` with the same generator. A learner without a
    network of :class:`GradientLearner` has no features: the points, standardised, take their
    place.

    Arguments:
        learner: The learner.
        sample: The training set.
        rng: The only source of randomness.

    Returns:
        Features, (n, F). Of several networks of one replica, those of the first one.

    Raises:
        ArithmeticError: If the training diverges.

    Example:
        >>> from algorithms.erm import ERM
        >>> from algorithms.knn import KNN
        >>> sample = TrainingSet(np.array([[0.0], [2.0], [4.0]]), np.array([0, 1, 1]))
        >>> representation(ERM(), sample, np.random.default_rng(0)).shape
        (3, 64)
        >>> representation(KNN(), sample, np.random.default_rng(0)).ravel()
        array([-1.2247449,  0.       ,  1.2247449], dtype=float32)
    """
    (scaled,) = standardise([sample])
    if not isinstance(learner, GradientLearner) or not _one_training(learner):
        return scaled.flat
    learner.validate()
    seen = scaled if learner.scaling == "standard" else sample
    hyperparams = {name: [value] for name, value in learner.hyperparams().items()}
    (outcome,) = learner.replicas([seen], [rng], hyperparams)
    if isinstance(outcome, Exception):
        raise outcome
    return features(learner.network, [part[:1] for part in outcome.parameters], seen.x)


def _one_training(learner: GradientLearner) -> bool:
    """Return whether a learner trains by the stacks of :class:`GradientLearner`."""
    return type(learner).fit_many is GradientLearner.fit_many
