"""Training on mixtures of pairs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Gt
from torch import Tensor

from algorithms.engine import (
    Batch,
    Gradient,
    GradientLearner,
    Hooks,
    Replicas,
    Samples,
    TrainingState,
)


def draw_shares(size: int) -> Callable[[TrainingState], None]:
    """Return a ``before_epoch`` hook that draws a share for each batch of a size."""

    def before_epoch(state: TrainingState) -> None:
        steps = -(-state.n // size)
        concentration = state.replicas.hyperparams["concentration"].flatten().tolist()
        draws = [g.beta(a, a, steps) for g, a in zip(state.rngs, concentration, strict=True)]
        shares = torch.from_numpy(np.stack(draws)).to(state.parameters[0])
        state.replicas.state["shares"] = shares

    return before_epoch


def mixed_gradient(state: TrainingState, batch: Batch) -> Gradient:
    """Return the gradient at mixtures of each point with the one before it, in random order."""
    memory = state.replicas.state
    memory["share"], memory["shares"] = memory["shares"].tensor_split([1], dim=1)
    share = memory["share"][:, :, None]
    x = share * batch.x + (1 - share) * batch.x.roll(1, 1)
    return state.gradient(Batch(x, batch.labels, batch.index))


def mixed_loss(logits: Tensor, batch: Batch, replicas: Replicas) -> Tensor:
    """Return the mixture of the losses for the labels of both points of each pair.

    Arguments:
        logits: Logits of the mixtures, (R, K, b).
        batch: The samples, before mixing.
        replicas: The replicas; the share of the first point is their state "share", (R, 1).

    Returns:
        The objective, (R,).
    """
    log_p, share = logits.log_softmax(1), replicas.state["share"]
    first, second = (
        -log_p.gather(1, labels[:, None])[:, 0]
        for labels in (batch.labels, batch.labels.roll(1, 1))
    )
    return (share * first + (1 - share) * second).mean(1)


@dataclass(frozen=True)
class Mixup(GradientLearner):
    r"""Mixup: training on mixtures of the points, and of the losses, of pairs of samples.

    .. math:: \min_\theta \frac1m \sum_{i=1}^m \lambda \, \ell(f_\theta(\tilde x_i), y_i)
        + (1 - \lambda) \, \ell(f_\theta(\tilde x_i), y_{j(i)}), \qquad
        \tilde x_i = \lambda x_i + (1 - \lambda) x_{j(i)}, \quad
        \lambda \sim \mathrm{Beta}(a, a)

    over batches of m samples. A batch has one :math:`\lambda`, and the partner j(i) of a sample
    is the one before it.

    Training sees a member's signal at reduced strength, and its label in the same proportion: a
    collective teaches a gradual transition between points without and with its signal.

    References:
        | mixup: Beyond Empirical Risk Minimization (Zhang et al., 2018)
        | https://arxiv.org/abs/1710.09412

    Arguments (and those of :class:`GradientLearner`):
        concentration: The parameter a of the Beta distribution; close to 0 there is no mixing.

    Example:
        A point with label 0 and a point with label 1, in a mixture of 3 to 1:

        >>> replicas = Replicas(None, None, 2, 1, {})
        >>> replicas.state["share"] = torch.tensor([[0.75]])
        >>> batch = Batch(x=None, labels=torch.tensor([[0, 1]]), index=None)
        >>> logits = torch.tensor([[[2.0, 0.0], [0.0, 0.0]]])
        >>> mixed_loss(logits, batch, replicas)
        tensor([0.6600])
    """

    space: ClassVar = GradientLearner.space | {"concentration": [0.1, 0.2, 0.4, 1.0]}

    concentration: Annotated[float, Gt(0)] = 0.2

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks that mix the samples of each batch."""
        return Hooks(
            objective=mixed_loss,
            gradient_step=mixed_gradient,
            before_epoch=draw_shares(self.batch_size),
        )
