"""Training on labels that are not quite sure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Interval
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.hooks import Batch, Hooks, Replicas
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def smoothed_loss(logits: Tensor, batch: Batch, stack: Replicas) -> Tensor:
    """The cross-entropy with labels that are mixed with the uniform distribution."""
    log_p, share = logits.log_softmax(1), stack.hyperparams["smoothing"]
    right = log_p.gather(1, batch.labels[:, None])[:, 0]
    return -((1 - share) * right + share * log_p.mean(1)).mean(1)


@dataclass(frozen=True)
class LabelSmoothing(GradientLearner):
    r"""Label smoothing.

    .. math:: \min_\theta \frac1n \sum_{i=1}^n
        -(1 - s) \log p_\theta(y_i \mid x_i) - \frac sK \sum_{k=1}^K \log p_\theta(k \mid x_i)

    Once a sample is as sure as its smoothed label it pulls no more, and surer than that it pulls
    back.

    Margins are bounded, those of a collective's signal like all others: where signal and
    other features disagree, neither can simply shout the other down.

    References:
        | Rethinking the Inception Architecture for Computer Vision (Szegedy et al., 2016)
        | https://arxiv.org/abs/1512.00567

    Arguments (and those of :class:`GradientLearner`):
        smoothing: The share s of a label that all K labels divide among them; a share of 0 is
            :class:`ERM`.
    """

    smoothing: Annotated[float, Interval(ge=0, lt=1)] = 0.1

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        return self.descend(samples, rngs, hyperparams, Hooks(objective=smoothed_loss))
