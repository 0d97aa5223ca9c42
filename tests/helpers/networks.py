"""Small networks, and the same architectures of torch's own layers."""

from itertools import pairwise
from math import prod

import torch
from torch import nn

from algorithms.embedded import EmbeddedMLP
from algorithms.engine.loop import initial
from algorithms.networks import MLP, ConvNet, Linear, Network
from tests.helpers.samples import CLASSES

NETWORKS = {
    "linear": Linear(),
    "mlp": MLP((7,)),
    "deep": MLP((9, 5)),
    "conv": ConvNet((3, 4)),
    "odd conv": ConvNet((2,)),
    "embedded": EmbeddedMLP(((3, 2), (0, 2)), width=3, hidden=(6,)),
}
#: The shape of the points of networks that take other points than (5,).
SHAPES = {"conv": (2, 6, 4), "odd conv": (1, 5, 7)}


class Embedding(nn.Module):
    """Vectors of the columns 3 and 4, and of the columns 0 and 1, beside the column 2."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(2, 3), nn.Linear(2, 3)

    def forward(self, x):
        return torch.cat([self.one(x[:, 3:]), self.other(x[:, :2]), x[:, 2:3]], 1)


def module(network: Network, points: tuple[int, ...]) -> nn.Sequential:
    """The same architecture, of torch's own layers."""
    layers: list[nn.Module] = []
    if isinstance(network, ConvNet):
        depth, height, width = points
        for channels in network.channels:
            layers += [nn.Conv2d(depth, channels, 3, stride=2, padding=1), nn.ReLU()]
            depth, height, width = channels, (height + 1) // 2, (width + 1) // 2
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(depth * height * width, CLASSES))
    if isinstance(network, EmbeddedMLP):
        return nn.Sequential(Embedding(), nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, CLASSES))
    widths = [prod(points), *(network.hidden if isinstance(network, MLP) else ())]
    layers.append(nn.Flatten())
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], CLASSES))


@torch.no_grad()
def load(net: nn.Module, parameters) -> nn.Module:
    """Copy the parameters of the first replica into a module."""
    for p, values in zip(net.parameters(), parameters, strict=True):
        p.copy_(values[0].reshape(p.shape))
    return net


def started(network: Network, points: tuple[int, ...], rng, dtype=torch.float64) -> nn.Module:
    """A module with the initial parameters that the engine draws."""
    return load(module(network, points).to(dtype), initial(network, points, CLASSES, [rng]))


def agree(parameters, want, near=1e-12):
    """Demand that the first replica's parameters are those of a module, up to rounding."""
    for a, b in zip(parameters, want, strict=True):
        torch.testing.assert_close(a[0].reshape(b.shape), b.detach(), atol=near, rtol=near)
