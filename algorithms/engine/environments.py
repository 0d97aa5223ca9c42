"""What learners share that ask for the same in all environments: groups are environments."""

from collections.abc import Callable

import torch
from torch import Tensor

from algorithms.engine.hooks import Batch, Replicas, TrainingState


def environments(batch: Batch, stack: Replicas, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Means within and across the environments of a batch, as weights.

    Returns:
        What each sample counts in the mean of each environment, (R, E, b); and what each
        environment counts in the mean over those that are in the batch, (R, E).
    """
    group = stack.group.gather(1, batch.index)[:, None]
    member = (group == torch.arange(stack.groups, device=group.device)[:, None]).to(dtype)
    count = member.sum(2, keepdim=True)
    present = (count[:, :, 0] > 0).to(dtype)
    return member / count.clamp_min(1), present / present.sum(1, keepdim=True)


def annealing(epochs: int, most: float) -> Callable[[TrainingState], None]:
    """What begins an epoch: the state's ``penalty``, at most so much in the first epochs."""

    def begin(loop: TrainingState) -> None:
        penalty = loop.stack.hyperparams["penalty"]
        early = len(loop.losses) < epochs
        loop.stack.state["penalty"] = penalty.clamp(max=most) if early else penalty

    return begin
