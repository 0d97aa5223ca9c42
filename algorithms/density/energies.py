"""Networks for energies: smooth, and quick to see detail."""

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Annotated

import torch
from annotated_types import Ge, Gt, MinLen
from torch import Tensor
from torch.nn.functional import silu

from algorithms.networks import Network, Parameter, Shape, dense


@dataclass(frozen=True)
class SmoothMLP(Network):
    r"""Multi-layer perceptron with smooth units, whose first layer is enlarged.

    .. math:: a_1 = \sigma(\kappa (W_1 x + b_1)), \quad a_l = \sigma(W_l a_{l-1} + b_l), \quad
        z = W_L a_{L-1} + b_L, \qquad \sigma(t) = t / (1 + e^{-t})

    The factor :math:`\kappa` counters the bias of such networks to slow functions: without it an
    energy lingers at saddles, where several modes look like a ring.

    References:
        | On the Spectral Bias of Neural Networks (Rahaman et al., 2019)
        | https://arxiv.org/abs/1806.08734

    Arguments:
        hidden: The width of each hidden layer.
        frequency: The factor :math:`\kappa` of the first layer.

    Example:
        >>> [p.shape for p in SmoothMLP(hidden=(8,)).parameters((2,), 1)]
        [(8, 2), (8, 1), (1, 8), (1, 1)]
    """

    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (128, 128)
    frequency: Annotated[float, Gt(0)] = 3.0

    def parameters(self, points: Shape, classes: int) -> list[Parameter]:
        """The parameters for points of a given shape and a number of classes."""
        widths = [prod(points), *self.hidden, classes]
        return [p for w, v in pairwise(widths) for p in dense(w, v)]

    def features(self, parameters: list[Tensor], x: Tensor, points: Shape) -> Tensor:
        """What the last layer sees, (R, F, B), of points given as rows (R, B, d)."""
        a, factor = x.transpose(1, 2), self.frequency
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            a = silu(torch.baddbmm(b, w, a, beta=factor, alpha=factor))
            factor = 1.0
        return a
