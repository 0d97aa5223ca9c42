"""Shared parts of learners that compare environments: the groups are the environments."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array, TrainingSet
from algorithms.engine.data import Batch
from algorithms.engine.hooks import Replicas, TrainingState


def environments(batch: Batch, replicas: Replicas, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return the weights of means within and across the environments of a batch.

    Arguments:
        batch: The samples of R replicas, b of each.
        replicas: The replicas.
        dtype: The precision of the weights.

    Returns:
        The weight of each sample in the mean of each environment, (R, E, b); and the weight of
        each environment in the mean over those that occur in the batch, (R, E).

    Example:
        >>> group = torch.tensor([[0, 0, 2, 0]])
        >>> replicas = Replicas(group, group, classes=3, groups=3, hyperparams={})
        >>> batch = Batch(x=None, labels=None, index=torch.arange(4)[None])
        >>> within, across = environments(batch, replicas, torch.float64)
        >>> within[0, 2], across[0]
        (tensor([0., 0., 1., 0.], dtype=torch.float64), tensor([0.5000, 0.0000, 0.5000], dtype=torch.float64))
    """  # noqa: E501 (a result)
    group = replicas.group.gather(1, batch.index)[:, None]
    member = (group == torch.arange(replicas.groups, device=group.device)[:, None]).to(dtype)
    count = member.sum(2, keepdim=True)
    present = (count[:, :, 0] > 0).to(dtype)
    return member / count.clamp_min(1), present / present.sum(1, keepdim=True)


def balanced_weights(group: Array) -> Array:
    """Return sampling weights (n,) by which all groups are drawn equally often.

    Example:
        >>> balanced_weights(np.array([0, 0, 1, 0, 0]))
        array([0.25, 0.25, 1.  , 0.25, 0.25])
    """
    return 1 / np.bincount(group)[group]


def even_sampling(samples: Sequence[TrainingSet]) -> Array:
    """Return weights by which each environment is sampled as often, (R, n).

    If environments were sampled by their sizes, a batch would have a single sample of a rare one.
    This sample would decide the mean risk of its environment, and the training could diverge.

    Arguments:
        samples: R training sets of n samples.
    """
    return np.stack([balanced_weights(sample.group) for sample in samples])


def annealing(epochs: int, most: float) -> Callable[[TrainingState], None]:
    """Return a ``before_epoch`` hook that sets ``state["penalty"]``.

    Arguments:
        epochs: The number of first epochs with a limit.
        most: The largest penalty in these epochs.
    """

    def before_epoch(state: TrainingState) -> None:
        penalty = state.replicas.hyperparams["penalty"]
        early = state.epochs < epochs
        state.replicas.state["penalty"] = penalty.clamp(max=most) if early else penalty

    return before_epoch
