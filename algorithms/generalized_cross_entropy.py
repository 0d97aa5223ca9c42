"""Training with a loss between the cross-entropy and the mean absolute error."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Interval
from torch import Tensor

from algorithms.engine import GradientLearner, Hooks, Replicas, Samples
from algorithms.networks import evenly


def confidence_weights(losses: Tensor, index: Tensor, replicas: Replicas) -> Tensor:
    """Return weights of cross-entropies that have the gradient of the generalised cross-entropy.

    Arguments:
        losses: Cross-entropies of a batch, (R, b).
        index: Not used.
        replicas: The replicas, with the hyper-parameter "q".

    Returns:
        Weights, (R, b).
    """
    return evenly(torch.exp, -replicas.hyperparams["q"] * losses) / losses.shape[1]


@dataclass(frozen=True)
class GeneralizedCrossEntropy(GradientLearner):
    r"""Generalized cross-entropy (GCE), a loss for noisy labels.

    .. math:: \min_\theta \frac1n \sum_{i=1}^n \frac{1 - p_\theta(y_i \mid x_i)^q}{q}

    It is the cross-entropy in the limit :math:`q \to 0`, and half of the mean absolute error of
    the probabilities at q = 1. Its gradient is that of the cross-entropy with the weight

    .. math:: w_i = p_\theta(y_i \mid x_i)^q

    so that a sample counts the less, the less probable the network finds its label. These weights
    are reported, and so is the cross-entropy that they weight. In the first epochs all
    probabilities are small, and so are the steps: the more labels, the longer training takes.

    A small collective contradicts the other people: its labels are improbable, it gets little
    weight, and remains improbable. A collective that the network has begun to follow has full
    weight.

    References:
        | Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels (Zhang and Sabuncu, 2018)
        | https://arxiv.org/abs/1805.07836

    Arguments (and those of :class:`GradientLearner`):
        q: The exponent q; an exponent of 0 is :class:`ERM`.

    Example:
        >>> replicas = Replicas(None, None, 2, 1, {"q": torch.tensor([[0.5]])})
        >>> losses = -torch.tensor([[0.81, 0.04]]).log()
        >>> confidence_weights(losses, None, replicas)
        tensor([[0.4500, 0.1000]])
    """  # noqa: E501 (a title)

    space: ClassVar = GradientLearner.space | {"q": [0.1, 0.3, 0.5, 0.7, 0.9]}

    q: Annotated[float, Interval(ge=0, le=1)] = 0.7

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks that weight the losses of each batch."""
        return Hooks(loss_weights=confidence_weights)
