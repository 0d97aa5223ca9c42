"""Invariant risk minimisation."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from algorithms.engine import Batch, GradientLearner, Hooks, Replicas, Rule, Samples
from algorithms.engine.environments import annealing, environments, even_sampling
from algorithms.networks import product


def invariant_risk(logits: Tensor, batch: Batch, replicas: Replicas) -> Tensor:
    """Return the mean over environments of risk and penalty.

    Arguments:
        logits: Logits of the batch, (R, K, b).
        batch: The samples.
        replicas: The replicas; the penalty's weight is their state "penalty".

    Returns:
        The objective, (R,), divided by the penalty's weight where that is above 1.
    """
    within, across = environments(batch, replicas, logits.dtype)
    log_p, labels = logits.log_softmax(1), batch.labels[:, None]
    loss = -log_p.gather(1, labels)[:, 0]
    # The derivative of the loss by the scale of the logits, at a scale of one.
    scale_grad = (log_p.exp() * logits).sum(1) - logits.gather(1, labels)[:, 0]
    risk, drift = product(within, torch.stack([loss, scale_grad], 2)).unbind(2)
    weight = replicas.state["penalty"]
    return (across * (risk + weight * drift.square()) / weight.clamp_min(1)).sum(1)


@dataclass(frozen=True)
class IRM(GradientLearner):
    r"""Invariant risk minimisation (IRM), version 1.

    .. math:: \min_\theta \frac1E \sum_{e=1}^E L_e(f_\theta)
        + \lambda \Big( \frac{d}{ds} L_e(s f_\theta) \Big|_{s=1} \Big)^2, \qquad
        \frac{d}{ds} \ell(s z, y) \Big|_{s=1} = \sum_k (p_k - [y = k]) z_k

    with :math:`L_e` the mean loss of environment e in the batch: in no environment may another
    scale of the logits decrease the loss. The groups are the environments; if data have no
    groups, the labels are. Environments are sampled evenly. Above :math:`\lambda = 1` the
    objective is divided by :math:`\lambda`.

    A collective whose signal predicts its label in one environment and not in another is
    penalised; a signal with the same effect in all environments passes as invariant.

    References:
        | Invariant Risk Minimization (Arjovsky et al., 2019)
        | https://arxiv.org/abs/1907.02893

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data. Their number is fixed: validation data from the
            training environments prefer a model without the penalty.
        selection: As of :class:`GradientLearner`.
        penalty: The weight :math:`\lambda` of the penalty.
        anneal: The number of first epochs in which the weight is at most 1.

    Example:
        The derivatives by the scale are 0.73 and -0.24. Their squares add to risks of 1.31 and
        0.13:

        >>> group = torch.tensor([[0, 1]])
        >>> replicas = Replicas(group, group, 2, 2, {})
        >>> replicas.state["penalty"] = torch.tensor([[1.0]])
        >>> batch = Batch(x=None, labels=torch.tensor([[0, 0]]), index=torch.tensor([[0, 1]]))
        >>> logits = torch.tensor([[[-1.0, 2.0], [0.0, 0.0]]])
        >>> invariant_risk(logits, batch, replicas)
        tensor([1.0157])
    """

    needs_groups: ClassVar[bool] = True
    space: ClassVar = GradientLearner.space | {"penalty": [0.1, 1.0, 10.0, 100.0]}

    epochs: Annotated[int, Ge(1)] = 20
    selection: Rule = "last"
    penalty: Annotated[float, Ge(0)] = 1.0
    anneal: Annotated[int, Ge(0)] = 5

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks with the penalised objective."""
        return Hooks(
            objective=invariant_risk,
            before_epoch=annealing(self.anneal, most=1.0),
            sampling_weights=even_sampling(samples),
        )
