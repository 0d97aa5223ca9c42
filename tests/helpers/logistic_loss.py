"""The loss of logistic regression, for automatic differentiation."""

import numpy as np
import torch

from collectives.types import Array


def logistic_loss(
    theta: torch.Tensor, x: Array, y: Array, w: Array, strength: float
) -> torch.Tensor:
    """Return the weighted cross-entropy with an L2 penalty.

    Arguments:
        theta: Coefficients, and the intercept in the last column, (1 or K, d + 1).
        x: Points, (n, d).
        y: Labels, (n,).
        w: Weights of the points, (n,).
        strength: Strength of the penalty.
    """
    logits = torch.tensor(np.float64(x)) @ theta[:, :-1].T + theta[:, -1]
    each = torch.nn.functional.cross_entropy(logits, torch.tensor(y), reduction="none")
    factor = 1.0 if len(theta) == 2 else 0.5
    return (each * torch.tensor(w / w.sum())).sum() + factor * strength * (
        theta[:, :-1] ** 2
    ).sum()
