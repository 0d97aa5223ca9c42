"""A penalty on logits, against the starvation of features."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge
from torch import Tensor

from algorithms.engine import Batch, GradientLearner, Hooks, Replicas, Samples


def decoupled_loss(logits: Tensor, batch: Batch, replicas: Replicas) -> Tensor:
    """Return the cross-entropy plus a penalty on the mean square of all logits.

    Arguments:
        logits: Logits of the batch, (R, K, b).
        batch: The samples.
        replicas: The replicas, with the hyper-parameter "coefficient".

    Returns:
        The objective, (R,).
    """
    right = logits.log_softmax(1).gather(1, batch.labels[:, None])[:, 0]
    squares = logits.square().mean(1)
    return (replicas.hyperparams["coefficient"] * squares - right).mean(1)


@dataclass(frozen=True)
class SpectralDecoupling(GradientLearner):
    r"""Spectral decoupling (SD): a penalty on logits in place of weights.

    .. math:: \min_\theta \frac1n \sum_{i=1}^n \Big( \ell(z_i, y_i)
        + \frac{\lambda}{K} \lVert z_i \rVert_2^2 \Big), \qquad z_i = f_\theta(x_i)

    Under cross-entropy alone, a feature that is learnt first reduces the gradient of all others
    (gradient starvation); with bounded logits the others are learnt, too.

    A collective's signal can neither starve other features nor be starved by them: it adds to
    the other evidence in the data and does not replace it.

    References:
        | Gradient Starvation: A Learning Proclivity in Neural Networks (Pezeshki et al., 2021)
        | https://arxiv.org/abs/2011.09468

    Arguments (and those of :class:`GradientLearner`):
        coefficient: The coefficient :math:`\lambda` of the mean square of the logits; 0 is
            :class:`ERM`.

    Example:
        Both points have the same margin, but the second one has larger logits:

        >>> import torch
        >>> replicas = Replicas(None, None, 2, 1, {"coefficient": torch.tensor([[0.1]])})
        >>> batch = Batch(x=None, labels=torch.tensor([[0]]), index=None)
        >>> for logits in ([[[1.0], [-1.0]]], [[[3.0], [1.0]]]):
        ...     print(f"{decoupled_loss(torch.tensor(logits), batch, replicas).item():.3f}")
        0.227
        0.627
    """

    space: ClassVar = GradientLearner.space | {"coefficient": [0.01, 0.1, 0.3, 1.0]}

    coefficient: Annotated[float, Ge(0)] = 0.1

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks with the penalised loss."""
        return Hooks(objective=decoupled_loss)
