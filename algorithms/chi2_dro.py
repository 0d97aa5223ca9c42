"""Distributionally robust optimisation over a chi-square ball around the data."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from algorithms.engine import GradientLearner, Hooks, Replicas, Samples

#: A lower limit for divisors, in double precision.
LEAST = 1e-200


def worst_in_ball(losses: Tensor, mass: Tensor, radius: Tensor) -> Tensor:
    r"""Return the exact maximiser of :math:`\sum_i w_i \ell_i` over a ball, by one sort.

    .. math:: \tfrac12 \sum_i q_i (w_i / q_i - 1)^2 \le \rho, \quad \sum_i w_i = 1, \quad w \ge 0

    The maximiser is :math:`w_i \propto q_i \max(0, \ell_i - \eta)`. If the k largest losses exceed
    :math:`\eta`, of mass :math:`Q`, mean :math:`\mu` and variance :math:`\sigma^2`, this is

    .. math:: w_i = \frac{q_i}{Q} \max\Big(0, 1 + (\ell_i - \mu) \frac{s}{\sigma}\Big), \quad
        s = \sqrt{Q (1 + 2 \rho) - 1},

    and loss k exceeds :math:`\eta` as long as :math:`\ell_k > \mu - \sigma / s` for the first k.

    Arguments:
        losses: Finite losses, (R, m).
        mass: Their masses q, which sum to one, (R, m); a sample without mass has no weight.
        radius: The radius of each replica's ball, (R, 1).

    Returns:
        Weights, (R, m).

    Example:
        >>> losses, mass = torch.tensor([[1.0, 4.0, 2.0, 3.0]]), torch.full((1, 4), 0.25)
        >>> worst_in_ball(losses, mass, torch.tensor([[0.1]]))
        tensor([[0.1000, 0.4000, 0.2000, 0.3000]])
    """
    least = losses.amin(1, keepdim=True)
    ordered, order = torch.where(mass > 0, losses, least).sort(dim=1, descending=True, stable=True)
    return _spread(_worst(ordered, mass.gather(1, order), radius), order)


def _worst(ordered: Tensor, mass: Tensor, radius: Tensor) -> Tensor:
    """Return the maximiser for losses in descending order (R, m), the first of which has a mass.

    If the ball contains all weight on the largest loss, only losses equal to it have weight.
    """
    wide, grow = ordered.double(), 1 + 2 * radius.double()
    # Weights depend neither on the origin nor on the scale of losses, but their rounding does:
    # the losses are mapped to the interval from 0 down to -1.
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
    """Return the weights of sorted losses in the order before sorting."""
    return torch.empty_like(weights).scatter_(1, order, weights)


def chi_square(losses: Tensor, index: Tensor, replicas: Replicas) -> Tensor:
    """Return the worst weights of a batch whose samples have equal mass.

    Arguments:
        losses: Losses of the batch, (R, m).
        index: Not used.
        replicas: The replicas; the radius is their hyper-parameter "radius".
    """
    ordered, order = losses.sort(dim=1, descending=True, stable=True)
    mass = losses.new_full((1, losses.shape[1]), 1 / losses.shape[1])
    return _spread(_worst(ordered, mass, replicas.hyperparams["radius"]), order)


@dataclass(frozen=True)
class Chi2DRO(GradientLearner):
    r"""Distributionally robust optimisation (DRO) over a ball in chi-square divergence.

    .. math:: \min_\theta \max_w \sum_i w_i \ell_i(\theta) \quad\text{s.t.}\quad
        \frac{1}{2m} \sum_i (m w_i - 1)^2 \le \rho, \ \sum_i w_i = 1, \ w \ge 0

    over each batch of m samples: all weight goes to losses above a threshold, in proportion to
    their excess over it. The maximum is exact, without a bisection.

    A collective that is not fitted yet is amplified, by the size of its losses and not only by
    their rank, to at most :math:`\alpha + \sqrt{2 \rho \alpha (1 - \alpha)}` of all weight;
    a collective that is fitted already has little weight.

    References:
        | Large-Scale Methods for Distributionally Robust Optimization (Levy et al., 2020)
        | https://arxiv.org/abs/2010.05893
        | Learning Models with Uniform Performance via Distributionally Robust Optimization (Duchi and Namkoong, 2021)
        | https://arxiv.org/abs/1810.08750

    Arguments (and those of :class:`GradientLearner`):
        radius: The radius :math:`\rho` of the ball; 0 is :class:`ERM`.

    Example:
        >>> replicas = Replicas(None, None, 2, 1, {"radius": torch.tensor([[0.5]])})
        >>> chi_square(torch.tensor([[1.0, 4.0, 2.0, 3.0, 0.0]]), None, replicas)
        tensor([[0.0000, 0.5159, 0.1508, 0.3333, 0.0000]])
    """  # noqa: E501 (a title)

    space: ClassVar = GradientLearner.space | {"radius": [0.05, 0.1, 0.3, 1.0]}

    radius: Annotated[float, Ge(0)] = 0.1

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks that weight the losses of each batch."""
        return Hooks(loss_weights=chi_square)
