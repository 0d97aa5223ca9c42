"""Training on the failures of a biased network."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Le, Lt
from torch import Tensor

from algorithms.engine import GradientLearner, Hooks, Hyperparams, Outcome, Replicas, Samples
from algorithms.engine.loop import initial


def relative_difficulty(losses: Tensor, index: Tensor, replicas: Replicas) -> Tensor:
    """Return the weights of the biased networks, by confidence, and the debiased, by difficulty.

    Arguments:
        losses: Losses of a batch, (2R, b); the first R rows are those of the biased networks.
        index: Positions of the samples, (2R, b).
        replicas: The networks, with hyper-parameters "memory" and "exponent".

    Returns:
        Weights, (2R, b).
    """
    if "losses" not in replicas.state:
        replicas.state["losses"] = torch.zeros_like(replicas.labels, dtype=losses.dtype)
        replicas.state["visited"] = torch.zeros_like(replicas.state["losses"])
    averages, visited = replicas.state["losses"], replicas.state["visited"]
    # At the first visit the average is the loss itself.
    keep = replicas.hyperparams["memory"] * visited.gather(1, index)
    average = keep * averages.gather(1, index) + (1 - keep) * losses
    averages.scatter_(1, index, average)
    visited.scatter_(1, index, 1)
    largest = losses.new_zeros(len(losses), replicas.classes)
    largest.scatter_reduce_(1, replicas.labels, averages, "amax")
    tiny = torch.finfo(losses.dtype).tiny
    scale = largest.gather(1, replicas.labels.gather(1, index)).clamp_min_(tiny)
    biased, debiased = (average / scale).chunk(2)
    confidence = torch.exp(-replicas.hyperparams["exponent"] * losses).chunk(2)[0]
    difficulty = biased / (biased + debiased).clamp_min(tiny)
    return torch.cat([confidence, difficulty]) / losses.shape[1]


@dataclass(frozen=True)
class LfF(GradientLearner):
    r"""Learning from failure (LfF).

    Two networks are trained side by side on the same batches. The biased one, b, minimises the
    generalised cross-entropy :math:`(1 - p_y^q) / q`, whose gradient is :math:`p_y^q` times that
    of the cross-entropy (no further factor q, which would only slow it down): it prefers samples
    that it fits already. The debiased one, d, is the result. It gives sample i the weight

    .. math:: W_i = \frac{\bar\ell^b_i}{\bar\ell^b_i + \bar\ell^d_i}

    where :math:`\bar\ell` is a sample's loss, averaged exponentially over its visits and divided
    by the largest such average in its class.

    A collective whose signal the biased network learns late is amplified; a signal that is the
    easiest feature to learn becomes the bias, and its members have little weight.

    References:
        | Learning from Failure: Training Debiased Classifier from Biased Classifier (Nam et al., 2020)
        | https://arxiv.org/abs/2007.02561

    Arguments (and those of :class:`GradientLearner`):
        exponent: The exponent q of the generalised cross-entropy; at 0 the biased network is
            trained like :class:`ERM`.
        memory: The weight of the old value in a sample's average loss.

    Example:
        One replica, thus two networks. The biased one fails at the second sample:

        >>> labels, half = torch.zeros(2, 2, dtype=torch.int64), torch.full((2, 1), 0.5)
        >>> replicas = Replicas(labels, labels, 2, 1, {"memory": half, "exponent": half})
        >>> losses = torch.tensor([[0.1, 2.0], [1.0, 1.0]])
        >>> relative_difficulty(losses, torch.arange(2).expand(2, 2), replicas)
        tensor([[0.4756, 0.1839],
                [0.0238, 0.2500]])
    """  # noqa: E501 (a title)

    space: ClassVar = GradientLearner.space | {
        "exponent": [0.1, 0.3, 0.7],
        "memory": [0.0, 0.7, 0.9],
    }

    experimental: ClassVar[str | None] = (
        "where labels are noisy, the wrong labels get the most weight and are learnt"
    )

    networks_per_replica: ClassVar[int] = 2

    exponent: Annotated[float, Ge(0), Le(1)] = 0.7
    memory: Annotated[float, Ge(0), Lt(1)] = 0.7

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks that weight the losses of both networks."""
        return Hooks(
            loss_weights=relative_difficulty, networks_per_replica=self.networks_per_replica
        )

    def replicas(
        self,
        samples: Samples,
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train the biased and the debiased network of each replica side by side."""
        shape, classes = samples[0].rows.pool.shape[1:], samples[0].classes
        networks = range(self.networks_per_replica)
        start = [initial(self.network, shape, classes, rngs) for _ in networks]
        # From here on the generators of both networks draw the same batches.
        outcomes = self.descend(
            [*samples, *samples],
            [*rngs, *deepcopy(list(rngs))],
            {name: values * 2 for name, values in hyperparams.items()},
            start=[torch.cat(pair) for pair in zip(*start, strict=True)],
        )
        return outcomes[len(samples) :]
