"""Risk extrapolation."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge
from torch import Tensor

from algorithms.engine import Batch, GradientLearner, Hooks, Replicas, Rule, Samples
from algorithms.engine.environments import annealing, environments, even_sampling


def extrapolated_risk(logits: Tensor, batch: Batch, replicas: Replicas) -> Tensor:
    """Return the mean of the environments' risks plus their weighted variance.

    Arguments:
        logits: Logits of the batch, (R, K, b).
        batch: The samples.
        replicas: The replicas; the variance's weight is their state "penalty".

    Returns:
        The objective, (R,), divided by the variance's weight where that is above 1.
    """
    within, across = environments(batch, replicas, logits.dtype)
    loss = -logits.log_softmax(1).gather(1, batch.labels[:, None])[:, 0]
    risk = (within * loss[:, None]).sum(2)
    mean = (across * risk).sum(1, keepdim=True)
    weight = replicas.state["penalty"]
    return (across * (risk + weight * (risk - mean).square()) / weight.clamp_min(1)).sum(1)


@dataclass(frozen=True)
class VREx(GradientLearner):
    r"""Risk extrapolation by the variance of risks (V-REx).

    .. math:: \min_\theta \frac1E \sum_{e=1}^E L_e + \lambda \frac1E \sum_{e=1}^E
        \Big(L_e - \frac1E \sum_{e'=1}^E L_{e'}\Big)^2

    with :math:`L_e` the mean loss of environment e in the batch. The groups are the environments;
    if data have no groups, the labels are. Environments are sampled evenly. Above
    :math:`\lambda = 1` the objective is divided by :math:`\lambda`.

    A collective that increases the loss of its environment has more weight than its size, until
    all environments have the same loss: the loss of the others may even increase.

    References:
        | Out-of-Distribution Generalization via Risk Extrapolation (Krueger et al., 2021)
        | https://arxiv.org/abs/2003.00688

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data. Their number is fixed: validation data from the
            training environments prefer a model without the penalty.
        selection: As of :class:`GradientLearner`.
        penalty: The weight :math:`\lambda` of the variance.
        anneal: The number of first epochs in which the weight is at most 1.

    Example:
        The mean of two risks, :math:`\log 2` and :math:`\log(1 + e)`, and their variance:

        >>> import torch
        >>> group = torch.tensor([[0, 1]])
        >>> replicas = Replicas(group, group, 2, 2, {})
        >>> replicas.state["penalty"] = torch.tensor([[1.0]])
        >>> batch = Batch(x=None, labels=torch.tensor([[0, 0]]), index=torch.tensor([[0, 1]]))
        >>> logits = torch.tensor([[[0.0, 0.0], [0.0, 1.0]]])
        >>> extrapolated_risk(logits, batch, replicas)
        tensor([1.0993])
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
            objective=extrapolated_risk,
            before_epoch=annealing(self.anneal, most=1.0),
            sampling_weights=even_sampling(samples),
        )
