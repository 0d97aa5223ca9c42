"""Distributionally robust optimisation over the worst share of the data."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt, Le
from torch import Tensor

from algorithms.engine import GradientLearner, Hooks, Replicas, Samples


def worst_share(losses: Tensor, index: Tensor, replicas: Replicas) -> Tensor:
    r"""Return the exact maximiser of :math:`\sum_i w_i \ell_i`, by one sort for all replicas.

    In descending order of losses, sample k = 0, 1, ... of m has the weight
    :math:`\mathrm{clip}(1 - k/(\rho m), 0, 1/(\rho m))`: the full weight in the worst share, and
    the remainder for the next sample.

    Arguments:
        losses: Losses of a batch, (R, m).
        index: Not used.
        replicas: The replicas; the share is their hyper-parameter "level".

    Returns:
        Weights, (R, m).
    """
    share = replicas.hyperparams["level"] * losses.shape[1]
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

    The weight of a collective is at most :math:`\alpha/\rho`. A small one, which the model does
    not fit yet, is amplified up to that limit; a large one has no weight once it is fitted.

    References:
        | Large-Scale Methods for Distributionally Robust Optimization (Levy et al., 2020)
        | https://arxiv.org/abs/2010.05893

    Arguments (and those of :class:`GradientLearner`):
        level: The share :math:`\rho` of the data with weight; a share of 1 is :class:`ERM`.

    Example:
        >>> replicas = Replicas(None, None, 2, 1, {"level": torch.tensor([[0.4]])})
        >>> worst_share(torch.tensor([[1.0, 4.0, 2.0, 3.0, 0.0]]), None, replicas)
        tensor([[0.0000, 0.5000, 0.0000, 0.5000, 0.0000]])
    """

    space: ClassVar = GradientLearner.space | {"level": [0.3, 0.5, 0.7, 0.9]}

    level: Annotated[float, Gt(0), Le(1)] = 0.7

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks that weight the losses of each batch."""
        return Hooks(loss_weights=worst_share)
