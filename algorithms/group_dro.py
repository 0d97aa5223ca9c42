"""Distributionally robust optimisation over known groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from algorithms.base import Array, TrainingSet
from algorithms.engine.hooks import Hooks, Replicas
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def exponentiated(losses: Tensor, index: Tensor, stack: Replicas) -> Tensor:
    """Exponentiated-gradient weights of the groups, spread over their samples in the batch.

    Kept as logarithms, which neither overflow nor underflow to a group that is lost for good.
    """
    replicas = len(losses)
    groups = stack.group.gather(1, index)
    empty = losses.new_zeros(replicas, stack.groups)
    counts = empty.scatter_add(1, groups, torch.ones_like(losses))
    mean = empty.scatter_add(1, groups, losses) / counts.clamp_min(1)
    if "log_q" not in stack.state:
        sizes = empty.scatter_add(1, stack.group, torch.ones_like(stack.group, dtype=losses.dtype))
        # A group that nobody is in has no weight to lose, nor to give back.
        stack.state["log_q"] = empty.masked_fill(sizes == 0, -torch.inf)
        stack.state["margin"] = stack.hyperparams["adjustment"] / sizes.clamp_min(1).sqrt()
    log_q = stack.state["log_q"] + stack.hyperparams["step"] * (mean + stack.state["margin"])
    stack.state["log_q"] = log_q = log_q.log_softmax(1)
    return (log_q.exp() / counts.clamp_min(1)).gather(1, groups)


def balanced(group: Array) -> Array:
    """Chances (n,) under which each group is drawn as often as the others."""
    return 1 / np.bincount(group)[group]


@dataclass(frozen=True)
class GroupDRO(GradientLearner):
    r"""Group distributionally robust optimisation (Group DRO), online.

    .. math:: q_g \propto q_g \exp\big(\eta\,(L_g + C/\sqrt{n_g})\big), \qquad
        \text{descend on } \sum_g q_g L_g

    with :math:`L_g` the mean loss of group g in the batch (zero where it has nobody there) and q
    updated before each step, over the groups that somebody in the sample is in. Where data have no
    groups, the label is the group.

    A collective that is a group of its own is heard until it is fitted; one that is spread over
    the groups is heard as much as the groups that it makes hard.

    References:
        | Distributionally Robust Neural Networks for Group Shifts (Sagawa et al., 2020)
        | https://arxiv.org/abs/1911.08731

    Arguments (and those of :class:`GradientLearner`):
        step: The step size :math:`\eta` of the groups' weights.
        adjustment: The generalisation adjustment C.
        balance: Whether batches draw each group as often as the others.
    """

    step: Annotated[float, Ge(0)] = 0.01
    adjustment: Annotated[float, Ge(0)] = 0.0
    balance: bool = True

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        chances = np.stack([balanced(s.group) for s in samples]) if self.balance else None
        return self.descend(samples, rngs, hyperparams, Hooks(exponentiated, chances=chances))
