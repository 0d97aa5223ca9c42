"""Gradient descent on the median of the gradients of a batch's blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from algorithms.engine import Batch, Gradient, GradientLearner, Hooks, Samples, TrainingState


def median(values: Sequence[Tensor]) -> Tensor:
    """Return the elementwise median of tensors; the mean of the middle two of an even number.

    Half a bubble sort: for so few tensors it is much faster than a sort of the stacked tensor.

    Example:
        >>> median([torch.tensor([3.0, 0.0]), torch.tensor([1.0, 5.0]), torch.tensor([2.0, 9.0])])
        tensor([2., 5.])
    """
    ordered, middle = list(values), len(values) // 2
    for largest in range(middle + 1):
        for i in range(len(ordered) - 1 - largest):
            pair = ordered[i], ordered[i + 1]
            ordered[i], ordered[i + 1] = torch.minimum(*pair), torch.maximum(*pair)
    return (ordered[-1 - middle] + ordered[middle]) / 2


def median_of_blocks(blocks: int, state: TrainingState, batch: Batch) -> Gradient:
    """Return the coordinate-wise median of the gradients of blocks, and their mean objective.

    Arguments:
        blocks: The number of blocks; at most the batch's size is used.
        state: The networks.
        batch: The samples.
    """
    blocks = min(blocks, batch.x.shape[1])
    parts = zip(
        *(t.tensor_split(blocks, 1) for t in (batch.x, batch.labels, batch.index)), strict=True
    )
    gradients, losses = zip(*(state.gradient(Batch(*part)) for part in parts), strict=True)
    medians = [median(of_blocks) for of_blocks in zip(*gradients, strict=True)]
    # A sum of tensors has the same rounding for any number of replicas, unlike a reduction.
    return medians, torch.as_tensor(sum(losses)) / blocks


@dataclass(frozen=True)
class MedianOfMeans(GradientLearner):
    r"""Gradient descent on a median of means.

    .. math:: g = \operatorname{median}\Big( \frac{1}{|S_1|} \sum_{i \in S_1} g_i, \dots,
        \frac{1}{|S_k|} \sum_{i \in S_k} g_i \Big)

    coordinate by coordinate, with :math:`S_1, \dots, S_k` the blocks of a batch, whose sizes
    differ by at most one.

    The gradients of less than half of the blocks have little effect: a collective so small that
    most blocks have no member has nearly none, a collective with members in all blocks has more.

    References:
        | Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates (Yin et al., 2018)
        | https://arxiv.org/abs/1803.01498

    Arguments (and those of :class:`GradientLearner`):
        blocks: The number of blocks k; one is :class:`ERM`.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> x = np.linspace(-1, 1, 20)[:, None]
        >>> sample = TrainingSet(x, (x[:, 0] > 0).astype(int))
        >>> fitted = MedianOfMeans(blocks=3).fit(sample, np.random.default_rng(0))
        >>> fitted.predict(np.array([[-1.0], [1.0]]))
        array([0, 1])
    """  # noqa: E501 (a title)

    space: ClassVar = GradientLearner.space | {"blocks": [3, 5, 9]}

    blocks: Annotated[int, Ge(1)] = 5

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks with the median of gradients."""
        return Hooks(gradient_step=partial(median_of_blocks, self.blocks))
