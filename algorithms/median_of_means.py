"""The median of the gradients of parts of a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.hooks import Batch, Gradient, Hooks, TrainingState
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def median(values: Sequence[Tensor]) -> Tensor:
    """The median of tensors, value by value; of an even number, the mean of the two in the middle.

    Half a bubble sort: of so few tensors it is much faster than sorting them as one.

    Example:
        >>> median([torch.tensor([3.0, 0.0]), torch.tensor([1.0, 5.0]), torch.tensor([2.0, 9.0])])
        tensor([2., 5.])
    """
    ordered, middle = list(values), len(values) // 2
    for done in range(middle + 1):
        for i in range(len(ordered) - 1 - done):
            pair = ordered[i], ordered[i + 1]
            ordered[i], ordered[i + 1] = torch.minimum(*pair), torch.maximum(*pair)
    return (ordered[-1 - middle] + ordered[middle]) / 2


def median_of_blocks(blocks: int, loop: TrainingState, batch: Batch) -> Gradient:
    """The coordinate-wise median of the gradients of blocks of a batch; their mean objective."""
    blocks = min(blocks, batch.x.shape[1])
    parts = zip(
        *(t.tensor_split(blocks, 1) for t in (batch.x, batch.labels, batch.index)), strict=True
    )
    gradients, losses = zip(*(loop.gradient(Batch(*part)) for part in parts), strict=True)
    middle = [median(own) for own in zip(*gradients, strict=True)]
    return middle, torch.stack(losses).mean(0)


@dataclass(frozen=True)
class MedianOfMeans(GradientLearner):
    r"""Gradient descent on a median of means.

    .. math:: g = \operatorname{median}\Big( \frac{1}{|S_1|} \sum_{i \in S_1} g_i, \dots,
        \frac{1}{|S_k|} \sum_{i \in S_k} g_i \Big)

    coordinate by coordinate, with :math:`S_1, \dots, S_k` a batch cut into blocks of equal size,
    give or take one.

    What less than half of the blocks want is cut off: a collective so small that most blocks
    have no member in them is hardly heard, one with members in all of them is.

    References:
        | Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates (Yin et al., 2018)
        | https://arxiv.org/abs/1803.01498

    Arguments (and those of :class:`GradientLearner`):
        blocks: The number of blocks k; one is :class:`ERM`.
    """  # noqa: E501 (a title)

    blocks: Annotated[int, Ge(1)] = 5

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        hooks = Hooks(around=partial(median_of_blocks, self.blocks))
        return self.descend(samples, rngs, hyperparams, hooks)
