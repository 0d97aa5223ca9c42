"""Invariant variances of gradients."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Interval
from torch import Tensor

from algorithms.engine import (
    Batch,
    Gradient,
    GradientLearner,
    Hooks,
    Replicas,
    Samples,
    TrainingState,
)
from algorithms.engine.environments import annealing, environments
from algorithms.networks import last, product


def gradient_variances(features: Tensor, logit_grad: Tensor, within: Tensor) -> Tensor:
    r"""Return the variances of the last layer's gradients over each environment.

    A sample's gradient is :math:`\delta a^\top`, with :math:`\delta` the loss's gradient for the
    logits and a the features and a one: the means of it and of its square are two products.

    Arguments:
        features: Features, (R, F, b).
        logit_grad: The gradient of each sample's loss for its logits, (R, K, b).
        within: The weight of each sample in each environment's mean, (R, E, b).

    Returns:
        Variances, (R, E, K * (F + 1)).
    """
    inputs = torch.cat([features, torch.ones_like(features[:, :1])], 1).transpose(1, 2)

    def mean(left: Tensor, right: Tensor) -> Tensor:
        return product((within[:, :, None] * left[:, None]).flatten(1, 2), right)

    variances = mean(logit_grad.square(), inputs.square()) - mean(logit_grad, inputs).square()
    return variances.view(*within.shape[:2], -1)


def moving_average(fresh: Tensor, present: Tensor, replicas: Replicas) -> Tensor:
    """Update the moving averages of variances.

    Arguments:
        fresh: The variances in a batch, (R, E, P).
        present: Which environments occur in the batch, (R, E).
        replicas: The replicas, with the hyper-parameter "memory".

    Returns:
        Averages, (R, E, P), zero for environments that do not occur. At its first occurrence an
        environment's average is its variance in the batch.
    """
    state, present = replicas.state, present[:, :, None]
    if "variances" not in state:
        state["variances"] = torch.zeros_like(fresh)
        state["known"] = torch.zeros_like(present)
    keep = torch.where(state["known"], replicas.hyperparams["memory"][:, :, None], 0.0)
    average = torch.where(present, keep * state["variances"] + (1 - keep) * fresh, 0.0)
    state["variances"] = torch.where(present, average.detach(), state["variances"])
    state["known"] = state["known"] | present
    return average


def risk_and_penalty(state: TrainingState, batch: Batch) -> Gradient:
    """Return the gradient of risk and penalty, and their sum.

    Automatic differentiation is needed, as the penalty depends on the features directly, too.
    """
    replicas, labels = state.replicas, batch.labels[:, None]
    within, across = environments(batch, replicas, state.parameters[0].dtype)
    with torch.enable_grad():
        leaves = [p.detach().requires_grad_() for p in state.parameters]
        features = state.network.features(leaves, batch.x, state.shape)
        log_p = last(leaves, features).log_softmax(1)
        loss = -log_p.gather(1, labels)[:, 0]
        logit_grad = log_p.exp().scatter_add(1, labels, torch.full_like(log_p[:, :1], -1.0))
        fresh = gradient_variances(features, logit_grad, within)
        variances = moving_average(fresh, across > 0, replicas)
        mean = (across[:, :, None] * variances).sum(1, keepdim=True)
        distance = (variances - mean).square().sum(2)
        risk = (within * loss[:, None]).sum(2)
        value = (across * (risk + replicas.state["penalty"] * distance)).sum(1)
        gradients = torch.autograd.grad(value.sum(), leaves)
    return list(gradients), value.detach()


@dataclass(frozen=True)
class Fishr(GradientLearner):
    r"""Fishr: a penalty on differences between the environments' variances of gradients.

    .. math:: \min_\theta \frac1E \sum_{e=1}^E L_e
        + \lambda \frac1E \sum_{e=1}^E \lVert v_e - \bar v \rVert_2^2, \qquad
        v_e = \mathrm{Var}_{i \in e} \big[ \nabla_{W, b} \, \ell(W \phi(x_i) + b, y_i) \big], \quad
        \bar v = \frac1E \sum_{e=1}^E v_e

    with :math:`L_e` the mean loss of environment e in the batch, W and b the last layer, and
    :math:`v_e` a moving average over batches. The groups are the environments; if data have no
    groups, the labels are.

    Members that contradict other samples of their environment increase the variance of its
    gradients: the penalty pulls that variance down to those of the others, or theirs up.

    References:
        | Fishr: Invariant Gradient Variances for Out-of-Distribution Generalization (Rame et al., 2022)
        | https://arxiv.org/abs/2109.02934

    Arguments (and those of :class:`GradientLearner`):
        penalty: The weight :math:`\lambda` of the penalty.
        memory: The weight of the old value in the moving average.
        anneal: The number of first epochs without a penalty.

    Example:
        Two environments with two samples each. The gradients of the first one are equal:

        >>> features = torch.tensor([[[1.0, 1.0, 1.0, 1.0]]])
        >>> logit_grad = torch.tensor([[[0.5, 0.5, 0.5, -0.5]]])
        >>> within = torch.tensor([[[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]])
        >>> gradient_variances(features, logit_grad, within)
        tensor([[[0.0000, 0.0000],
                 [0.2500, 0.2500]]])
    """  # noqa: E501 (a title)

    penalty: Annotated[float, Ge(0)] = 30.0
    memory: Annotated[float, Interval(ge=0, lt=1)] = 0.95
    anneal: Annotated[int, Ge(0)] = 5

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks with the gradient of risk and penalty."""
        before_epoch = annealing(self.anneal, most=0.0)
        return Hooks(gradient_step=risk_and_penalty, before_epoch=before_epoch)
