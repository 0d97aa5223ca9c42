"""Train once, then train again on what went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from annotated_types import Ge

from algorithms.base import Array, TrainingSet
from algorithms.engine.hooks import Hooks
from algorithms.engine.inference import probabilities
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome
from algorithms.engine.loop import Trained


@dataclass(frozen=True)
class JTT(GradientLearner):
    r"""Just train twice (JTT).

    A first model is trained for a few epochs; its mistakes on the training data are the error set
    E. A second one starts afresh on data in which each sample of E stands :math:`\lambda` times:

    .. math:: \min_\theta \lambda \sum_{i \in E} \ell_i(\theta) + \sum_{i \notin E} \ell_i(\theta)

    The copies are drawn: a batch takes a sample of E with :math:`\lambda` times the chance of
    another, so an epoch costs what it costs without them. (Of the meanings that :math:`\lambda`
    has in published code, this is "exactly :math:`\lambda` copies".)

    A small collective is among the mistakes of the first model and is amplified; a large one
    has been fitted by it and is outvoted by the other mistakes.

    References:
        | Just Train Twice: Improving Group Robustness without Training Group Information (Liu et al., 2021)
        | https://arxiv.org/abs/2107.09044

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data of the second model.
        first: Passes over the training data of the first model.
        upweight: How often a mistake counts, :math:`\lambda`; once is :class:`ERM`, but for
            drawing with replacement.
    """  # noqa: E501 (a title)

    first: Annotated[int, Ge(1)] = 2
    upweight: Annotated[float, Ge(1)] = 20.0

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        outcomes = self.descend(
            samples, rngs, hyperparams, epochs=self.first, selection=None, trace=False
        )
        errors = {
            r: self.mistakes(samples[r], first)
            for r, first in enumerate(outcomes)
            if not isinstance(first, Exception)
        }
        if not errors:
            return outcomes
        chances = {
            r: np.where(wrong, hyperparams["upweight"][r], 1.0) for r, wrong in errors.items()
        }
        hooks = Hooks(chances=np.stack(list(chances.values())))
        results = self.retrain(outcomes, samples, rngs, hyperparams, hooks)
        for r, weights in chances.items():
            result = results[r]
            if not isinstance(result, Exception):
                results[r] = replace(result, weights=weights, suspects=errors[r])
        return results

    def mistakes(self, sample: TrainingSet, first: Trained) -> Array:
        """Which samples the first model gets wrong, (n,)."""
        return probabilities(self.network, first.parameters, sample.x).argmax(1) != sample.y
