"""Training on mixtures of pairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Gt
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.hooks import Batch, Gradient, Hooks, Replicas, TrainingState
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def shares(size: int) -> Callable[[TrainingState], None]:
    """What begins an epoch of batches of a size: each replica draws a share for each batch."""

    def begin(loop: TrainingState) -> None:
        steps = -(-loop.label.shape[1] // size)
        concentration = loop.stack.hyperparams["concentration"].flatten().tolist()
        draws = [g.beta(a, a, steps) for g, a in zip(loop.rngs, concentration, strict=True)]
        loop.stack.state["shares"] = torch.from_numpy(np.stack(draws)).to(loop.parameters[0])

    return begin


def mixed(loop: TrainingState, batch: Batch) -> Gradient:
    """Mix each point with the one before it: the order is random already."""
    state = loop.stack.state
    state["share"], state["shares"] = state["shares"].tensor_split([1], dim=1)
    own = state["share"][:, :, None]
    x = own * batch.x + (1 - own) * batch.x.roll(1, 1)
    return loop.gradient(Batch(x, batch.labels, batch.index))


def mixed_loss(logits: Tensor, batch: Batch, stack: Replicas) -> Tensor:
    """The loss by the points' own labels and that by their partners', in the same shares."""
    log_p, own = logits.log_softmax(1), stack.state["share"]
    mine, theirs = (
        -log_p.gather(1, label[:, None])[:, 0] for label in (batch.labels, batch.labels.roll(1, 1))
    )
    return (own * mine + (1 - own) * theirs).mean(1)


@dataclass(frozen=True)
class Mixup(GradientLearner):
    r"""Mixup: points and losses of pairs of samples are mixed.

    .. math:: \min_\theta \frac1m \sum_{i=1}^m \lambda \, \ell(f_\theta(\tilde x_i), y_i)
        + (1 - \lambda) \, \ell(f_\theta(\tilde x_i), y_{j(i)}), \qquad
        \tilde x_i = \lambda x_i + (1 - \lambda) x_{j(i)}, \quad
        \lambda \sim \mathrm{Beta}(a, a)

    over batches of m samples. A batch has one :math:`\lambda`, and the partner j(i) of a sample
    is the one before it.

    A member's signal is seen half-faded, beside the label in the same proportion: a collective
    teaches a slope between with and without its signal, and the fainter signal too.

    References:
        | mixup: Beyond Empirical Risk Minimization (Zhang et al., 2018)
        | https://arxiv.org/abs/1710.09412

    Arguments (and those of :class:`GradientLearner`):
        concentration: The parameter a of the Beta distribution; close to 0 nothing is mixed.
    """

    concentration: Annotated[float, Gt(0)] = 0.2

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        hooks = Hooks(objective=mixed_loss, around=mixed, begin=shares(self.batch_size))
        return self.descend(samples, rngs, hyperparams, hooks)
