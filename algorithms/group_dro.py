"""Distributionally robust optimisation over known groups."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from algorithms.engine import GradientLearner, Hooks, Replicas, Samples
from algorithms.engine.environments import even_sampling


def group_weights(losses: Tensor, index: Tensor, replicas: Replicas) -> Tensor:
    """Update the groups' weights, and divide them among their samples in a batch.

    The weights are stored as logarithms, which neither overflow nor underflow to a group that
    can never regain weight.

    Arguments:
        losses: Losses of the batch, (R, b).
        index: Positions of the samples, (R, b).
        replicas: The replicas, with hyper-parameters "step" and "adjustment".

    Returns:
        Weights, (R, b).
    """
    groups = replicas.group.gather(1, index)
    empty = losses.new_zeros(len(losses), replicas.groups)
    counts = empty.scatter_add(1, groups, torch.ones_like(losses))
    mean = empty.scatter_add(1, groups, losses) / counts.clamp_min(1)
    if "log_q" not in replicas.state:
        sizes = empty.scatter_add(
            1, replicas.group, torch.ones_like(replicas.group, dtype=losses.dtype)
        )
        # A group without samples takes no part in the normalisation.
        replicas.state["log_q"] = empty.masked_fill(sizes == 0, -torch.inf)
        replicas.state["margin"] = replicas.hyperparams["adjustment"] / sizes.clamp_min(1).sqrt()
    log_q = replicas.state["log_q"] + replicas.hyperparams["step"] * (
        mean + replicas.state["margin"]
    )
    replicas.state["log_q"] = log_q = log_q.log_softmax(1)
    return (log_q.exp() / counts.clamp_min(1)).gather(1, groups)


@dataclass(frozen=True)
class GroupDRO(GradientLearner):
    r"""Group distributionally robust optimisation (Group DRO), online.

    .. math:: q_g \propto q_g \exp\big(\eta\,(L_g + C/\sqrt{n_g})\big), \qquad
        \text{descend on } \sum_g q_g L_g

    with :math:`L_g` the mean loss of group g in the batch (zero if it has no samples there) and q
    updated before each step, over the groups that have samples. If data have no groups, the
    label is the group.

    A collective that is a group of its own has much weight until it is fitted; the weight of one
    that is spread over the groups is that of the groups whose loss it increases.

    References:
        | Distributionally Robust Neural Networks for Group Shifts (Sagawa et al., 2020)
        | https://arxiv.org/abs/1911.08731

    Arguments (and those of :class:`GradientLearner`):
        step: The step size :math:`\eta` of the groups' weights.
        adjustment: The generalisation adjustment C.
        balance: Whether batches draw all groups equally often.

    Example:
        >>> group = torch.tensor([[0, 0, 1]])
        >>> table = {"step": torch.tensor([[1.0]]), "adjustment": torch.tensor([[0.0]])}
        >>> replicas = Replicas(group, group, 2, 2, table)
        >>> group_weights(torch.tensor([[0.0, 0.0, 2.0]]), torch.tensor([[0, 1, 2]]), replicas)
        tensor([[0.0596, 0.0596, 0.8808]])
    """

    needs_groups: ClassVar[bool] = True
    space: ClassVar = GradientLearner.space | {
        "step": [0.001, 0.01, 0.1],
        "adjustment": [0.0, 1.0, 3.0],
    }

    step: Annotated[float, Ge(0)] = 0.01
    adjustment: Annotated[float, Ge(0)] = 0.0
    balance: bool = True

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks that weight the losses of each batch, and balance the batches."""
        weights = even_sampling(samples) if self.balance else None
        return Hooks(loss_weights=group_weights, sampling_weights=weights)
