"""A perceptron that embeds categories."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import prod
from typing import Annotated, Any

import torch
from annotated_types import Ge, MinLen
from torch import Tensor

from algorithms.networks import MLP, Layered, Parameter, Shape, dense, product

Blocks = tuple[tuple[Annotated[int, Ge(0)], Annotated[int, Ge(1)]], ...]


@dataclass(frozen=True)
class EmbeddedMLP(Layered):
    r"""Multi-layer perceptron that gives each value of a category a vector of its own.

    .. math::
        a_0 = \big(E_1 x_{[s_1, s_1 + w_1)}, \ldots, E_B x_{[s_B, s_B + w_B)}, x_{\text{rest}}
        \big), \quad a_l = \max(0, W_l a_{l-1} + b_l), \quad z = W_L a_{L-1} + b_L

    Categories are one-hot encoded, so a block's product with its matrix looks its value's vector
    up. Tables print their blocks with ``python run_bench.py data columns NAME``.

    References:
        | Entity Embeddings of Categorical Variables (Guo and Berkhahn, 2016)
        | https://arxiv.org/abs/1604.06737

    Arguments:
        blocks: First column (of the flattened points) and number of columns of each category.
        width: The length of the vectors.
        hidden: The width of each hidden layer.

    Example:
        >>> [p.shape for p in EmbeddedMLP(((1, 3),), width=2, hidden=(8,)).parameters((4,), 2)]
        [(2, 3), (2, 1), (8, 3), (8, 1), (2, 8), (2, 1)]
    """

    blocks: Blocks = ((0, 2),)
    width: Annotated[int, Ge(1)] = 4
    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (64,)

    def parameters(self, points: Shape, classes: int) -> list[Parameter]:
        """The parameters for points of a given shape and a number of classes."""
        rest = len(self._rest(prod(points)))
        widths = [self.width * len(self.blocks) + rest, *self.hidden, classes]
        layers = [p for _, size in self.blocks for p in dense(size, self.width)]
        return layers + [p for w, v in pairwise(widths) for p in dense(w, v)]

    def run(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Any]:
        """The features (R, F, B), and what :meth:`slopes` needs of the layers before."""
        columns = x.transpose(1, 2)
        own = [columns[:, start : start + size].contiguous() for start, size in self.blocks]
        count = 2 * len(own)
        pairs = zip(parameters[:count:2], parameters[1:count:2], own, strict=True)
        vectors = [product(w, block, b) for w, b, block in pairs]
        rest = columns[:, self._rest(columns.shape[1])]
        joined = torch.cat([*vectors, rest], 1)
        features, inputs = self._above().run(parameters[count:], joined.transpose(1, 2), points)
        return features, (own, inputs)

    def slopes(self, tape: Any, slope: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Slope at the outputs, and inputs, of each layer, given the slope at the logits."""
        parameters, features, (own, inputs) = tape
        count = 2 * len(own)
        above = self._above().slopes((parameters[count:], features, inputs), slope)
        below = product(parameters[count].transpose(1, 2), above[0][0])
        parts = below[:, : self.width * len(own)].split(self.width, 1)
        return [(p.contiguous(), b) for p, b in zip(parts, own, strict=True)] + above

    def _above(self) -> MLP:
        return MLP(self.hidden)

    def _rest(self, columns: int) -> list[int]:
        """The columns of no block."""
        return _outside(self.blocks, columns)


@cache
def _outside(blocks: Blocks, columns: int) -> list[int]:
    taken = [c for start, size in blocks for c in range(start, start + size)]
    if len(set(taken)) < len(taken) or max(taken, default=0) >= columns:
        raise ValueError(
            f"blocks={blocks} overlap, or go beyond the {columns} columns of the points"
        )
    return sorted(set(range(columns)) - set(taken))
