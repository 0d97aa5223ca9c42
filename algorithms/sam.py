"""Sharpness-aware minimisation."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge

from algorithms.engine import Batch, Gradient, GradientLearner, Hooks, Samples, TrainingState


def perturbed_gradient(state: TrainingState, batch: Batch) -> Gradient:
    """Return the gradient at the parameters that maximise the linearised loss in the ball."""
    gradients, _ = state.gradient(batch)
    radius = state.replicas.hyperparams["radius"][:, 0]
    # One sum for each parameter: the order of one large sum would depend on the stack's size.
    square = torch.zeros_like(radius)
    for gradient in gradients:
        square += gradient.square().flatten(1).sum(1)
    scale = radius / square.sqrt().clamp_min(1e-12)
    perturbed = [
        p + scale.view(-1, *[1] * (p.ndim - 1)) * g
        for p, g in zip(state.parameters, gradients, strict=True)
    ]
    return state.gradient(batch, perturbed)


@dataclass(frozen=True)
class SAM(GradientLearner):
    r"""Sharpness-aware minimisation (SAM).

    .. math:: \min_\theta \max_{\lVert \epsilon \rVert_2 \le \rho} L(\theta + \epsilon), \qquad
        \hat\epsilon = \rho \, \nabla L(\theta) / \lVert \nabla L(\theta) \rVert_2

    with L the mean loss of a batch: a step from :math:`\theta` uses the gradient at
    :math:`\theta + \hat\epsilon`, and costs two gradients.

    All samples have the same weight, but what is learnt from a few of them must survive a
    perturbation of all parameters: the radius determines how strong a signal has to be.

    References:
        | Sharpness-Aware Minimization for Efficiently Improving Generalization (Foret et al., 2021)
        | https://arxiv.org/abs/2010.01412

    Arguments (and those of :class:`GradientLearner`):
        radius: The radius :math:`\rho` of the ball; a ball of 0 is :class:`ERM`.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> sample = TrainingSet(np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]))
        >>> SAM().fit(sample, np.random.default_rng(0)).predict(sample.x)
        array([0, 0, 1, 1])
    """  # noqa: E501 (a title)

    space: ClassVar = GradientLearner.space | {"radius": [0.02, 0.05, 0.1, 0.2]}

    radius: Annotated[float, Ge(0)] = 0.05

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks with the gradient at the perturbed parameters."""
        return Hooks(gradient_step=perturbed_gradient)
