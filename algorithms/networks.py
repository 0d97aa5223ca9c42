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

import numpy as np
import torch
from annotated_types import Ge, MinLen
from torch import Tensor
from torch.nn.functional import pad

Shape = tuple[int, ...]
Tape = Any

#: A multiple of the number of values in a vector instruction.
VECTORS = 64


@dataclass(frozen=True)
class Parameter:
    """The shape of one parameter, without the replicas' axis, and the fan-in of its units."""

    shape: Shape
    fan_in: int


class Network(ABC):
    """An architecture. Its fields are its sizes; each has a default. Abstract.

    The last layer is linear: its weights and biases are the last two parameters, and its inputs
    are the features that a subclass computes. Gradients come from automatic differentiation,
    unless the network is :class:`Layered`.
    """

    @abstractmethod
    def parameters(self, points: Shape, classes: int) -> list[Parameter]:
        """Return the parameters for points of a given shape and a number of classes."""

    def initial(self, points: Shape, classes: int, rng: np.random.Generator) -> list[Tensor]:
        r"""Draw one replica's parameters uniformly from :math:`\pm 1/\sqrt{\text{fan-in}}`.

        Arguments:
            points: The shape of a point.
            classes: The number of labels.
            rng: The only source of randomness.

        Returns:
            The parameters, float64, without an axis of replicas.
        """
        shapes = self.parameters(points, classes)
        sizes = [prod(p.shape) for p in shapes]
        draws = torch.from_numpy(rng.uniform(-1, 1, sum(sizes))).split(sizes)
        return [
            (draw / p.fan_in**0.5).view(p.shape) for p, draw in zip(shapes, draws, strict=True)
        ]

    @abstractmethod
    def features(self, parameters: list[Tensor], x: Tensor, points: Shape) -> Tensor:
        """Return the inputs of the last layer.

        Arguments:
            parameters: The parameters, each (R, ...).
            x: Points as rows, (R, B, d).
            points: The shape of a point.

        Returns:
            Features, (R, F, B).
        """

    def footprint(self, points: Shape, classes: int) -> int:
        """Return about how many values of a point a replica's step holds in memory."""
        return prod(points) + 3 * sum(p.shape[0] for p in self.parameters(points, classes)[::2])

    def logits(self, parameters: list[Tensor], x: Tensor, points: Shape) -> Tensor:
        """Return the logits.

        Arguments:
            parameters: The parameters, each (R, ...).
            x: Points as rows, (R, B, d).
            points: The shape of a point.

        Returns:
            Logits, (R, K, B).
        """
        return last(parameters, self.features(parameters, x, points))

    def record(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Tape]:
        """Return the logits and the tape for :meth:`backward`.

        Arguments:
            parameters: The parameters, each (R, ...).
            x: Points as rows, (R, B, d).
            points: The shape of a point.

        Returns:
            Logits, (R, K, B), and the tape.
        """
        with torch.enable_grad():
            leaves = [p.detach().requires_grad_() for p in parameters]
            logits = self.logits(leaves, x, points)
        return logits.detach(), (leaves, logits)

    def backward(self, tape: Tape, logit_grad: Tensor) -> list[Tensor]:
        """Return the loss's gradient for each parameter.

        Arguments:
            tape: The second result of :meth:`record`.
            logit_grad: The loss's gradient for the logits, (R, K, B).
        """
        leaves, logits = tape
        return list(torch.autograd.grad(logits, leaves, logit_grad))


class Layered(Network):
    """A network of linear layers, dense or convolutional, with explicit gradients. Abstract.

    A layer is a product of weights with its inputs (R, in, L * B): L places of each of B points,
    one for a dense layer. The loss's gradient for its outputs, (R, out, L * B), determines all
    gradients for parameters, and also their norms for each point, without a gradient per point.
    """

    @abstractmethod
    def run(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Any]:
        """Return the features, and the activations that :meth:`layer_grads` needs.

        Arguments:
            parameters: The parameters, each (R, ...).
            x: Points as rows, (R, B, d).
            points: The shape of a point.

        Returns:
            Features, (R, F, B), and activations.
        """

    @abstractmethod
    def layer_grads(self, tape: Tape, logit_grad: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the loss's gradient for the outputs of each layer, and the layer's inputs.

        Arguments:
            tape: Parameters, features and activations.
            logit_grad: The loss's gradient for the logits, (R, K, B).

        Returns:
            A pair (R, out, L * B), (R, in, L * B) for each layer.
        """

    def features(self, parameters: list[Tensor], x: Tensor, points: Shape) -> Tensor:
        """Return the inputs of the last layer, (R, F, B)."""
        return self.run(parameters, x, points)[0]

    def record(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Tape]:
        """Return the logits and the tape for :meth:`backward`."""
        features, activations = self.run(parameters, x, points)
        return last(parameters, features), (parameters, features, activations)

    def backward(self, tape: Tape, logit_grad: Tensor) -> list[Tensor]:
        """Return the loss's gradient for each parameter."""
        return [
            gradient
            for output_grad, inputs in self.layer_grads(tape, logit_grad)
            for gradient in (
                product(output_grad, inputs.transpose(1, 2)),
                output_grad.sum(2, keepdim=True),
            )
        ]

    def squared_norms(self, tape: Tape, logit_grad: Tensor) -> Tensor:
        r"""Return the squared norm of the gradient of each point's loss.

        .. math:: \sum_l \lVert \delta_l a_l^\top \rVert^2 + \lVert \delta_l 1 \rVert^2

        Arguments:
            tape: The second result of :meth:`record`.
            logit_grad: The gradient of each point's loss for its logits, (R, K, B).

        Returns:
            Squared norms, (R, B).
        """
        replicas, _, batch = logit_grad.shape
        total = logit_grad.new_zeros(replicas, batch)
        for output_grad, inputs in self.layer_grads(tape, logit_grad):
            if output_grad.shape[2] == batch:
                total += output_grad.square().sum(1) * (inputs.square().sum(1) + 1)
                continue
            # (R, units, L * B) -> (R * B, units, L): a small product for each point.
            deltas, activations = (
                part.unflatten(2, (-1, batch)).permute(0, 3, 1, 2).flatten(0, 1).contiguous()
                for part in (output_grad, inputs)
            )
            weights = product(deltas, activations.transpose(1, 2)).square().sum((1, 2))
            biases = deltas.sum(2).square().sum(1)
            total += (weights + biases).view(replicas, batch)
        return total


def product(
    a: Tensor, b: Tensor, bias: Tensor | None = None, alpha: float = 1.0, beta: float = 1.0
) -> Tensor:
    r"""Return the products of matrices, one for each replica, :math:`\alpha A_r B_r + \beta c_r`.

    A single product with a side of one would be computed as a product with a vector, which
    rounds differently than in a stack: it is computed twice, and so are those of its gradients.

    Arguments:
        a: The left matrices, (R, m, k).
        b: The right matrices, (R, k, n).
        bias: The summand c, (R, m, 1), if there is one.
        alpha: The factor of the products; used only with a bias.
        beta: The factor of the bias.

    Returns:
        Matrices, (R, m, n).
    """
    replicas, m, k = a.shape
    if replicas == 1 and 1 in (m, k, b.shape[2]):
        added = None if bias is None else bias.expand(2, -1, -1)
        return product(a.expand(2, -1, -1), b.expand(2, -1, -1), added, alpha, beta)[:1]
    if bias is None:
        return torch.bmm(a, b)
    return torch.baddbmm(bias, a, b, alpha=alpha, beta=beta)


def evenly(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply an elementwise function to (R, ...) with rounding that does not depend on R.

    Processors compute whole vectors of values, and the remaining values one by one, which some
    functions round differently: each replica's values are padded so that none remain.
    """
    short = -x[0].numel() % VECTORS
    if not short:
        return function(x)
    return function(pad(x.flatten(1), (0, short)))[:, :-short].view(x.shape)


def dense(fan_in: int, units: int) -> list[Parameter]:
    """Return the weights and biases of a fully connected layer."""
    return [Parameter((units, fan_in), fan_in), Parameter((units, 1), fan_in)]


def last(parameters: list[Tensor], features: Tensor) -> Tensor:
    """Return the logits (R, K, B) of features (R, F, B)."""
    return product(parameters[-2], features, parameters[-1])


def _through_rectifier(output_grad: Tensor, output: Tensor) -> None:
    """Turn the gradient for a rectified output into the gradient for its input, in place."""
    torch.ops.aten.threshold_backward.grad_input(output_grad, output, 0, grad_input=output_grad)


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
        """Return the parameters for points of a given shape and a number of classes."""
        widths = [prod(points), *self.hidden, classes]
        return [p for w, v in pairwise(widths) for p in dense(w, v)]

    def run(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Any]:
        """Return the features, (R, F, B), and the activations."""
        inputs = [x.transpose(1, 2)]
        for w, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            inputs.append(product(w, inputs[-1], b).relu_())
        return inputs[-1], inputs

    def layer_grads(self, tape: Tape, logit_grad: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the gradient for the outputs of each layer, and its inputs."""
        parameters, _, inputs = tape
        pairs, output_grad = [(logit_grad, inputs[-1])], logit_grad
        for layer in range(len(inputs) - 1, 0, -1):
            output_grad = product(parameters[2 * layer].transpose(1, 2), output_grad)
            _through_rectifier(output_grad, inputs[layer])
            pairs.insert(0, (output_grad, inputs[layer - 1]))
        return pairs


@dataclass(frozen=True)
class Linear(Layered):
    r"""Multinomial logistic regression, :math:`z = W x + b`.

    Example:
        >>> [p.shape for p in Linear().parameters((1, 2, 2), 3)]
        [(3, 4), (3, 1)]
    """

    def parameters(self, points: Shape, classes: int) -> list[Parameter]:
        """Return the parameters for points of a given shape and a number of classes."""
        return dense(prod(points), classes)

    def run(self, parameters: list[Tensor], x: Tensor, points: Shape) -> tuple[Tensor, Any]:
        """Return the features, (R, F, B), and the activations."""
        return x.transpose(1, 2), None

    def layer_grads(self, tape: Tape, logit_grad: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the gradient for the outputs of each layer, and its inputs."""
        return [(logit_grad, tape[1])]


def _patches(image: Tensor) -> Tensor:
    """Return all 3x3 patches at stride 2 of images (R, c, h, w, B), (R, c, 9, h', w', B).

    Images are padded by one. With the batch last, each patch consists of contiguous copies.
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


def _patches_backward(patch_grad: Tensor, shape: torch.Size) -> Tensor:
    """Return the gradient for images (R, c, h, w, B), given the gradient for their patches."""
    replicas, channels, height, width, batch = shape
    high, wide = (height + 1) // 2, (width + 1) // 2
    padded = patch_grad.new_zeros(replicas, channels, 2 * high + 1, 2 * wide + 1, batch)
    for k in range(9):
        row, column = divmod(k, 3)
        view = padded[:, :, row : row + 2 * high : 2, column : column + 2 * wide : 2]
        view += patch_grad[:, :, k]
    return padded[:, :, 1 : height + 1, 1 : width + 1]


@dataclass(frozen=True)
class ConvNet(Layered):
    """Small convolutional network: 3x3 convolutions at stride 2 with rectified units, then linear.

    Stride in place of pooling makes it cheap on a processor. Convolutions are products of
    weights with patches, so a replica's result does not depend on the others in its stack.

    Arguments:
        channels: The channels of each convolution.

    Example:
        >>> [p.shape for p in ConvNet(channels=(4,)).parameters((1, 8, 8), 3)]
        [(4, 9), (4, 1), (3, 64), (3, 1)]
    """

    channels: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (8, 16)

    def footprint(self, points: Shape, classes: int) -> int:
        """Return about how many values of a point a replica's step holds in memory."""
        total, (depth, height, width) = prod(points), points
        for channels in self.channels:
            height, width = (height + 1) // 2, (width + 1) // 2
            # Patches and their gradient; outputs, padded outputs and their gradient.
            total += (2 * 9 * depth + 3 * channels) * height * width
            depth = channels
        return total

    def parameters(self, points: Shape, classes: int) -> list[Parameter]:
        """Return the parameters for points of a given shape and a number of classes."""
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
        """Return the features, (R, F, B), and the activations."""
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

    def layer_grads(self, tape: Tape, logit_grad: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the gradient for the outputs of each layer, and its inputs."""
        parameters, features, layers = tape
        pairs = [(logit_grad, features)]
        output_grad = product(parameters[-2].transpose(1, 2), logit_grad)
        for depth, (w, columns, output, patches, image) in reversed(list(enumerate(layers))):
            output_grad = output_grad.reshape(output.shape)
            _through_rectifier(output_grad, output)
            pairs.insert(0, (output_grad, columns))
            if depth:
                patch_grad = product(w.transpose(1, 2), output_grad).view(patches)
                output_grad = _patches_backward(patch_grad, image)
        return pairs
