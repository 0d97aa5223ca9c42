"""Training tasks whose speed is measured, and what their times are compared with."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from statistics import median
from unittest.mock import patch

import numpy as np
import torch
from torch import nn

from algorithms.base import TrainingSet
from algorithms.engine.learner import GradientLearner, stack_size
from algorithms.networks import MLP, ConvNet, Network
from algorithms.runtime.device import VARIABLE, device


@dataclass(frozen=True)
class Work:
    """A training task.

    Arguments:
        name: The name in the table.
        network: The network.
        points: The shape of a point.
        classes: The number of labels.
        n: The number of samples.
        batch_size: Samples per step.
        epochs: Passes over the data.
    """

    name: str
    network: Network
    points: tuple[int, ...]
    classes: int
    n: int
    batch_size: int
    epochs: int

    def sample(self, seed: int = 0) -> TrainingSet:
        """Return noise of the right shape, which takes the same arithmetic as data."""
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(self.n, *self.points)).astype(np.float32)
        return TrainingSet(x, rng.integers(self.classes, size=self.n), classes=self.classes)


WORKS = {
    "A": Work("MLP 64-128-10", MLP((128,)), (64,), 10, 5000, 128, 4),
    "B": Work("MLP 20-32-2", MLP((32,)), (20,), 2, 2000, 64, 8),
    "C": Work("conv net, 8x8", ConvNet((8, 16)), (1, 8, 8), 10, 2000, 128, 2),
    "D": Work("conv net, 28x28", ConvNet((8, 16)), (1, 28, 28), 10, 1024, 128, 1),
}


@contextmanager
def on(where: str) -> Iterator[None]:
    """Train on a device inside the context."""
    with patch.dict(os.environ, {VARIABLE: where}):
        yield


def timed(run: Callable[[], object]) -> float:
    """Return the seconds that a call takes, with all work that it queues on the device."""
    started = time.perf_counter()
    run()
    if device().type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def module(work: Work, pooling: bool = False) -> nn.Sequential:
    """Build the network from torch's layers, if asked with pooling in place of stride."""
    layers: list[nn.Module] = []
    width, height = prod(work.points), 0
    if isinstance(work.network, ConvNet):
        depth, height, _ = work.points
        for channels in work.network.channels:
            layers.append(nn.Conv2d(depth, channels, 3, stride=1 if pooling else 2, padding=1))
            layers += [nn.ReLU(), *([nn.MaxPool2d(2, ceil_mode=True)] if pooling else [])]
            depth, height = channels, (height + 1) // 2
        width = depth * height**2
    elif isinstance(work.network, MLP):
        for units in work.network.hidden:
            layers += [nn.Flatten(), nn.Linear(width, units), nn.ReLU()]
            width = units
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width, work.classes))


def stacked(work: Work, learner: GradientLearner) -> float:
    """Return the seconds of one pass of one replica in a stack as wide as the cache allows."""
    sample = work.sample()
    count = stack_size(learner, sample)
    rngs = [np.random.default_rng(r) for r in range(count)]
    hyperparams = {name: [value] * count for name, value in learner.hyperparams().items()}
    return (
        timed(lambda: learner.replicas([sample] * count, rngs, hyperparams))
        / count
        / learner.epochs
    )


def fitted_to(work: Work, learner: GradientLearner) -> GradientLearner:
    """Return the learner with the network, batches and number of epochs of a task."""
    return replace(
        learner,
        network=work.network,
        batch_size=work.batch_size,
        epochs=work.epochs,
        selection="last",
    )


def arithmetic(work: Work) -> float:
    """Return the floating-point operations of the matrix products of one pass."""
    total, places, first = 0, [], True
    if isinstance(work.network, ConvNet):
        side = work.points[1]
        for _ in work.network.channels:
            side = (side + 1) // 2
            places.append(side**2)
    shapes = [
        p.shape for p in work.network.parameters(work.points, work.classes) if p.shape[1] > 1
    ]
    for shape, count in zip(shapes, [*places, *[1] * len(shapes)], strict=False):
        # Forward, gradient of the weights, and gradient of the inputs but for the first layer.
        total += (2 if first else 3) * 2 * prod(shape) * count
        first = False
    return float(total * work.n)


def products(work: Work, count: int) -> float:
    """Return the seconds of the matrix products of one pass of a replica, alone."""
    shapes = [p.shape for p in work.network.parameters(work.points, work.classes)[::2]]
    layers = [
        [
            torch.ones(count, *shape, device=device())
            for shape in ((v, w), (v, 1), (w, work.batch_size), (v, work.batch_size))
        ]
        for v, w in shapes
    ]

    def step() -> None:
        for i, (weights, biases, inputs, slopes) in enumerate(layers):
            torch.baddbmm(biases, weights, inputs)
            torch.bmm(slopes, inputs.transpose(1, 2))
            if i:
                torch.bmm(weights.transpose(1, 2), slopes)

    def run() -> None:
        for _ in range(-(-work.n // work.batch_size)):
            step()

    step()
    return timed(run) / count


def peak(seconds: float = 0.3) -> float:
    """Return the floating-point operations a second of large single-precision matrix products.

    Arguments:
        seconds: How long they run: about as long as the training in the comparison, so that a
            busy machine slows both.
    """
    a = torch.ones(1024, 1024, device=device())
    times = [timed(lambda: a @ a)]
    while sum(times) < seconds:
        times.append(timed(lambda: a @ a))
    return 2 * 1024**3 * len(times) / sum(times)


def spread(ratios: Sequence[float]) -> str:
    """Return the median and range as text."""
    return f"{median(ratios):.3g} [{min(ratios):.3g}, {max(ratios):.3g}]"
