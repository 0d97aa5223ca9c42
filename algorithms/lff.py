"""Learn from what a biased network fails at."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Le, Lt
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.hooks import Hooks, Replicas
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome
from algorithms.engine.loop import initial


def failures(losses: Tensor, index: Tensor, stack: Replicas) -> Tensor:
    """Weights of two stacks: what the biased one is sure of, what it fails at compared."""
    if "memory" not in stack.state:
        stack.state["memory"] = torch.zeros_like(stack.label, dtype=losses.dtype)
        stack.state["seen"] = torch.zeros_like(stack.state["memory"])
    memory, seen = stack.state["memory"], stack.state["seen"]
    # The first loss is remembered whole, later ones are averaged in.
    old = stack.hyperparams["memory"] * seen.gather(1, index)
    new = old * memory.gather(1, index) + (1 - old) * losses
    memory.scatter_(1, index, new)
    seen.scatter_(1, index, 1)
    peaks = losses.new_zeros(len(losses), stack.classes)
    peaks.scatter_reduce_(1, stack.label, memory, "amax")
    tiny = torch.finfo(losses.dtype).tiny
    peak = peaks.gather(1, stack.label.gather(1, index)).clamp_min_(tiny)
    biased, debiased = (new / peak).chunk(2)
    sure = torch.exp(-stack.hyperparams["exponent"] * losses).chunk(2)[0]
    hard = biased / (biased + debiased).clamp_min(tiny)
    return torch.cat([sure, hard]) / losses.shape[1]


@dataclass(frozen=True)
class LfF(GradientLearner):
    r"""Learning from failure (LfF).

    Two networks are trained side by side on the same batches. The biased one, b, minimises the
    generalised cross-entropy :math:`(1 - p_y^q) / q`, whose gradient is :math:`p_y^q` times that
    of the cross-entropy (no further factor q, which would only slow it down); so it trusts what
    it already believes. The debiased one, d, which is the result, weighs by its failures:

    .. math:: W_i = \frac{\bar\ell^b_i}{\bar\ell^b_i + \bar\ell^d_i}

    where :math:`\bar\ell` is a sample's loss, averaged exponentially over its visits and divided
    by the largest such average in its class.

    A collective whose signal the biased network picks up late is amplified; one whose signal is
    the easiest thing to learn becomes the bias, and is left to be ignored.

    References:
        | Learning from Failure: Training Debiased Classifier from Biased Classifier (Nam et al., 2020)
        | https://arxiv.org/abs/2007.02561

    Arguments (and those of :class:`GradientLearner`):
        exponent: The exponent q of the generalised cross-entropy; at 0 the biased network is
            trained like :class:`ERM`.
        memory: How much of a sample's average loss is kept at each further visit.
    """  # noqa: E501 (a title)

    nets: ClassVar[int] = 2

    exponent: Annotated[float, Ge(0), Le(1)] = 0.7
    memory: Annotated[float, Ge(0), Lt(1)] = 0.7

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        shape, classes = samples[0].rows.pool.shape[1:], samples[0].classes
        parts = [initial(self.network, shape, classes, rngs) for _ in range(self.nets)]
        # From here on the generators of both parts draw the same batches.
        outcomes = self.descend(
            [*samples, *samples],
            [*rngs, *deepcopy(list(rngs))],
            {name: values * 2 for name, values in hyperparams.items()},
            Hooks(weigh=failures, copies=self.nets),
            start=[torch.cat(pair) for pair in zip(*parts, strict=True)],
        )
        return outcomes[len(samples) :]
