"""Risk extrapolation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.environments import annealing, environments
from algorithms.engine.hooks import Batch, Hooks, Replicas
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def extrapolated_risk(logits: Tensor, batch: Batch, stack: Replicas) -> Tensor:
    """The mean of the environments' risks and their weighted variance."""
    within, across = environments(batch, stack, logits.dtype)
    loss = -logits.log_softmax(1).gather(1, batch.labels[:, None])[:, 0]
    risk = (within * loss[:, None]).sum(2)
    mean = (across * risk).sum(1, keepdim=True)
    return (across * (risk + stack.state["penalty"] * (risk - mean).square())).sum(1)


@dataclass(frozen=True)
class VREx(GradientLearner):
    r"""Risk extrapolation by the variance of risks (V-REx).

    .. math:: \min_\theta \frac1E \sum_{e=1}^E L_e + \lambda \frac1E \sum_{e=1}^E
        \Big(L_e - \frac1E \sum_{e'=1}^E L_{e'}\Big)^2

    with :math:`L_e` the mean loss of environment e in the batch. The groups are the environments;
    where data have no groups, the labels are.

    A collective that makes its environment hard is heard above its size, until all environments
    are equally hard: the others may even be made worse for it.

    References:
        | Out-of-Distribution Generalization via Risk Extrapolation (Krueger et al., 2021)
        | https://arxiv.org/abs/2003.00688

    Arguments (and those of :class:`GradientLearner`):
        penalty: The weight :math:`\lambda` of the variance.
        anneal: In so many first epochs the weight is at most 1.
    """

    penalty: Annotated[float, Ge(0)] = 1.0
    anneal: Annotated[int, Ge(0)] = 5

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        hooks = Hooks(objective=extrapolated_risk, begin=annealing(self.anneal, most=1.0))
        return self.descend(samples, rngs, hyperparams, hooks)
