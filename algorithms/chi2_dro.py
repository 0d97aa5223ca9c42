"""Distributionally robust optimisation over a chi-square ball around the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.hooks import Hooks, Replicas
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome

#: As good as nothing, though a number may still be divided by it.
LEAST = 1e-200


def worst_in_ball(losses: Tensor, mass: Tensor, radius: Tensor) -> Tensor:
    r"""The exact maximiser of :math:`\sum_i w_i \ell_i` over a ball, one sort for all replicas.

    .. math:: \tfrac12 \sum_i q_i (w_i / q_i - 1)^2 \le \rho, \quad \sum_i w_i = 1, \quad w \ge 0

    It is :math:`w_i \propto q_i \max(0, \ell_i - \eta)`. If the k largest losses exceed
    :math:`\eta`, of mass :math:`Q`, mean :math:`\mu` and variance :math:`\sigma^2`, this is

    .. math:: w_i = \frac{q_i}{Q} \max\Big(0, 1 + (\ell_i - \mu) \frac{s}{\sigma}\Big), \quad
        s = \sqrt{Q (1 + 2 \rho) - 1},

    and loss k exceeds :math:`\eta` as long as :math:`\ell_k > \mu - \sigma / s` for the first k.

    Arguments:
        losses: Any finite numbers, (R, m).
        mass: Their masses q, which sum to one, (R, m); what has none is left out.
        radius: The radius of each replica's ball, (R, 1).

    Example:
        >>> losses, mass = torch.tensor([[1.0, 4.0, 2.0, 3.0]]), torch.full((1, 4), 0.25)
        >>> worst_in_ball(losses, mass, torch.tensor([[0.1]]))
        tensor([[0.1000, 0.4000, 0.2000, 0.3000]])
    """
    least = losses.amin(1, keepdim=True)
    ordered, order = torch.where(mass > 0, losses, least).sort(dim=1, descending=True, stable=True)
    return _spread(_worst(ordered, mass.gather(1, order), radius), order)


def _worst(ordered: Tensor, mass: Tensor, radius: Tensor) -> Tensor:
    """The same for losses in descending order (R, m), the first of which has a mass.

    Should all weight on the largest loss lie within the ball, only what equals it exceeds.
    """
    wide, grow = ordered.double(), 1 + 2 * radius.double()
    # From 0 down to -1: the weights care for neither origin nor scale, their arithmetic does.
    wide = wide - wide[:, :1]
    wide /= wide[:, -1:].neg().clamp_min_(LEAST)
    mass = mass.double()
    total = mass.cumsum(1).clamp_min_(LEAST)
    moment = mass * wide
    mean = moment.cumsum(1).div_(total)
    variance = moment.mul_(wide).cumsum(1).div_(total).addcmul_(mean, mean, value=-1).clamp_min_(0)
    slack = total * grow - 1
    exceeds = variance >= (mean - wide).square_().mul_(slack)
    last = (exceeds.sum(1, keepdim=True) - 1).clamp_min_(0)
    total = total.expand_as(mean)
    total, slack, mean, variance = (t.gather(1, last) for t in (total, slack, mean, variance))
    steep = slack.clamp_min_(0).div_(variance.clamp_min_(LEAST)).sqrt_()
    weights = (wide - mean).mul_(steep).add_(1).clamp_min_(0).mul_(mass / total)
    return weights.mul_(torch.arange(wide.shape[1], device=wide.device) <= last).to(ordered.dtype)


def _spread(weights: Tensor, order: Tensor) -> Tensor:
    """Weights of sorted losses back where those were."""
    return torch.empty_like(weights).scatter_(1, order, weights)


def chi_square(losses: Tensor, index: Tensor, stack: Replicas) -> Tensor:
    """The worst weights of a batch whose samples count alike."""
    ordered, order = losses.sort(dim=1, descending=True, stable=True)
    mass = losses.new_full((1, losses.shape[1]), 1 / losses.shape[1])
    return _spread(_worst(ordered, mass, stack.hyperparams["radius"]), order)


@dataclass(frozen=True)
class Chi2DRO(GradientLearner):
    r"""Distributionally robust optimisation (DRO) over a ball in chi-square divergence.

    .. math:: \min_\theta \max_w \sum_i w_i \ell_i(\theta) \quad\text{s.t.}\quad
        \frac{1}{2m} \sum_i (m w_i - 1)^2 \le \rho, \ \sum_i w_i = 1, \ w \ge 0

    over each batch of m samples: all weight goes to losses above a threshold, in proportion to
    what they exceed it by. The maximum is taken exactly, not by bisection.

    A collective that is not fitted yet is amplified, by the size of its losses and not only by
    their rank, to at most :math:`\alpha + \sqrt{2 \rho \alpha (1 - \alpha)}` of all weight;
    one that is fitted already is hardly heard.

    References:
        | Large-Scale Methods for Distributionally Robust Optimization (Levy et al., 2020)
        | https://arxiv.org/abs/2010.05893
        | Learning Models with Uniform Performance via Distributionally Robust Optimization (Duchi and Namkoong, 2021)
        | https://arxiv.org/abs/1810.08750

    Arguments (and those of :class:`GradientLearner`):
        radius: The radius :math:`\rho` of the ball; 0 is :class:`ERM`.
    """  # noqa: E501 (a title)

    radius: Annotated[float, Ge(0)] = 1.0

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        return self.descend(samples, rngs, hyperparams, Hooks(weigh=chi_square))
