"""The gradient-training engine: one loop that trains many replicas at once.

A learner extends :class:`GradientLearner` and returns :class:`Hooks`. This module exports all
names that such a learner needs.
"""

from algorithms.engine.data import Batch as Batch
from algorithms.engine.hooks import Gradient as Gradient
from algorithms.engine.hooks import Hooks as Hooks
from algorithms.engine.hooks import Replicas as Replicas
from algorithms.engine.hooks import Samples as Samples
from algorithms.engine.hooks import TrainingState as TrainingState
from algorithms.engine.learner import GradientLearner as GradientLearner
from algorithms.engine.learner import Hyperparams as Hyperparams
from algorithms.engine.loop import Outcome as Outcome
from algorithms.engine.loop import Trained as Trained
from algorithms.engine.model_selection import Rule as Rule
