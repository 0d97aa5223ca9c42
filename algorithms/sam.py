"""Sharpness-aware minimisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge

from algorithms.base import TrainingSet
from algorithms.engine.hooks import Batch, Gradient, Hooks, TrainingState
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def uphill(loop: TrainingState, batch: Batch) -> Gradient:
    """The gradient at the top of the ball around the parameters, which stay where they are."""
    here, (gradients, _) = loop.parameters, loop.gradient(batch)
    # One after the other: how a stack is summed depends on the number of replicas in it.
    square = torch.zeros_like(loop.stack.hyperparams["radius"][:, 0])
    for gradient in gradients:
        square += gradient.square().flatten(1).sum(1)
    reach = loop.stack.hyperparams["radius"][:, 0] / square.sqrt().clamp_min(1e-12)
    try:
        loop.parameters = [
            p + reach.view(-1, *[1] * (p.ndim - 1)) * g
            for p, g in zip(here, gradients, strict=True)
        ]
        return loop.gradient(batch)
    finally:
        loop.parameters = here


@dataclass(frozen=True)
class SAM(GradientLearner):
    r"""Sharpness-aware minimisation (SAM).

    .. math:: \min_\theta \max_{\lVert \epsilon \rVert_2 \le \rho} L(\theta + \epsilon), \qquad
        \hat\epsilon = \rho \, \nabla L(\theta) / \lVert \nabla L(\theta) \rVert_2

    with L the mean loss of a batch: the gradient at :math:`\theta + \hat\epsilon` is descended
    from :math:`\theta`. A step costs two.

    All people count alike, but what is learnt from a few of them must survive a push of all
    parameters: the radius sets how clearly a collective has to speak.

    References:
        | Sharpness-Aware Minimization for Efficiently Improving Generalization (Foret et al., 2021)
        | https://arxiv.org/abs/2010.01412

    Arguments (and those of :class:`GradientLearner`):
        radius: The radius :math:`\rho` of the ball; a ball of 0 is :class:`ERM`.
    """  # noqa: E501 (a title)

    radius: Annotated[float, Ge(0)] = 0.05

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        return self.descend(samples, rngs, hyperparams, Hooks(around=uphill))
