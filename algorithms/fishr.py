"""Invariant variances of gradients."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Interval
from torch import Tensor

from algorithms.engine import (
    Batch,
    Gradient,
    GradientLearner,
    Hooks,
    Replicas,
    Rule,
    Samples,
    TrainingState,
)
from algorithms.engine.environments import annealing, environments, even_sampling
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


def discounted_sum(fresh: Tensor, present: Tensor, replicas: Replicas) -> Tensor:
    r"""Update the discounted sums of variances, :math:`v \gets \gamma v + \text{fresh}`.

    Arguments:
        fresh: The variances in a batch, (R, E, P).
        present: Which environments occur in the batch, (R, E).
        replicas: The replicas, with the hyper-parameter "memory".

    Returns:
        Sums, (R, E, P), zero for environments that do not occur.
    """
    state, present = replicas.state, present[:, :, None]
    if "variances" not in state:
        state["variances"] = torch.zeros_like(fresh)
    memory = replicas.hyperparams["memory"][:, :, None]
    total = torch.where(present, memory * state["variances"] + fresh, 0.0)
    state["variances"] = torch.where(present, total.detach(), state["variances"])
    return total


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
        state.add_weights(batch, loss.new_ones(loss.shape))
        logit_grad = log_p.exp().scatter_add(1, labels, torch.full_like(log_p[:, :1], -1.0))
        fresh = gradient_variances(features, logit_grad, within)
        variances = discounted_sum(fresh, across > 0, replicas)
        mean = (across[:, :, None] * variances).sum(1, keepdim=True)
        distance = (variances - mean).square().mean(2)
        risk = (within * loss[:, None]).sum(2)
        value = (across * (risk + replicas.state["penalty"] * distance)).sum(1)
        gradients = torch.autograd.grad(value.sum(), leaves)
    return list(gradients), value.detach()


@dataclass(frozen=True)
class Fishr(GradientLearner):
    r"""Fishr: a penalty on differences between the environments' variances of gradients.

    .. math:: \min_\theta \frac1E \sum_{e=1}^E L_e
        + \lambda \frac1E \sum_{e=1}^E \frac1P \lVert v_e - \bar v \rVert_2^2, \qquad
        v_e \gets \gamma v_e + \mathrm{Var}_{i \in e}
        \big[ \nabla_{W, b} \, \ell(W \phi(x_i) + b, y_i) \big], \quad
        \bar v = \frac1E \sum_{e=1}^E v_e

    with :math:`L_e` the mean loss of environment e in the batch, W and b the P parameters of the
    last layer, and :math:`v_e` a sum over batches that is updated in each. This sum is a moving
    average divided by :math:`1 - \gamma`, as in the authors' code, so that the gradient of a batch
    does not depend on :math:`\gamma`. The groups are the environments; if data have no groups,
    the labels are. Environments are sampled evenly.

    Members that contradict other samples of their environment increase the variance of its
    gradients: the penalty pulls that variance down to those of the others, or theirs up.

    References:
        | Fishr: Invariant Gradient Variances for Out-of-Distribution Generalization (Rame et al., 2022)
        | https://arxiv.org/abs/2109.02934

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data. Their number is fixed: validation data from the
            training environments prefer a model without the penalty.
        selection: As of :class:`GradientLearner`.
        penalty: The weight :math:`\lambda` of the penalty; the paper searches 10 to 10,000.
        memory: The weight :math:`\gamma` of the old value in the sum.
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

    needs_groups: ClassVar[bool] = True
    space: ClassVar = GradientLearner.space | {"penalty": [1.0, 10.0, 100.0, 1000.0]}

    epochs: Annotated[int, Ge(1)] = 20
    selection: Rule = "last"
    penalty: Annotated[float, Ge(0)] = 10.0
    memory: Annotated[float, Interval(ge=0, lt=1)] = 0.95
    anneal: Annotated[int, Ge(0)] = 5

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks with the gradient of risk and penalty."""
        return Hooks(
            gradient_step=risk_and_penalty,
            before_epoch=annealing(self.anneal, most=0.0),
            sampling_weights=even_sampling(samples),
        )
