"""Training on labels with some uncertainty."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Interval
from torch import Tensor

from algorithms.engine import Batch, GradientLearner, Hooks, Replicas, Samples


def smoothed_loss(logits: Tensor, batch: Batch, replicas: Replicas) -> Tensor:
    """Return the cross-entropy with mixtures of the labels and the uniform distribution.

    Arguments:
        logits: Logits of the batch, (R, K, b).
        batch: The samples.
        replicas: The replicas, with the hyper-parameter "smoothing".

    Returns:
        The objective, (R,).
    """
    log_p, share = logits.log_softmax(1), replicas.hyperparams["smoothing"]
    right = log_p.gather(1, batch.labels[:, None])[:, 0]
    return -((1 - share) * right + share * log_p.mean(1)).mean(1)


@dataclass(frozen=True)
class LabelSmoothing(GradientLearner):
    r"""Label smoothing.

    .. math:: \min_\theta \frac1n \sum_{i=1}^n
        -(1 - s) \log p_\theta(y_i \mid x_i) - \frac sK \sum_{k=1}^K \log p_\theta(k \mid x_i)

    The gradient of a sample is zero once its prediction equals the smoothed label, and reduces
    a confidence that exceeds it.

    Margins are bounded, those of a collective's signal like all others: where the signal and
    other features disagree, neither outweighs the other by a large margin.

    References:
        | Rethinking the Inception Architecture for Computer Vision (Szegedy et al., 2016)
        | https://arxiv.org/abs/1512.00567

    Arguments (and those of :class:`GradientLearner`):
        smoothing: The share s of the uniform distribution; a share of 0 is :class:`ERM`.

    Example:
        Beyond some confidence the loss increases:

        >>> import torch
        >>> replicas = Replicas(None, None, 2, 1, {"smoothing": torch.tensor([[0.1]])})
        >>> batch = Batch(x=None, labels=torch.tensor([[0]]), index=None)
        >>> for confidence in (0.8, 0.95, 0.999):
        ...     logits = torch.tensor([[[confidence], [1 - confidence]]]).log()
        ...     print(f"{smoothed_loss(logits, batch, replicas).item():.3f}")
        0.292
        0.199
        0.346
    """

    space: ClassVar = GradientLearner.space | {"smoothing": [0.05, 0.1, 0.2, 0.4]}

    smoothing: Annotated[float, Interval(ge=0, lt=1)] = 0.1

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks with the smoothed loss."""
        return Hooks(objective=smoothed_loss)
