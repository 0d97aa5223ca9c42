"""Suspicion by the loss of a point."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from algorithms.base import Array
from bench.core.errors import BenchError
from bench.detection.base import Evidence, Score

#: The probability that replaces smaller ones.
TINY = 1e-12


@dataclass(frozen=True)
class Loss(Score):
    r"""Loss of a training point.

    .. math:: s_i = -\log p(y_i \mid x_i)

    A model that has learnt the signal of a collective has small losses at its members: the score
    points at members only as long as their labels contradict what the model has learnt. Of
    learners that keep their epochs (``ERM(trace=True)``) earlier models can be examined.

    References:
        | Anti-Backdoor Learning: Training Clean Models on Poisoned Data (Li et al., 2021)
        | https://arxiv.org/abs/2110.11571

    Arguments:
        epoch: The epoch of the training whose model is examined, counted from 1; the trained
            model, if None.

    Example:
        >>> from algorithms.base import Fitted, TrainingSet
        >>> even = Fitted(lambda x: np.zeros(len(x)), lambda x: np.full((len(x), 2), 0.5))
        >>> sample = TrainingSet(np.zeros((2, 1)), np.array([0, 1]))
        >>> evidence = Evidence(sample, even, lambda: sample.flat)
        >>> Loss().suspicion(evidence, np.random.default_rng(0)).round(3)
        array([0.693, 0.693])
    """

    epoch: Annotated[int, Ge(1)] | None = None

    def suspicion(self, evidence: Evidence, rng: np.random.Generator) -> Array:
        """Return the loss of each training point, (n,).

        Raises:
            BenchError: If the learner has no probabilities, or not that epoch.
        """
        proba, path = evidence.fitted.predict_proba, evidence.fitted.path
        if self.epoch is not None:
            if self.epoch > len(path):
                raise BenchError(
                    f"{self!r} needs the model of epoch {self.epoch}, and the learner kept "
                    f"{len(path)} epochs: use a learner with trace=True that trains for as many, "
                    f"such as ERM(trace=True), or Loss() for the trained model"
                )
            proba = path[self.epoch - 1].predict_proba
        if proba is None:
            raise BenchError(
                f"{self!r} needs probabilities, and the learner predicts labels only: use a "
                f"learner with probabilities, such as ERM, or another score"
            )
        y = evidence.sample.y
        p = np.asarray(proba(evidence.sample.x), dtype=np.float64)
        return np.asarray(-np.log(np.maximum(p[np.arange(len(y)), y], TINY)))
