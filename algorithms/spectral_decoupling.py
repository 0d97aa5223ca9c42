"""A penalty on logits, against the starvation of features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.hooks import Batch, Hooks, Replicas
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def decoupled_loss(logits: Tensor, batch: Batch, stack: Replicas) -> Tensor:
    """The cross-entropy and a penalty on the mean square of all logits."""
    right = logits.log_softmax(1).gather(1, batch.labels[:, None])[:, 0]
    squares = logits.square().mean(1)
    return (stack.hyperparams["coefficient"] * squares - right).mean(1)


@dataclass(frozen=True)
class SpectralDecoupling(GradientLearner):
    r"""Spectral decoupling (SD): a penalty on logits in place of weights.

    .. math:: \min_\theta \frac1n \sum_{i=1}^n \Big( \ell(z_i, y_i)
        + \frac{\lambda}{K} \lVert z_i \rVert_2^2 \Big), \qquad z_i = f_\theta(x_i)

    Under cross-entropy alone, a feature that is learnt first takes away the gradient of all
    others (gradient starvation); with bounded logits each of them keeps on learning.

    Its signal can neither starve other features nor be starved by them: a collective is heard
    beside what the data say by themselves, not in place of it.

    References:
        | Gradient Starvation: A Learning Proclivity in Neural Networks (Pezeshki et al., 2021)
        | https://arxiv.org/abs/2011.09468

    Arguments (and those of :class:`GradientLearner`):
        coefficient: The coefficient :math:`\lambda` of the mean square of the logits; 0 is
            :class:`ERM`.
    """

    coefficient: Annotated[float, Ge(0)] = 0.1

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        return self.descend(samples, rngs, hyperparams, Hooks(objective=decoupled_loss))
