"""A fit in another process. This module imports little, so that its processes start fast."""

import os

import numpy as np

from algorithms.base import Array, Fitted, TrainingSet
from algorithms.runtime.settings import restored_settings
from algorithms.runtime.threads import one_thread
from bench.core.random_streams import stream
from bench.core.worker_processes import Serialized


def predictions(learner: Serialized, sample: TrainingSet, variables: dict[str, str]) -> Array:
    """Return a learner's predictions on its own sample.

    Arguments:
        learner: The learner.
        sample: The sample.
        variables: The environment of the process that asks, as the data root may be in it.
    """
    with restored_settings(), one_thread():
        os.environ.update(variables)
        fitted: Fitted = learner.load().fit(sample, stream(0, "fit"))
        return np.asarray(fitted.predict(sample.x))
