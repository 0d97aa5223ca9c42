"""Differentially private stochastic gradients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from math import inf
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval
from scipy.stats import binom
from torch import Tensor

from algorithms.engine import (
    Batch,
    Gradient,
    GradientLearner,
    Hooks,
    Hyperparams,
    Outcome,
    Replicas,
    Rule,
    Samples,
    TrainingState,
)
from algorithms.networks import Layered
from algorithms.runtime.paths import require_library

#: The probability that a Poisson batch is larger than the largest size that is computed.
OVERFLOW = 1e-12


def poisson_batches(
    rngs: Sequence[np.random.Generator], n: int, share: float, room: int
) -> tuple[Tensor, Tensor]:
    """Draw a batch for each replica, which each sample joins independently.

    Arguments:
        rngs: A generator for each of R replicas.
        n: The number of samples.
        share: The probability that a sample joins.
        room: The largest size of a batch.

    Returns:
        Positions, (R, room), the first of which are the batch and the others padding; and a mask
        of the batch, (R, room).
    """
    order, real = np.zeros((len(rngs), room), np.int64), np.zeros((len(rngs), room), bool)
    for r, rng in enumerate(rngs):
        size = min(room, rng.binomial(n, share))
        order[r, :size] = rng.choice(n, size, replace=False, shuffle=False)
        real[r, :size] = True
    return torch.from_numpy(order), torch.from_numpy(real)


def private_gradient(share: float, room: int, state: TrainingState, batch: Batch) -> Gradient:
    """Return the noisy sum of the clipped gradients of a Poisson batch, by its expected size.

    Arguments:
        share: The probability that a sample joins the batch.
        room: The largest size of a batch.
        state: The networks, which are :class:`Layered`.
        batch: Not used, except for its device.
    """
    assert isinstance(state.network, Layered)
    order, real = poisson_batches(state.rngs, state.n, share, room)
    (drawn,) = state.batches(order, room)
    logits, tape = state.network.record(state.parameters, drawn.x, state.shape)
    logit_grad = logits.softmax(1)
    logit_grad.scatter_add_(1, drawn.labels[:, None], torch.full_like(logit_grad[:, :1], -1))
    norm = state.network.squared_norms(tape, logit_grad).sqrt()
    table, memory = state.replicas.hyperparams, state.replicas.state
    real = real.to(batch.x.device).to(norm)
    factors = torch.minimum(table["clip"] / norm.clamp_min(torch.finfo(norm.dtype).tiny), real)
    memory["factors"] = factors / (share * state.n)
    gradients, loss = state.gradient(drawn)
    scale = table["noise"] * table["clip"] / (share * state.n)
    sizes = [g[0].numel() for g in gradients]
    draws = torch.from_numpy(np.stack([g.standard_normal(sum(sizes)) for g in state.rngs]))
    draws = scale * draws.to(scale)
    for g, draw in zip(gradients, draws.split(sizes, dim=1), strict=True):
        g += draw.view_as(g)
    return gradients, loss


def clipping_factors(losses: Tensor, index: Tensor, replicas: Replicas) -> Tensor:
    """Return the factors, (R, b), by which clipping scales the gradients of a batch."""
    return replicas.state["factors"]


@cache
def epsilon(noise: float, share: float, steps: int, delta: float) -> float:
    r"""Return the privacy loss of all steps, by numerical composition.

    Neighbouring datasets differ in the presence of one row.

    Arguments:
        noise: The noise multiplier :math:`\sigma`.
        share: The probability that a row joins a batch.
        steps: The number of steps.
        delta: The :math:`\delta` of :math:`(\varepsilon, \delta)`-privacy.

    Returns:
        The :math:`\varepsilon`; infinity without noise.
    """
    if noise == 0:
        return inf
    require_library("dp_accounting", "privacy", "DPSGD")
    # This import takes longer than that of all learners.
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

    replaces a batch's mean gradient. (Batches are cut at a size that is exceeded about once in
    :math:`10^{12}` steps.) The report has the :math:`\varepsilon` at which all steps together are
    :math:`(\varepsilon, \delta)`-private if a row is added or removed; a change of a row is both.
    The weight of a sample is the factor by which clipping scales its gradient.

    A member changes no step by more than C, and noise hides the effect of a few members: the
    larger :math:`\sigma`, the larger a collective has to be for an effect.

    References:
        | Deep Learning with Differential Privacy (Abadi et al., 2016)
        | https://arxiv.org/abs/1607.00133

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data. Their number is fixed, as a stop by validation data
            is an answer about them that the reported privacy does not count.
        learning_rate: The learning rate, above that of other learners: clipped gradients are
            small.
        selection: As of :class:`GradientLearner`.
        clip: The norm C at which the gradient of each sample is clipped.
        noise: The noise multiplier :math:`\sigma`.
        delta: The :math:`\delta` at which privacy is reported.

    Example:
        >>> from algorithms.base import TrainingSet
        >>> sample = TrainingSet(np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]))
        >>> fitted = DPSGD(noise=0.0).fit(sample, np.random.default_rng(0))
        >>> fitted.predict(sample.x), fitted.report["epsilon"]
        (array([0, 0, 1, 1]), inf)
    """

    space: ClassVar = GradientLearner.space | {"clip": [0.1, 1.0, 10.0]}

    epochs: Annotated[int, Ge(1)] = 20
    learning_rate: Annotated[float, Gt(0)] | None = 0.05
    selection: Rule = "last"
    clip: Annotated[float, Gt(0)] = 1.0
    noise: Annotated[float, Ge(0)] = 1.0
    delta: Annotated[float, Interval(gt=0, lt=1)] = 1e-5

    def files(self) -> tuple[Path, ...]:
        """Return no files, after a check that the library of the privacy loss is installed."""
        require_library("dp_accounting", "privacy", "DPSGD")
        return super().files()

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks with clipped and noisy gradients.

        Raises:
            ValueError: If the network has no gradients per sample.
        """
        if not isinstance(self.network, Layered):
            raise ValueError(
                f"DPSGD clips the gradient of each sample, which it cannot for {self.network!r}: "
                "it takes networks that are Layered"
            )
        n = len(samples[0])
        share = min(1.0, self.batch_size / n)
        room = int(binom.isf(OVERFLOW, n, share))
        return Hooks(clipping_factors, gradient_step=partial(private_gradient, share, room))

    def replicas(
        self,
        samples: Samples,
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train, and report the privacy loss."""
        share = min(1.0, self.batch_size / len(samples[0]))
        outcomes = super().replicas(samples, rngs, hyperparams)
        noises, deltas = hyperparams["noise"], hyperparams["delta"]
        return [
            o
            if isinstance(o, Exception)
            else replace(
                o, report=o.report | {"epsilon": epsilon(noise, share, len(o.losses), delta)}
            )
            for o, noise, delta in zip(outcomes, noises, deltas, strict=True)
        ]
