"""Differentially private stochastic gradients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from math import inf
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval
from scipy.stats import binom
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.hooks import Batch, Gradient, Hooks, Replicas, TrainingState
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome
from algorithms.networks import Layered

#: How likely it may be that a batch is larger than there is room for.
OVERFLOW = 1e-12


def poisson(
    rngs: Sequence[np.random.Generator], n: int, share: float, room: int
) -> tuple[Tensor, Tensor]:
    """Batches that each of n people joins by chance, each (R, room), and who of them is real."""
    order, real = np.zeros((len(rngs), room), np.int64), np.zeros((len(rngs), room), bool)
    for r, rng in enumerate(rngs):
        size = min(room, rng.binomial(n, share))
        order[r, :size] = rng.choice(n, size, replace=False, shuffle=False)
        real[r, :size] = True
    return torch.from_numpy(order), torch.from_numpy(real)


def private(share: float, room: int, loop: TrainingState, batch: Batch) -> Gradient:
    """The noisy sum of the clipped gradients of a Poisson batch, by its expected size."""
    assert isinstance(loop.network, Layered)
    device, n = batch.x.device, loop.label.shape[1]
    order, real = (t.to(device) for t in poisson(loop.rngs, n, share, room))
    ((x, truth, index),) = loop.points.batches(order, room, loop.label)
    logits, tape = loop.network.record(loop.parameters, x, loop.shape)
    slope = logits.softmax(1)
    slope.scatter_add_(1, truth[:, None], torch.full_like(slope[:, :1], -1))
    norm = loop.network.squared_norms(tape, slope).sqrt()
    clip, noise = loop.stack.hyperparams["clip"], loop.stack.hyperparams["noise"]
    heard = torch.minimum(clip / norm.clamp_min(torch.finfo(norm.dtype).tiny), real.to(norm))
    loop.stack.state["heard"] = heard / (share * n)
    gradients, loss = loop.gradient(Batch(x, truth, index))
    scale = noise * clip / (share * n)
    sizes = [g[0].numel() for g in gradients]
    draws = torch.from_numpy(np.stack([g.standard_normal(sum(sizes)) for g in loop.rngs]))
    draws = scale * draws.to(scale)
    for g, draw in zip(gradients, draws.split(sizes, dim=1), strict=True):
        g += draw.view_as(g)
    return gradients, loss


def heard(losses: Tensor, index: Tensor, stack: Replicas) -> Tensor:
    """What clipping leaves of each sample."""
    return stack.state["heard"]


@cache
def epsilon(noise: float, share: float, steps: int, delta: float) -> float:
    """The privacy loss of so many steps, by numerical composition; people come or go."""
    if noise == 0:
        return inf
    # Its import takes longer than that of all learners.
    import dp_accounting
    from dp_accounting.pld import PLDAccountant

    step = dp_accounting.PoissonSampledDpEvent(share, dp_accounting.GaussianDpEvent(noise))
    accountant = PLDAccountant(value_discretization_interval=1e-3)
    accountant.compose(dp_accounting.SelfComposedDpEvent(step, steps))
    return float(accountant.get_epsilon(delta))


@dataclass(frozen=True)
class DPSGD(GradientLearner):
    r"""Differentially private stochastic gradient descent (DP-SGD).

    .. math:: g = \frac1B \Big( \sum_{i \in S} g_i \min\big(1, \tfrac{C}{\lVert g_i \rVert}\big)
        + \sigma C\, \mathcal{N}(0, I) \Big), \qquad i \in S \text{ with probability } B / n

    in place of a batch's mean gradient. (Batches are cut at a size that is exceeded about once
    in :math:`10^{12}` steps.) The report has the :math:`\varepsilon` at which all steps together
    are :math:`(\varepsilon, \delta)`-private for people who come or go; one who changes a row
    does both. Weights are the shares of people's gradients that clipping leaves.

    No member moves a step further than C, and noise covers what few of them do: a collective
    has to be larger to be seen, the more so as :math:`\sigma` grows.

    References:
        | Deep Learning with Differential Privacy (Abadi et al., 2016)
        | https://arxiv.org/abs/1607.00133

    Arguments (and those of :class:`GradientLearner`):
        clip: The norm C at which the gradient of each sample is clipped.
        noise: The noise multiplier :math:`\sigma`.
        delta: The :math:`\delta` at which privacy is reported.
    """

    clip: Annotated[float, Gt(0)] = 1.0
    noise: Annotated[float, Ge(0)] = 1.0
    delta: Annotated[float, Interval(gt=0, lt=1)] = 1e-5

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        if not isinstance(self.network, Layered):
            raise ValueError(
                f"DPSGD clips the gradient of each sample, which it cannot for {self.network!r}: "
                "it takes networks that are Layered"
            )
        n = len(samples[0])
        share = min(1.0, self.batch_size / n)
        room = int(binom.isf(OVERFLOW, n, share))
        hooks = Hooks(heard, around=partial(private, share, room))
        outcomes = self.descend(samples, rngs, hyperparams, hooks)
        return [
            o
            if isinstance(o, Exception)
            else replace(o, report={"epsilon": epsilon(noise, share, len(o.losses), delta)})
            for o, noise, delta in zip(
                outcomes, hyperparams["noise"], hyperparams["delta"], strict=True
            )
        ]
