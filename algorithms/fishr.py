"""Invariant variances of gradients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Interval
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.environments import annealing, environments
from algorithms.engine.hooks import Batch, Gradient, Hooks, Replicas, TrainingState
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome
from algorithms.networks import last, product


def gradient_variances(features: Tensor, slope: Tensor, within: Tensor) -> Tensor:
    r"""The variances of the last layer's gradients over each environment, (R, E, K * (F + 1)).

    A sample's gradient is :math:`\delta a^\top`, with :math:`\delta` the loss's slope at the
    logits and a the features and a one: the means of it and of its square are two products.

    Arguments:
        features: Features, (R, F, b).
        slope: The slope of each sample's loss at its logits, (R, K, b).
        within: What each sample counts in each environment's mean, (R, E, b).
    """
    inputs = torch.cat([features, torch.ones_like(features[:, :1])], 1).transpose(1, 2)

    def mean(left: Tensor, right: Tensor) -> Tensor:
        return product((within[:, :, None] * left[:, None]).flatten(1, 2), right)

    variances = mean(slope.square(), inputs.square()) - mean(slope, inputs).square()
    return variances.view(*within.shape[:2], -1)


def remembered(fresh: Tensor, present: Tensor, stack: Replicas) -> Tensor:
    """Moving averages (R, E, P); who is met for the first time brings its own."""
    state, present = stack.state, present[:, :, None]
    if "variances" not in state:
        state["variances"] = torch.zeros_like(fresh)
        state["met"] = torch.zeros_like(present)
    keep = torch.where(state["met"], stack.hyperparams["memory"][:, :, None], 0.0)
    average = torch.where(present, keep * state["variances"] + (1 - keep) * fresh, 0.0)
    state["variances"] = torch.where(present, average.detach(), state["variances"])
    state["met"] = state["met"] | present
    return average


def matched(loop: TrainingState, batch: Batch) -> Gradient:
    """The gradient of risk and penalty; the penalty reaches the features directly too."""
    stack, truth = loop.stack, batch.labels[:, None]
    within, across = environments(batch, stack, loop.parameters[0].dtype)
    with torch.enable_grad():
        leaves = [p.detach().requires_grad_() for p in loop.parameters]
        features = loop.network.features(leaves, batch.x, loop.shape)
        log_p = last(leaves, features).log_softmax(1)
        loss = -log_p.gather(1, truth)[:, 0]
        slope = log_p.exp().scatter_add(1, truth, torch.full_like(log_p[:, :1], -1.0))
        variances = remembered(gradient_variances(features, slope, within), across > 0, stack)
        mean = (across[:, :, None] * variances).sum(1, keepdim=True)
        distance = (variances - mean).square().sum(2)
        risk = (within * loss[:, None]).sum(2)
        value = (across * (risk + stack.state["penalty"] * distance)).sum(1)
        gradients = torch.autograd.grad(value.sum(), leaves)
    return list(gradients), value.detach()


@dataclass(frozen=True)
class Fishr(GradientLearner):
    r"""Fishr: the variance of gradients is made the same in all environments.

    .. math:: \min_\theta \frac1E \sum_{e=1}^E L_e
        + \lambda \frac1E \sum_{e=1}^E \lVert v_e - \bar v \rVert_2^2, \qquad
        v_e = \mathrm{Var}_{i \in e} \big[ \nabla_{W, b} \, \ell(W \phi(x_i) + b, y_i) \big], \quad
        \bar v = \frac1E \sum_{e=1}^E v_e

    with :math:`L_e` the mean loss of environment e in the batch, W and b the last layer, and
    :math:`v_e` a moving average over batches. The groups are the environments; where data have no
    groups, the labels are.

    Members who contradict others of their environment spread its gradients: it is told to be as
    much at one with itself as the others are, or they as little.

    References:
        | Fishr: Invariant Gradient Variances for Out-of-Distribution Generalization (Rame et al., 2022)
        | https://arxiv.org/abs/2109.02934

    Arguments (and those of :class:`GradientLearner`):
        penalty: The weight :math:`\lambda` of the penalty.
        memory: How much of the moving average a new batch leaves.
        anneal: In so many first epochs there is no penalty.
    """  # noqa: E501 (a title)

    penalty: Annotated[float, Ge(0)] = 30.0
    memory: Annotated[float, Interval(ge=0, lt=1)] = 0.95
    anneal: Annotated[int, Ge(0)] = 5

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        hooks = Hooks(around=matched, begin=annealing(self.anneal, most=0.0))
        return self.descend(samples, rngs, hyperparams, hooks)
