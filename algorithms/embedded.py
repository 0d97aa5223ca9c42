"""Multi-layer perceptron with an embedding of each category."""

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
    r"""Multi-layer perceptron that learns a vector for each value of a category.

    .. math::
        a_0 = \big(E_1 x_{[s_1, s_1 + w_1)}, \ldots, E_B x_{[s_B, s_B + w_B)}, x_{\text{rest}}
        \big), \quad a_l = \max(0, W_l a_{l-1} + b_l), \quad z = W_L a_{L-1} + b_L

    Categories are one-hot encoded, so the product of a block with its matrix is the vector of its
    value. ``python run_bench.py data columns NAME`` prints the blocks of a table.

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
        """Return the parameters for points of a given shape and a number of classes."""
        rest = len(self._rest(prod(points)))
        widths = [self.width * len(self.blocks) + rest, *self.hidden, classes]
        layers = [p for _, size in self.blocks for p in dense(size, self.width)]
        return layers + [p for w, v in pairwise(widths) for p in dense(w, v)]

    def run(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Any]:
        """Return the features, (R, F, B), and the activations."""
        columns = x.transpose(1, 2)
        blocks = [columns[:, start : start + size].contiguous() for start, size in self.blocks]
        count = 2 * len(blocks)
        pairs = zip(parameters[:count:2], parameters[1:count:2], blocks, strict=True)
        vectors = [product(w, block, b) for w, b, block in pairs]
        rest = columns[:, self._rest(columns.shape[1])]
        joined = torch.cat([*vectors, rest], 1)
        features, inputs = self._above().run(parameters[count:], joined.transpose(1, 2), points)
        return features, (blocks, inputs)

    def layer_grads(self, tape: Any, logit_grad: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the gradient for the outputs of each layer, and its inputs."""
        parameters, features, (blocks, inputs) = tape
        count = 2 * len(blocks)
        above = self._above().layer_grads((parameters[count:], features, inputs), logit_grad)
        below = product(parameters[count].transpose(1, 2), above[0][0])
        parts = below[:, : self.width * len(blocks)].split(self.width, 1)
        return [(p.contiguous(), b) for p, b in zip(parts, blocks, strict=True)] + above

    def _above(self) -> MLP:
        return MLP(self.hidden)

    def _rest(self, columns: int) -> list[int]:
        """Return the columns outside all blocks."""
        return _outside(self.blocks, columns)


@cache
def _outside(blocks: Blocks, columns: int) -> list[int]:
    taken = [c for start, size in blocks for c in range(start, start + size)]
    if len(set(taken)) < len(taken) or max(taken, default=0) >= columns:
        raise ValueError(
            f"blocks={blocks} overlap or exceed the {columns} columns of the points; allowed are "
            f"disjoint blocks (first column, number of columns) within 0 to {columns - 1}"
        )
    return sorted(set(range(columns)) - set(taken))
