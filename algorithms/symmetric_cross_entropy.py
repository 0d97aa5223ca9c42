"""Training with the cross-entropy in both directions."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from algorithms.engine import GradientLearner, Hooks, Replicas, Samples
from algorithms.networks import evenly

#: The value A that stands for the logarithm of zero in the reverse cross-entropy.
LOG_ZERO = -4.0


def symmetric_weights(losses: Tensor, index: Tensor, replicas: Replicas) -> Tensor:
    """Return weights of cross-entropies that have the gradient of the symmetric cross-entropy.

    Arguments:
        losses: Cross-entropies of a batch, (R, b).
        index: Not used.
        replicas: The replicas, with the hyper-parameters "alpha" and "beta".

    Returns:
        Weights, (R, b).
    """
    alpha, beta = replicas.hyperparams["alpha"], replicas.hyperparams["beta"]
    return (alpha - LOG_ZERO * beta * evenly(torch.exp, -losses)) / losses.shape[1]


@dataclass(frozen=True)
class SymmetricCrossEntropy(GradientLearner):
    r"""Symmetric cross-entropy (SCE), a loss for noisy labels.

    .. math:: \min_\theta \frac1n \sum_{i=1}^n
        - \alpha \log p_\theta(y_i \mid x_i) - \beta \sum_k p_\theta(k \mid x_i) \log q_i(k)

    with :math:`q_i` the distribution that has all its mass at the label, and A = -4 in place of
    the logarithm of zero. The second term, the reverse cross-entropy, is thus
    :math:`-A (1 - p_\theta(y_i \mid x_i))`. The gradient of the sum is that of the cross-entropy
    with the weight

    .. math:: w_i = \alpha - A \beta \, p_\theta(y_i \mid x_i)

    These weights are reported, and so is the cross-entropy that they weight. At the defaults they
    are at most 1.1, which leaves the learning rate what it is for :class:`ERM`.

    A small collective contradicts the other people: its labels are improbable, and it gets the
    weight :math:`\alpha` only. A collective that the network has begun to follow has full weight.

    References:
        | Symmetric Cross Entropy for Robust Learning with Noisy Labels (Wang et al., 2019)
        | https://arxiv.org/abs/1908.06112

    Arguments (and those of :class:`GradientLearner`):
        alpha: The factor :math:`\alpha` of the cross-entropy.
        beta: The factor :math:`\beta` of the reverse cross-entropy; a factor of 0 is
            :class:`ERM` with :math:`\alpha` times the learning rate.

    Example:
        >>> table = {"alpha": torch.tensor([[0.1]]), "beta": torch.tensor([[0.25]])}
        >>> losses = -torch.tensor([[0.9, 0.1]]).log()
        >>> symmetric_weights(losses, None, Replicas(None, None, 2, 1, table))
        tensor([[0.5000, 0.1000]])
    """

    space: ClassVar = GradientLearner.space | {"alpha": [0.01, 0.1, 1.0], "beta": [0.1, 0.25, 1.0]}

    alpha: Annotated[float, Ge(0)] = 0.1
    beta: Annotated[float, Ge(0)] = 0.25

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks that weight the losses of each batch."""
        return Hooks(loss_weights=symmetric_weights)
