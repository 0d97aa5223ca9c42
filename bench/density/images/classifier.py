"""A small classifier of images, whose features figures of merit are computed on."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from algorithms.density.images.networks import ImageNetwork, initialise
from algorithms.density.images.precision import full_precision
from algorithms.runtime.device import device
from algorithms.runtime.threads import one_thread
from bench.core.random_streams import stream
from bench.datasets.base import Array
from bench.density.images.data import ImageSet
from bench.density.images.stacked import split_classes, unstack

#: Features of an image, images in a step, steps, and the peak learning rate.
FEATURES, BATCH, STEPS, RATE = 64, 128, 1000, 3e-3
CHUNK = 1000


class ImageClassifier:
    """A trained convolutional network of F features and a linear layer.

    Of a set whose images have three parts it classifies each part.

    Arguments:
        network: The network.
        images: The set of images.
        accuracy: Its accuracy on the test images.
    """

    def __init__(
        self, network: ImageNetwork, images: ImageSet, accuracy: float = float("nan")
    ) -> None:
        self._network, self.accuracy = network, accuracy
        self._parts, self._labels = images.parts, images.labels
        self._device = next(network.parameters()).device

    @torch.no_grad()
    @full_precision()
    def features(self, x: Array) -> Array:
        """Return features (n, F) of images (n, h, w), those of all parts of an image in a row.

        Pixels are clipped to 0 and 1.
        """
        found = [self._network.features(chunk).cpu().numpy() for chunk in self._chunks(x)]
        return np.concatenate(found).reshape(len(x), -1)

    @torch.no_grad()
    @full_precision()
    def predict(self, x: Array) -> Array:
        """Return classes (n,) of images (n, h, w)."""
        found = [self._network(chunk).argmax(1).cpu().numpy() for chunk in self._chunks(x)]
        digits = np.concatenate(found).reshape(len(x), self._parts)
        return np.asarray(digits @ self._labels ** np.arange(self._parts)[::-1])

    def _chunks(self, x: Array) -> tuple[Tensor, ...]:
        single = x if self._parts == 1 else unstack(x)
        pixels = torch.tensor(single.clip(0, 1), dtype=torch.float32)
        return pixels.to(self._device).split(CHUNK)


def train_classifier(images: ImageSet, steps: int = STEPS) -> ImageClassifier:
    """Train a classifier on the training images and their labels, on one thread or on a GPU.

    Arguments:
        images: The images.
        steps: The number of steps.
    """
    rng = stream(0, "classifier")
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    single, labels = images.train, images.train_y
    if images.parts > 1:
        single, labels = unstack(images.train), split_classes(images.train_y, images.labels)
    network = ImageNetwork(single.shape[1], 16, images.labels)
    initialise(network, generator)
    network.to(device())
    x, y = (torch.tensor(t).to(device()) for t in (single, labels))
    with one_thread(), full_precision():
        optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
        for _ in range(steps):
            # Drawn on the processor, so that the batches are the same on all devices.
            rows = torch.randint(len(x), (BATCH,), generator=generator).to(x.device)
            optimiser.zero_grad()
            cross_entropy(network(x[rows]), y[rows]).backward()
            optimiser.step()
            schedule.step()
        right = ImageClassifier(network, images).predict(images.test) == images.test_y
    return ImageClassifier(network, images, float(right.mean()))
