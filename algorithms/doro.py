"""Distributionally robust optimisation that first sets the worst losses aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.chi2_dro import worst_in_ball
from algorithms.engine.hooks import Hooks, Replicas
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def set_aside(losses: Tensor, outliers: Tensor) -> tuple[Tensor, Tensor]:
    r"""What is left of a batch without its outliers, and where each sample comes in that.

    Lay the samples side by side from the largest loss, each as wide as 1, and cut off
    :math:`\varepsilon m` on the left: what falls in the cut is gone, the sample that is cut
    through keeps the part that is left of it.

    Returns:
        The mass of each sample, (R, m), summing to one; and the mass that comes before it.
    """
    size = losses.shape[1]
    order = losses.sort(dim=1, descending=True, stable=True).indices
    rank = torch.arange(size, dtype=losses.dtype, device=losses.device)
    cut = outliers * size
    before, after = ((edge - cut).clamp_min_(0) / (size - cut) for edge in (rank, rank + 1))
    mass, start = torch.empty_like(losses), torch.empty_like(losses)
    return mass.scatter_(1, order, after - before), start.scatter_(1, order, before)


def remember(mass: Tensor, index: Tensor, stack: Replicas) -> None:
    """Add up how often each person was seen, and how much of them was set aside."""
    if "seen" not in stack.state:
        for name in ("seen", "aside"):
            stack.state[name] = torch.zeros_like(stack.label, dtype=mass.dtype)
    whole = 1 / (mass.shape[1] * (1 - stack.hyperparams["outliers"]))
    stack.state["seen"].scatter_add_(1, index, torch.ones_like(mass))
    stack.state["aside"].scatter_add_(1, index, 1 - mass / whole)


def often_aside(stack: Replicas) -> dict[str, Tensor]:
    """The share of people of whom at least half was set aside."""
    often = 2 * stack.state["aside"] >= stack.state["seen"]
    return {"removed": often.to(stack.state["seen"].dtype).mean(1)}


def worst_share_left(losses: Tensor, index: Tensor, stack: Replicas) -> Tensor:
    """The conditional value at risk of what is left: its worst share, fractions included."""
    mass, start = set_aside(losses, stack.hyperparams["outliers"])
    remember(mass, index, stack)
    level = stack.hyperparams["level"]
    return torch.minimum((level - start).clamp_min_(0), mass) / level


def worst_in_ball_left(losses: Tensor, index: Tensor, stack: Replicas) -> Tensor:
    """The worst weights in a chi-square ball around what is left."""
    mass, _ = set_aside(losses, stack.hyperparams["outliers"])
    remember(mass, index, stack)
    return worst_in_ball(losses, mass, stack.hyperparams["radius"])


WEIGH = {"cvar": worst_share_left, "chi2": worst_in_ball_left}


@dataclass(frozen=True)
class DORO(GradientLearner):
    r"""Distributional and outlier robust optimisation (DORO).

    .. math:: \min_\theta \min_{Q : P = (1 - \varepsilon) Q + \varepsilon R}
        \max_{w \in U(Q)} \mathbb{E}_w[\ell_\theta]

    with P the batch: its share :math:`\varepsilon` of largest losses is set aside as outliers,
    and the worst share of the rest counts ("cvar", as in :class:`CVaRDRO`), or the worst weights
    in a ball around the rest ("chi2", as in :class:`Chi2DRO`). All shares are exact: a sample
    that :math:`\varepsilon m` cuts through is set aside in part. The report says which share of
    the people was set aside at half of their visits or more.

    A collective that is smaller than :math:`\varepsilon` and not fitted yet is taken for
    outliers and not heard; the larger one sticks out of them and is amplified.

    References:
        | DORO: Distributional and Outlier Robust Optimization (Zhai et al., 2021)
        | https://arxiv.org/abs/2106.06142

    Arguments (and those of :class:`GradientLearner`):
        base: What is minimised on the rest: "cvar" or "chi2".
        outliers: The share :math:`\varepsilon` of a batch that is set aside; 0 is the base alone.
        level: The share of the rest that counts, for "cvar".
        radius: The radius of the ball around the rest, for "chi2".
    """

    base: Literal["cvar", "chi2"] = "cvar"
    outliers: Annotated[float, Ge(0), Lt(1)] = 0.05
    level: Annotated[float, Gt(0), Le(1)] = 0.2
    radius: Annotated[float, Ge(0)] = 1.0

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        hooks = Hooks(weigh=WEIGH[self.base], report=often_aside)
        return self.descend(samples, rngs, hyperparams, hooks)
