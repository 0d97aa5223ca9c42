"""Networks drawn from a Gaussian around the parameters of the last epochs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from algorithms.engine import GradientLearner, Hooks, Hyperparams, Outcome, Samples


def moments(snapshots: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the moments of snapshots.

    The deviation of a snapshot is its difference from the mean of all snapshots up to it.

    Arguments:
        snapshots: Parameters after each epoch, (T, P).
        rank: The largest number K of deviations.

    Returns:
        The mean, (P,), the variances, (P,), and the last deviations, (K, P).

    Example:
        >>> moments(torch.tensor([[1.0], [3.0], [2.0]]), rank=2)
        (tensor([2.]), tensor([0.6667]), tensor([[1.],
                [0.]]))
    """
    counts = torch.arange(1, len(snapshots) + 1).to(snapshots)
    running = snapshots.cumsum(0) / counts[:, None]
    mean, square = running[-1], snapshots.square().mean(0)
    return mean, (square - mean.square()).clamp_min(0), (snapshots - running)[-rank:]


@dataclass(frozen=True)
class SWAG(GradientLearner):
    r"""Stochastic weight averaging, Gaussian (SWAG).

    The parameters at the end of the last T epochs have a mean, variances, and deviations from
    their running mean, of which the last K are used. Networks are drawn from

    .. math:: \theta \sim \mathcal{N}\Big(\bar\theta,\ s \big(\operatorname{diag} \sigma^2
        + \tfrac{1}{K - 1} D^\top D\big)\Big)

    and their probabilities are averaged. The published scale is s = 1/2; s = 0 is the mean
    network alone.

    What one epoch learns about a collective and the next one forgets is averaged out: the effect
    of a small collective has to persist in most of the networks, not only in the last one.

    References:
        | A Simple Baseline for Bayesian Uncertainty in Deep Learning (Maddox et al., 2019)
        | https://arxiv.org/abs/1902.02476

    Arguments (and those of :class:`GradientLearner`):
        selection: The metric for patience; the average replaces the selected epoch.
        last: The number T of last epochs.
        rank: The largest number K of deviations.
        draws: The number of networks.
        scale: The scale s of the covariance.

    Example:
        >>> from algorithms.base import TrainingSet
        >>> sample = TrainingSet(np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]))
        >>> SWAG(last=3).fit(sample, np.random.default_rng(0)).predict(sample.x)
        array([0, 0, 1, 1])
    """

    space: ClassVar = GradientLearner.space | {"scale": [0.25, 0.5, 1.0]}

    last: Annotated[int, Ge(1)] = 10
    rank: Annotated[int, Ge(1)] = 10
    draws: Annotated[int, Ge(1)] = 20
    scale: Annotated[float, Ge(0)] = 0.5

    def hooks(self, samples: Samples) -> Hooks:
        """Return no hooks."""
        return Hooks()

    def replicas(
        self,
        samples: Samples,
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train, and draw networks around the last epochs."""
        outcomes = self.descend(samples, rngs, hyperparams, trace=True)
        for r, outcome in enumerate(outcomes):
            if not isinstance(outcome, Exception):
                path = [snapshot.parameters for snapshot in outcome.path[-self.last :]]
                networks = self.draw(path, hyperparams["scale"][r], rngs[r])
                trace = outcome.path if self.trace else []
                outcomes[r] = replace(outcome, parameters=networks, path=trace)
        return outcomes

    def draw(
        self, path: Sequence[list[Tensor]], scale: float, rng: np.random.Generator
    ) -> list[Tensor]:
        """Draw networks around the parameters of a path.

        Arguments:
            path: The parameters after each epoch, each (1, ...).
            scale: The scale of the covariance.
            rng: The generator of the draws.

        Returns:
            Parameters of the networks, each (S, ...).
        """
        snapshots = torch.stack([torch.cat([p.flatten() for p in ps]) for ps in path]).double()
        mean, variance, deviations = moments(snapshots, self.rank)
        noise = torch.from_numpy(rng.standard_normal((self.draws, len(mean)))).to(mean)
        common = torch.from_numpy(rng.standard_normal((self.draws, len(deviations)))).to(mean)
        low_rank = common @ deviations / max(len(deviations) - 1, 1) ** 0.5
        spread = noise * variance.sqrt() + low_rank
        drawn = (mean + scale**0.5 * spread).to(path[0][0])
        parts = drawn.split([p.numel() for p in path[0]], dim=1)
        return [part.reshape(-1, *p.shape[1:]) for part, p in zip(parts, path[0], strict=True)]
