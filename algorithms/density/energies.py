"""Networks for energies: smooth functions that learn high frequencies early."""

from dataclasses import dataclass
from itertools import pairwise
from math import pi, prod
from typing import Annotated

import torch
from annotated_types import Ge, Gt, MinLen
from torch import Tensor
from torch.nn.functional import silu

from algorithms.networks import Network, Parameter, Shape, dense, evenly, product


@dataclass(frozen=True)
class SmoothMLP(Network):
    r"""Multi-layer perceptron with smooth units, whose first layer is enlarged.

    .. math:: a_1 = \sigma(\kappa (W_1 x + b_1)), \quad a_l = \sigma(W_l a_{l-1} + b_l), \quad
        z = W_L a_{L-1} + b_L, \qquad \sigma(t) = t / (1 + e^{-t})

    The factor :math:`\kappa` counters the bias of such networks towards low frequencies. Without
    it training stalls at saddle points, at which several modes are merged into a ring.

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
        """Return the parameters for points of a given shape and a number of classes."""
        widths = [prod(points), *self.hidden, classes]
        return [p for w, v in pairwise(widths) for p in dense(w, v)]

    def features(self, parameters: list[Tensor], x: Tensor, points: Shape) -> Tensor:
        """Return the inputs (R, F, B) of the last layer for points given as rows (R, B, d)."""
        a, factor = x.transpose(1, 2), self.frequency
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            a = evenly(silu, product(w, a, b, alpha=factor, beta=factor))
            factor = 1.0
        return a


@dataclass(frozen=True)
class SineMLP(Network):
    r"""Multi-layer perceptron on sines of a given frequency in the first layer.

    .. math:: a_1 = \sin(\kappa \sqrt 3\, W_1 x + b_1), \quad a_l = \sigma(W_l a_{l-1} + b_l),
        \quad z = W_L a_{L-1} + b_L, \qquad \sigma(t) = t / (1 + e^{-t})

    With :math:`W_1` drawn as in linear layers, :math:`\kappa` is the root mean square frequency,
    over units and directions, in radians for a unit of length. Phases are uniform. Where the
    reference already models the low frequencies, the gradient of a low-frequency energy is near
    zero, and sines as fast as the missing detail are needed.

    References:
        | Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional Domains
          (Tancik et al., 2020)
        | https://arxiv.org/abs/2006.10739

    Arguments:
        hidden: The width of each hidden layer.
        frequency: The root mean square frequency :math:`\kappa`.

    Example:
        >>> [p.shape for p in SineMLP(hidden=(8,)).parameters((2,), 1)]
        [(8, 2), (8, 1), (1, 8), (1, 1)]
    """

    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (128, 128)
    frequency: Annotated[float, Gt(0)] = 5.0

    def parameters(self, points: Shape, classes: int) -> list[Parameter]:
        """Return the parameters for points of a given shape and a number of classes."""
        widths = [prod(points), *self.hidden, classes]
        return [p for w, v in pairwise(widths) for p in dense(w, v)]

    def features(self, parameters: list[Tensor], x: Tensor, points: Shape) -> Tensor:
        """Return the inputs (R, F, B) of the last layer for points given as rows (R, B, d)."""
        # Biases are drawn between -d^-1/2 and d^-1/2, like weights; scaled to pi, they are phases.
        phase, speed = pi * prod(points) ** 0.5, self.frequency * 3**0.5
        w, b = parameters[:2]
        a = torch.sin(product(w, x.transpose(1, 2), b, alpha=speed, beta=phase))
        for w, b in zip(parameters[2:-2:2], parameters[3:-2:2], strict=True):
            a = evenly(silu, product(w, a, b))
        return a
