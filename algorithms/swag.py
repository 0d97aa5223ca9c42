"""A Gaussian around the last epochs' parameters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def moments(snapshots: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variances (P,) of snapshots (T, P), and the last deviations, (K, P).

    A deviation is taken when its snapshot is: from the mean of what there was so far.
    """
    counts = torch.arange(1, len(snapshots) + 1).to(snapshots)
    running = snapshots.cumsum(0) / counts[:, None]
    mean, square = running[-1], snapshots.square().mean(0)
    return mean, (square - mean.square()).clamp_min(0), (snapshots - running)[-rank:]


@dataclass(frozen=True)
class SWAG(GradientLearner):
    r"""Stochastic weight averaging, Gaussian (SWAG).

    The parameters at the end of the last T epochs have a mean, a variance each, and deviations
    from their running mean, of which the last K are kept. Networks are drawn from

    .. math:: \theta \sim \mathcal{N}\Big(\bar\theta,\ s \big(\operatorname{diag} \sigma^2
        + \tfrac{1}{K - 1} D^\top D\big)\Big)

    and their probabilities are averaged; with s = 1/2 as published, with s = 0 it is the mean
    network alone.

    What an epoch learns about a collective and the next forgets is averaged out: a small
    collective has to be remembered by most of the networks, not by the last one.

    References:
        | A Simple Baseline for Bayesian Uncertainty in Deep Learning (Maddox et al., 2019)
        | https://arxiv.org/abs/1902.02476

    Arguments (and those of :class:`GradientLearner`):
        selection: By what an epoch is better, for patience; averaging takes the place of a choice.
        last: The number T of last epochs that are collected.
        rank: The number K of deviations that are kept.
        draws: The number of networks.
        scale: The scale s of the covariance.
    """

    last: Annotated[int, Ge(1)] = 10
    rank: Annotated[int, Ge(1)] = 10
    draws: Annotated[int, Ge(1)] = 20
    scale: Annotated[float, Ge(0)] = 0.5

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        outcomes = self.descend(samples, rngs, hyperparams, trace=True)
        for r, outcome in enumerate(outcomes):
            if not isinstance(outcome, Exception):
                path = [snapshot.parameters for snapshot in outcome.path[-self.last :]]
                drawn = self.draw(path, hyperparams["scale"][r], rngs[r])
                kept = outcome.path if self.trace else []
                outcomes[r] = replace(outcome, parameters=drawn, path=kept)
        return outcomes

    def draw(
        self, path: Sequence[list[Tensor]], scale: float, rng: np.random.Generator
    ) -> list[Tensor]:
        """Parameters of networks drawn around those of a path, each (S, ...)."""
        snapshots = torch.stack([torch.cat([p.flatten() for p in ps]) for ps in path]).double()
        mean, variance, deviations = moments(snapshots, self.rank)
        own = torch.from_numpy(rng.standard_normal((self.draws, len(mean)))).to(mean)
        common = torch.from_numpy(rng.standard_normal((self.draws, len(deviations)))).to(mean)
        spread = own * variance.sqrt() + common @ deviations / max(len(deviations) - 1, 1) ** 0.5
        drawn = (mean + scale**0.5 * spread).to(path[0][0])
        parts = drawn.split([p.numel() for p in path[0]], dim=1)
        return [part.reshape(-1, *p.shape[1:]) for part, p in zip(parts, path[0], strict=True)]
