"""Penalties on the gradient of an energy."""

from collections.abc import Callable

import torch
from torch import Tensor

from algorithms.density._on_device import rand


def slopes(energy: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the norms (n,) of an energy's gradient at images (n, h, w), differentiable.

    Example:
        >>> slopes(lambda x: 3 * x.flatten(1)[:, :1], torch.zeros(2, 2, 2)).tolist()
        [3.0, 3.0]
    """
    at = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(energy(at).sum(), at, create_graph=True)
    # The norm has no derivative at zero.
    return (gradient.flatten(1).square().sum(1) + 1e-12).sqrt()


def between(x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
    """Return points on the lines between the images of two batches, (n, h, w) each."""
    return torch.lerp(x, y.detach(), rand([len(x), 1, 1], generator, x.device))
