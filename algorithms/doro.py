"""Distributionally robust optimisation that first removes the largest losses."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import Tensor

from algorithms.chi2_dro import worst_in_ball
from algorithms.engine import GradientLearner, Hooks, Replicas, Samples


def trim(losses: Tensor, outliers: Tensor) -> tuple[Tensor, Tensor]:
    r"""Remove the share :math:`\varepsilon` of a batch with the largest losses.

    Lay the samples side by side from the largest loss, each with width 1, and cut off
    :math:`\varepsilon m` on the left. A sample left of the cut is removed; the sample that is cut
    through is removed in part.

    Arguments:
        losses: Losses, (R, m).
        outliers: The share :math:`\varepsilon` of each replica, (R, 1).

    Returns:
        The remaining mass of each sample, (R, m), summing to one; and the remaining mass of the
        samples before it.

    Example:
        >>> trim(torch.tensor([[3.0, 1.0, 2.0, 5.0]]), torch.tensor([[0.25]]))[0]
        tensor([[0.3333, 0.3333, 0.3333, 0.0000]])
    """
    size = losses.shape[1]
    order = losses.sort(dim=1, descending=True, stable=True).indices
    rank = torch.arange(size, dtype=losses.dtype, device=losses.device)
    cut = outliers * size
    before, after = ((edge - cut).clamp_min_(0) / (size - cut) for edge in (rank, rank + 1))
    mass, start = torch.empty_like(losses), torch.empty_like(losses)
    return mass.scatter_(1, order, after - before), start.scatter_(1, order, before)


def count_visits(mass: Tensor, index: Tensor, replicas: Replicas) -> None:
    """Count how often each sample was in a batch, and how much of it was removed.

    Arguments:
        mass: The remaining mass of each sample of a batch, (R, m).
        index: Positions of the samples, (R, m).
        replicas: The replicas, whose state holds the counts "visits" and "removed".
    """
    if "visits" not in replicas.state:
        for name in ("visits", "removed"):
            replicas.state[name] = torch.zeros_like(replicas.labels, dtype=mass.dtype)
    whole = 1 / (mass.shape[1] * (1 - replicas.hyperparams["outliers"]))
    replicas.state["visits"].scatter_add_(1, index, torch.ones_like(mass))
    replicas.state["removed"].scatter_add_(1, index, 1 - mass / whole)


def share_removed(replicas: Replicas) -> dict[str, Tensor]:
    """Return the share of samples that were removed, on average, by half or more."""
    often = 2 * replicas.state["removed"] >= replicas.state["visits"]
    return {"removed": often.to(replicas.state["visits"].dtype).mean(1)}


def trimmed_worst_share(losses: Tensor, index: Tensor, replicas: Replicas) -> Tensor:
    """Return the weights of the worst share of a trimmed batch.

    Arguments:
        losses: Losses of the batch, (R, m).
        index: Positions of the samples, (R, m).
        replicas: The replicas, with hyper-parameters "outliers" and "level".
    """
    mass, start = trim(losses, replicas.hyperparams["outliers"])
    count_visits(mass, index, replicas)
    level = replicas.hyperparams["level"]
    return torch.minimum((level - start).clamp_min_(0), mass) / level


def trimmed_worst_in_ball(losses: Tensor, index: Tensor, replicas: Replicas) -> Tensor:
    """Return the worst weights in a chi-square ball around a trimmed batch.

    Arguments:
        losses: Losses of the batch, (R, m).
        index: Positions of the samples, (R, m).
        replicas: The replicas, with hyper-parameters "outliers" and "radius".
    """
    mass, _ = trim(losses, replicas.hyperparams["outliers"])
    count_visits(mass, index, replicas)
    return worst_in_ball(losses, mass, replicas.hyperparams["radius"])


LOSS_WEIGHTS = {"cvar": trimmed_worst_share, "chi2": trimmed_worst_in_ball}


@dataclass(frozen=True)
class DORO(GradientLearner):
    r"""Distributional and outlier robust optimisation (DORO).

    .. math:: \min_\theta \min_{Q : P = (1 - \varepsilon) Q + \varepsilon R}
        \max_{w \in U(Q)} \mathbb{E}_w[\ell_\theta]

    with P the batch: its share :math:`\varepsilon` of largest losses is removed as outliers. The
    objective of the rest is that of :class:`CVaRDRO` ("cvar") or :class:`Chi2DRO` ("chi2"). All
    shares are exact: a sample that :math:`\varepsilon m` cuts through is removed in part. The
    report has the share of samples that were removed, on average, by half or more.

    A collective that is smaller than :math:`\varepsilon` and not fitted yet looks like outliers
    and has no weight; a larger one is not removed as a whole, and the rest of it is amplified.

    References:
        | DORO: Distributional and Outlier Robust Optimization (Zhai et al., 2021)
        | https://arxiv.org/abs/2106.06142

    Arguments (and those of :class:`GradientLearner`):
        objective: The objective of the rest: "cvar" or "chi2".
        outliers: The share :math:`\varepsilon` of a batch that is removed; 0 removes none.
        level: The share of the rest with weight, for "cvar".
        radius: The radius of the ball around the rest, for "chi2".

    Example:
        >>> labels = torch.zeros(1, 5, dtype=torch.int64)
        >>> table = {"outliers": torch.tensor([[0.2]]), "level": torch.tensor([[0.5]])}
        >>> replicas = Replicas(labels, labels, 2, 1, table)
        >>> losses = torch.tensor([[1.0, 9.0, 2.0, 3.0, 0.0]])
        >>> trimmed_worst_share(losses, torch.arange(5)[None], replicas)
        tensor([[0.0000, 0.0000, 0.5000, 0.5000, 0.0000]])
    """

    space: ClassVar = GradientLearner.space | {
        "outliers": [0.01, 0.05, 0.1],
        "level": [0.3, 0.5, 0.7, 0.9],
    }

    objective: Literal["cvar", "chi2"] = "cvar"
    outliers: Annotated[float, Ge(0), Lt(1)] = 0.05
    level: Annotated[float, Gt(0), Le(1)] = 0.7
    radius: Annotated[float, Ge(0)] = 0.1

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks that weight the losses of each batch."""
        return Hooks(loss_weights=LOSS_WEIGHTS[self.objective], report=share_removed)
