"""Gradient descent of the networks of a density model."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from algorithms.engine.loop import Diverged


def descend(
    parameters: list[Tensor], learning_rate: float, steps: int, loss: Callable[[], Tensor]
) -> Iterator[int]:
    """Minimise a loss by Adam, and yield the number of each step after it.

    Arguments:
        parameters: The parameters, which require gradients and change in place.
        learning_rate: The learning rate, which falls to zero as a cosine.
        steps: The number of steps.
        loss: The loss of a new batch, as a function of the parameters' values of the moment.

    Raises:
        Diverged: If a loss is not finite.

    Example:
        >>> x = torch.ones(1, requires_grad=True)
        >>> *_, last = descend([x], 0.1, 100, lambda: (x - 2).square().sum())
        >>> last, bool((x - 2).abs() < 0.1)
        (99, True)
    """
    optimiser = torch.optim.Adam(parameters, lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for at in range(steps):
        value = loss()
        if not value.isfinite():
            raise Diverged(at, float(value.detach()))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        schedule.step()
        yield at
