"""The one-way flow: a generator whose inverse is never computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor
from torch.nn.functional import silu, softplus

from algorithms.density.generators import InjectiveMap
from algorithms.networks import evenly, product

#: The scales of a layer lie between e^-6 and e^6.
MAX_LOG_SCALE = 6.0
#: The number of parameters of a layer.
LAYER_SIZE = 6


@dataclass(frozen=True)
class OneWayFlow(InjectiveMap):
    r"""One-way flow: the density of its samples is exact, and its inverse is never computed.

    Each layer mixes the coordinates and then applies a monotone function to each of them, whose
    shape depends on the coordinates before it:

    .. math::
        h = L U z + t, \qquad
        y_i = e^{s_i} h_i + m_i + \sum_k a_{ik} \tanh(b_{ik} h_i + c_{ik}), \quad a, b > 0

    L and U are triangular, L with ones on its diagonal and U with positive numbers, and
    (s, m, a, b, c) are the outputs of a masked network of :math:`h_1, \dots, h_{i-1}`. The map is
    therefore injective by construction, its Jacobian has full rank, and

    .. math::
        \log |\det J| = \sum_i \log U_{ii} + \sum_i \log \Big(e^{s_i} +
            \sum_k a_{ik} b_{ik} \operatorname{sech}^2(b_{ik} h_i + c_{ik})\Big).

    The permutation P of a PLU layer reverses the coordinates in every other layer.

    With ``latent`` = k below d, all layers but the last act on the first k coordinates of the
    noise only; the last layer acts on all d. The k latents then span a smooth surface, and the
    other d - k coordinates are noise around it, so that the density is one on the whole space. A
    map from k to d dimensions would have none.

    The one-way flow, low-dimensional latents included, is the paper's. The paper's abstract does
    not specify the layers; these are this project's choice.

    References:
        | Adversarial Likelihood Estimation With One-Way Flows (Ben-Dov et al., 2024)
        | https://arxiv.org/abs/2307.09882

    Arguments:
        layers: The number of layers.
        bumps: The number of tanh terms of each coordinate.
        hidden: The width of the masked network of each layer.
        latent: The number k of latent coordinates; 0 for all d.

    Example:
        >>> flow, noise = OneWayFlow(layers=2), torch.zeros(1, 3, 5)
        >>> points, log_det = flow.push(flow.parameters(3, [np.random.default_rng(0)]), noise)
        >>> points.shape, log_det.shape
        (torch.Size([1, 3, 5]), torch.Size([1, 5]))
    """

    layers: Annotated[int, Ge(1)] = 3
    bumps: Annotated[int, Ge(1)] = 8
    hidden: Annotated[int, Ge(1)] = 64
    latent: Annotated[int, Ge(0)] = 0

    def widths(self, d: int) -> list[int]:
        """Return the number of coordinates that each layer acts on."""
        if self.latent > d:
            raise ValueError(
                f"latent={self.latent} is more than the {d} coordinates of the points; allowed "
                f"are 0 to {d}"
            )
        return [self.latent or d] * (self.layers - 1) + [d]

    def parameters(self, d: int, rngs: Sequence[np.random.Generator]) -> list[Tensor]:
        """Draw initial parameters, each (R, a, b), of a map near the identity."""
        parameters = []
        for width in self.widths(d):
            outputs = (2 + 3 * self.bumps) * width
            shapes = [(self.hidden, width), (self.hidden, 1), (outputs, self.hidden)]
            scales = [width**-0.5, width**-0.5, 0.1 * self.hidden**-0.5]
            drawn = [
                torch.from_numpy(np.stack([rng.uniform(-s, s, shape) for rng in rngs]))
                for shape, s in zip(shapes, scales, strict=True)
            ]
            # a is small, b is one, and the centres of the bumps cover the range of the noise.
            bend = torch.zeros(2 + 3 * self.bumps, width)
            bend[2 : 2 + self.bumps] = log(np.expm1(0.02))
            bend[2 + self.bumps : 2 + 2 * self.bumps] = log(np.expm1(1.0))
            bend[2 + 2 * self.bumps :] = torch.linspace(-2, 2, self.bumps)[:, None]
            parameters += [
                torch.zeros(len(rngs), width, width),
                torch.zeros(len(rngs), width, 1),
                *drawn,
                bend.view(1, -1, 1).repeat(len(rngs), 1, 1),
            ]
        return [p.float() for p in parameters]

    def push(self, parameters: list[Tensor], noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return points (R, d, B) for noise (R, d, B), and their log-determinants (R, B)."""
        total = noise.new_zeros(noise.shape[0], noise.shape[2])
        for layer, width in enumerate(self.widths(noise.shape[1])):
            part = parameters[LAYER_SIZE * layer : LAYER_SIZE * (layer + 1)]
            reverse = layer % 2 == 1 and width == noise.shape[1] and not self.latent
            head = noise[:, :width].flip(1) if reverse else noise[:, :width]
            mixed, log_det = mix(part[0], part[1], head)
            warped, more = self._warp(part[2:], mixed)
            total = total + log_det + more
            warped = warped.flip(1) if reverse else warped
            rest = noise[:, width:]
            noise = torch.cat([warped, rest], 1) if rest.shape[1] else warped
        return noise, total

    def _warp(self, parameters: list[Tensor], h: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the triangular monotone part of a layer."""
        w, b, v, c = parameters
        first, second = _masks(h.shape[1], self.hidden, h.dtype, h.device)
        hidden = evenly(silu, product(w * first, h, b))
        masked = v * second.repeat(2 + 3 * self.bumps, 1)
        shape = product(masked, hidden, c).unflatten(1, (-1, h.shape[1]))
        s = MAX_LOG_SCALE * torch.tanh(shape[:, 0] / MAX_LOG_SCALE)
        return monotone(h.unsqueeze(1), s, shape[:, 1], *shape[:, 2:].chunk(3, dim=1))


def mix(packed: Tensor, shift: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``L U z + t``, (R, d, B), and its log-determinant, (R, 1).

    Arguments:
        packed: L below the diagonal, U above it, and the logarithm of U's diagonal, (R, d, d).
        shift: The vector t, (R, d, 1).
        z: Points, (R, d, B).
    """
    diagonal = torch.diagonal(packed, dim1=1, dim2=2)
    eye = torch.eye(packed.shape[1], dtype=packed.dtype, device=packed.device)
    lower, upper = packed.tril(-1) + eye, packed.triu(1) + torch.diag_embed(diagonal.exp())
    return product(lower, product(upper, z), shift), diagonal.sum(1, keepdim=True)


def monotone(
    h: Tensor, s: Tensor, m: Tensor, a: Tensor, b: Tensor, c: Tensor
) -> tuple[Tensor, Tensor]:
    """Return increasing functions of h, (R, d, B), and the sum of their log-derivatives, (R, B).

    Arguments:
        h: The arguments of the functions, (R, 1, d, B).
        s: Log-slope of the linear part, (R, d, B).
        m: Shift, (R, d, B).
        a: Heights of the bumps before the softplus, (R, K, d, B).
        b: Slopes of the bumps before the softplus, (R, K, d, B).
        c: Shifts of the bumps, (R, K, d, B).
    """
    slope, rise = s.exp(), evenly(softplus, b)
    tanh = torch.tanh(torch.addcmul(c, rise, h))
    height = evenly(softplus, a)
    y = torch.addcmul(m, slope, h[:, 0]) + (height * tanh).sum(1)
    derivative = slope + (height * rise * (1 - tanh * tanh)).sum(1)
    return y, derivative.log().sum(1)


@lru_cache(maxsize=64)
def _masks(d: int, hidden: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the masks from inputs to hidden units, (H, d), and from these to outputs, (d, H)."""
    # Unit j sees the coordinates below its degree; output i the units of a degree of at most i.
    degree = torch.arange(hidden, device=device) % max(1, d - 1) + 1
    place = torch.arange(d, device=device)
    return (degree[:, None] > place).to(dtype), (place[:, None] >= degree).to(dtype)
