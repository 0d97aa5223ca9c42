"""The contract of update rules: from a round's sample and an earlier state to a classifier."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from algorithms.base import Fitted, Learner, TrainingSet


class UpdateRule(ABC):
    """The way in which a firm makes a model of each round's people. Abstract.

    A subclass is a frozen dataclass with one method, :meth:`update`. Its field ``learner`` is the
    learning algorithm.
    """

    learner: Learner

    @abstractmethod
    def update(
        self, state: Any, sample: TrainingSet, rng: np.random.Generator
    ) -> tuple[Any, Fitted]:
        """Return the firm's new state, and the classifier that it deploys.

        Arguments:
            state: What the firm keeps from the round before; None in the first round.
            sample: The training set of the round.
            rng: The only source of randomness.
        """
