"""Distributionally robust optimisation over the worst share of the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Gt, Le
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.hooks import Hooks, Replicas
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def worst_share(losses: Tensor, index: Tensor, stack: Replicas) -> Tensor:
    r"""The exact maximiser of :math:`\sum_i w_i \ell_i`, one sort for all replicas.

    Sorted from the largest loss, sample k = 0, 1, ... of m gets
    :math:`\mathrm{clip}(1 - k/(\rho m), 0, 1/(\rho m))`: the full weight for the worst share,
    what is left of it for the next one.
    """
    share = stack.hyperparams["level"] * losses.shape[1]
    order = losses.sort(dim=1, descending=True, stable=True).indices
    rank = torch.arange(losses.shape[1], dtype=losses.dtype, device=losses.device)
    weights = torch.minimum((1 - rank / share).clamp_min_(0), 1 / share)
    return torch.empty_like(losses).scatter_(1, order, weights)


@dataclass(frozen=True)
class CVaRDRO(GradientLearner):
    r"""Distributionally robust optimisation (DRO) of the conditional value at risk (CVaR).

    .. math:: \min_\theta \max_w \sum_i w_i \ell_i(\theta)
        \quad\text{s.t.}\quad 0 \le w_i \le \frac{1}{\rho m}, \ \sum_i w_i = 1

    over each batch of m samples: the mean loss of its worst share :math:`\rho`.

    A collective can be heard at most :math:`\alpha/\rho`: small ones, which the model does not
    fit yet, are amplified up to that cap; large ones, once fitted, are not heard at all.

    References:
        | Large-Scale Methods for Distributionally Robust Optimization (Levy et al., 2020)
        | https://arxiv.org/abs/2010.05893

    Arguments (and those of :class:`GradientLearner`):
        level: The share :math:`\rho` of the data that counts; all of it is :class:`ERM`.

    Example:
        >>> stack = Replicas(None, None, 2, 1, {"level": torch.tensor([[0.4]])})
        >>> worst_share(torch.tensor([[1.0, 4.0, 2.0, 3.0, 0.0]]), None, stack)
        tensor([[0.0000, 0.5000, 0.0000, 0.5000, 0.0000]])
    """

    level: Annotated[float, Gt(0), Le(1)] = 0.2

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        return self.descend(samples, rngs, hyperparams, Hooks(weigh=worst_share))
