r"""Stacked networks: R copies of one architecture, trained side by side.

A parameter of shape ``s`` is kept as one tensor (R, ...s). Activations are feature-major,
(R, features, B), with the batch in the last, contiguous dimension: matrix products then never
have the (small) number of classes as their contiguous dimension, which is slow on processors.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Annotated, Any

import torch
from annotated_types import Ge, MinLen
from torch import Tensor
from torch.nn.functional import pad

Shape = tuple[int, ...]
Tape = Any

#: A multiple of the numbers that processors work out side by side.
VECTORS = 64


@dataclass(frozen=True)
class Parameter:
    """The shape of one parameter, without the replicas' axis, and the inputs that a unit sums."""

    shape: Shape
    fan_in: int


class Network(ABC):
    """An architecture. Its fields are its sizes; each has a default.

    Its last layer is linear: weights and biases that end the list of parameters, on features
    that a subclass computes. Gradients come from automatic differentiation, unless the network
    is :class:`Layered`.
    """

    @abstractmethod
    def parameters(self, points: Shape, classes: int) -> list[Parameter]:
        """The parameters for points of a given shape and a number of classes."""

    @abstractmethod
    def features(self, parameters: list[Tensor], x: Tensor, points: Shape) -> Tensor:
        """What the last layer sees, (R, F, B), of points given as rows (R, B, d)."""

    def footprint(self, points: Shape, classes: int) -> int:
        """About how many numbers a replica's step keeps at hand for each point."""
        return prod(points) + 3 * sum(p.shape[0] for p in self.parameters(points, classes)[::2])

    def logits(self, parameters: list[Tensor], x: Tensor, points: Shape) -> Tensor:
        """Logits (R, K, B) of points given as rows (R, B, d)."""
        return last(parameters, self.features(parameters, x, points))

    def record(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Tape]:
        """Logits, and what :meth:`backward` needs."""
        with torch.enable_grad():
            leaves = [p.detach().requires_grad_() for p in parameters]
            logits = self.logits(leaves, x, points)
        return logits.detach(), (leaves, logits)

    def backward(self, tape: Tape, slope: Tensor) -> list[Tensor]:
        """The loss's gradient for each parameter, given its gradient for the logits (R, K, B)."""
        leaves, logits = tape
        return list(torch.autograd.grad(logits, leaves, slope))


class Layered(Network):
    """A network of linear layers, dense or convolutional, whose gradients are written by hand.

    A layer is a product of weights with its inputs (R, in, L * B): L places of each of B points,
    one for a dense layer. With the loss's slope at its outputs, (R, out, L * B), all gradients
    follow; and so do their norms for each point, without any point's gradient being formed.
    """

    @abstractmethod
    def run(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Any]:
        """The features (R, F, B), and what :meth:`slopes` needs of the layers before."""

    @abstractmethod
    def slopes(self, tape: Tape, slope: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Slope at the outputs, and inputs, of each layer, given the slope at the logits."""

    def features(self, parameters: list[Tensor], x: Tensor, points: Shape) -> Tensor:
        """What the last layer sees, (R, F, B), of points given as rows (R, B, d)."""
        return self.run(parameters, x, points)[0]

    def record(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Tape]:
        """Logits, and what :meth:`backward` needs."""
        features, layers = self.run(parameters, x, points)
        return last(parameters, features), (parameters, features, layers)

    def backward(self, tape: Tape, slope: Tensor) -> list[Tensor]:
        """The loss's gradient for each parameter, given its gradient for the logits (R, K, B)."""
        return [
            gradient
            for slopes, inputs in self.slopes(tape, slope)
            for gradient in (
                product(slopes, inputs.transpose(1, 2)),
                slopes.sum(2, keepdim=True),
            )
        ]

    def squared_norms(self, tape: Tape, slope: Tensor) -> Tensor:
        r"""The squared norm of each point's own gradient, (R, B).

        .. math:: \sum_l \lVert \delta_l a_l^\top \rVert^2 + \lVert \delta_l 1 \rVert^2
        """
        replicas, _, batch = slope.shape
        total = slope.new_zeros(replicas, batch)
        for slopes, inputs in self.slopes(tape, slope):
            if slopes.shape[2] == batch:
                total += slopes.square().sum(1) * (inputs.square().sum(1) + 1)
                continue
            # (R, units, L * B) -> (R * B, units, L): a small product for each point.
            own = [
                part.unflatten(2, (-1, batch)).permute(0, 3, 1, 2).flatten(0, 1).contiguous()
                for part in (slopes, inputs)
            ]
            weights = product(own[0], own[1].transpose(1, 2)).square().sum((1, 2))
            biases = own[0].sum(2).square().sum(1)
            total += (weights + biases).view(replicas, batch)
        return total


def product(
    a: Tensor, b: Tensor, bias: Tensor | None = None, alpha: float = 1.0, beta: float = 1.0
) -> Tensor:
    r"""Products of matrices, one a replica, :math:`\alpha A_r B_r + \beta c_r`, (R, m, n).

    A lone product with a side of one would be worked out as one with a vector, and rounded
    otherwise than in a stack: it is taken twice, and so are those of its gradients.

    Arguments:
        a: The left matrices, (R, m, k).
        b: The right ones, (R, k, n).
        bias: What is added, (R, m, 1), if anything is.
        alpha: The factor of the products, where something is added.
        beta: The factor of what is added.
    """
    replicas, m, k = a.shape
    if replicas == 1 and 1 in (m, k, b.shape[2]):
        added = None if bias is None else bias.expand(2, -1, -1)
        return product(a.expand(2, -1, -1), b.expand(2, -1, -1), added, alpha, beta)[:1]
    if bias is None:
        return torch.bmm(a, b)
    return torch.baddbmm(bias, a, b, alpha=alpha, beta=beta)


def evenly(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A function of each number in (R, ...), rounded alike however many replicas there are.

    Processors take numbers by whole vectors and those that are left one by one, which some
    functions round otherwise: each replica's numbers are filled up so that none are left.
    """
    short = -x[0].numel() % VECTORS
    if not short:
        return function(x)
    return function(pad(x.flatten(1), (0, short)))[:, :-short].view(x.shape)


def dense(fan_in: int, units: int) -> list[Parameter]:
    """Weights and biases of a fully connected layer."""
    return [Parameter((units, fan_in), fan_in), Parameter((units, 1), fan_in)]


def last(parameters: list[Tensor], features: Tensor) -> Tensor:
    """Logits (R, K, B) of features (R, F, B)."""
    return product(parameters[-2], features, parameters[-1])


def _through_rectifier(slope: Tensor, output: Tensor) -> None:
    """Turn the gradient for a rectified output into that for its input, in place."""
    torch.ops.aten.threshold_backward.grad_input(slope, output, 0, grad_input=slope)


@dataclass(frozen=True)
class MLP(Layered):
    r"""Multi-layer perceptron with rectified units.

    .. math:: a_0 = x, \quad a_l = \max(0, W_l a_{l-1} + b_l), \quad z = W_L a_{L-1} + b_L

    Arguments:
        hidden: The width of each hidden layer.

    Example:
        >>> [p.shape for p in MLP(hidden=(8,)).parameters((1, 2, 2), 3)]
        [(8, 4), (8, 1), (3, 8), (3, 1)]
    """

    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (64,)

    def parameters(self, points: Shape, classes: int) -> list[Parameter]:
        """The parameters for points of a given shape and a number of classes."""
        widths = [prod(points), *self.hidden, classes]
        return [p for w, v in pairwise(widths) for p in dense(w, v)]

    def run(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Any]:
        """The features (R, F, B), and what :meth:`slopes` needs of the layers before."""
        inputs = [x.transpose(1, 2)]
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            inputs.append(product(w, inputs[-1], b).relu_())
        return inputs[-1], inputs

    def slopes(self, tape: Tape, slope: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Slope at the outputs, and inputs, of each layer, given the slope at the logits."""
        parameters, _, inputs = tape
        pairs = [(slope, inputs[-1])]
        for layer in range(len(inputs) - 1, 0, -1):
            slope = product(parameters[2 * layer].transpose(1, 2), slope)
            _through_rectifier(slope, inputs[layer])
            pairs.insert(0, (slope, inputs[layer - 1]))
        return pairs


@dataclass(frozen=True)
class Linear(Layered):
    r"""Multinomial logistic regression, :math:`z = W x + b`.

    Example:
        >>> [p.shape for p in Linear().parameters((1, 2, 2), 3)]
        [(3, 4), (3, 1)]
    """

    def parameters(self, points: Shape, classes: int) -> list[Parameter]:
        """The parameters for points of a given shape and a number of classes."""
        return dense(prod(points), classes)

    def run(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Any]:
        """The features (R, F, B), and what :meth:`slopes` needs of the layers before."""
        return x.transpose(1, 2), None

    def slopes(self, tape: Tape, slope: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Slope at the outputs, and inputs, of each layer, given the slope at the logits."""
        return [(slope, tape[1])]


def _patches(image: Tensor) -> Tensor:
    """All 3x3 patches at stride 2 of images (R, c, h, w, B), padded by one: (R, c, 9, h', w', B).

    With the batch last, each patch is a handful of contiguous copies.
    """
    replicas, channels, height, width, batch = image.shape
    high, wide = (height + 1) // 2, (width + 1) // 2
    padded = image.new_empty(replicas, channels, 2 * high + 1, 2 * wide + 1, batch)
    padded[:, :, 1 : height + 1, 1 : width + 1] = image
    for border in (slice(0, 1), slice(height + 1, None)):
        padded[:, :, border] = 0
    for border in (slice(0, 1), slice(width + 1, None)):
        padded[:, :, :, border] = 0
    views = [
        padded[:, :, row : row + 2 * high : 2, column : column + 2 * wide : 2]
        for row in range(3)
        for column in range(3)
    ]
    return torch.stack(views, 2)


def _patches_backward(slope: Tensor, shape: torch.Size) -> Tensor:
    """The gradient for the images (R, c, h, w, B), given that for their patches."""
    replicas, channels, height, width, batch = shape
    high, wide = (height + 1) // 2, (width + 1) // 2
    padded = slope.new_zeros(replicas, channels, 2 * high + 1, 2 * wide + 1, batch)
    for k in range(9):
        row, column = divmod(k, 3)
        view = padded[:, :, row : row + 2 * high : 2, column : column + 2 * wide : 2]
        view += slope[:, :, k]
    return padded[:, :, 1 : height + 1, 1 : width + 1]


@dataclass(frozen=True)
class ConvNet(Layered):
    """Small convolutional network: 3x3 convolutions at stride 2 with rectified units, then linear.

    Stride in place of pooling makes it cheap on a processor. Convolutions are products of
    weights with patches, so that a replica's result does not depend on the others in its stack.

    Arguments:
        channels: The channels of each convolution.

    Example:
        >>> [p.shape for p in ConvNet(channels=(4,)).parameters((1, 8, 8), 3)]
        [(4, 9), (4, 1), (3, 64), (3, 1)]
    """

    channels: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (8, 16)

    def footprint(self, points: Shape, classes: int) -> int:
        """About how many numbers a replica's step keeps at hand for each point."""
        total, (depth, height, width) = prod(points), points
        for channels in self.channels:
            height, width = (height + 1) // 2, (width + 1) // 2
            # Patches and their gradient; outputs, padded outputs and their gradient.
            total += (2 * 9 * depth + 3 * channels) * height * width
            depth = channels
        return total

    def parameters(self, points: Shape, classes: int) -> list[Parameter]:
        """The parameters for points of a given shape and a number of classes."""
        if len(points) != 3:
            raise ValueError(
                f"ConvNet takes images (channels, height, width), given points {points}"
            )
        depth, height, width = points
        layers = []
        for channels in self.channels:
            layers += dense(9 * depth, channels)
            depth, height, width = channels, (height + 1) // 2, (width + 1) // 2
        return layers + dense(depth * height * width, classes)

    def run(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Any]:
        """The features (R, F, B), and what :meth:`slopes` needs of the layers before."""
        replicas, batch, _ = x.shape
        image = x.transpose(1, 2).reshape(replicas, *points, batch)
        layers = []
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            patches = _patches(image)
            columns = patches.view(replicas, w.shape[2], -1)
            output = product(w, columns, b).relu_()
            layers.append((w, columns, output, patches.shape, image.shape))
            image = output.view(replicas, w.shape[1], *patches.shape[3:])
        return image.view(replicas, -1, batch), layers

    def slopes(self, tape: Tape, slope: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Slope at the outputs, and inputs, of each layer, given the slope at the logits."""
        parameters, features, layers = tape
        pairs = [(slope, features)]
        slope = product(parameters[-2].transpose(1, 2), slope)
        for depth, (w, columns, output, patches, image) in reversed(list(enumerate(layers))):
            slope = slope.reshape(output.shape)
            _through_rectifier(slope, output)
            pairs.insert(0, (slope, columns))
            if depth:
                slope = product(w.transpose(1, 2), slope).view(patches)
                slope = _patches_backward(slope, image)
        return pairs
