"""Invariant risk minimisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.environments import annealing, environments
from algorithms.engine.hooks import Batch, Hooks, Replicas
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome
from algorithms.networks import product


def invariant_risk(logits: Tensor, batch: Batch, stack: Replicas) -> Tensor:
    """The mean over environments of risk and penalty, divided by the penalty's weight above 1."""
    within, across = environments(batch, stack, logits.dtype)
    log_p, truth = logits.log_softmax(1), batch.labels[:, None]
    loss = -log_p.gather(1, truth)[:, 0]
    # The derivative of the loss by the scale of the logits, at a scale of one.
    slope = (log_p.exp() * logits).sum(1) - logits.gather(1, truth)[:, 0]
    risk, drift = product(within, torch.stack([loss, slope], 2)).unbind(2)
    weight = stack.state["penalty"]
    return (across * (risk + weight * drift.square()) / weight.clamp_min(1)).sum(1)


@dataclass(frozen=True)
class IRM(GradientLearner):
    r"""Invariant risk minimisation (IRM), version 1.

    .. math:: \min_\theta \frac1E \sum_{e=1}^E L_e(f_\theta)
        + \lambda \Big( \frac{d}{ds} L_e(s f_\theta) \Big|_{s=1} \Big)^2, \qquad
        \frac{d}{ds} \ell(s z, y) \Big|_{s=1} = \sum_k (p_k - [y = k]) z_k

    with :math:`L_e` the mean loss of environment e in the batch: no environment may wish for
    other logits than a multiple of these. The groups are the environments; where data have no
    groups, the labels are. Above :math:`\lambda = 1` all is divided by :math:`\lambda`.

    A collective whose signal means something in one environment and not in another is not
    believed; one that is alike in all environments passes as invariant.

    References:
        | Invariant Risk Minimization (Arjovsky et al., 2019)
        | https://arxiv.org/abs/1907.02893

    Arguments (and those of :class:`GradientLearner`):
        penalty: The weight :math:`\lambda` of the penalty.
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
        hooks = Hooks(objective=invariant_risk, begin=annealing(self.anneal, most=1.0))
        return self.descend(samples, rngs, hyperparams, hooks)
