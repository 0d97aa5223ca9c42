"""A small classifier of images, whose features figures of merit are computed on."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from algorithms.density.images.networks import ImageNetwork, initialise
from algorithms.runtime.threads import one_thread
from bench.core.random_streams import stream
from bench.datasets.base import Array
from bench.density.images.data import ImageSet

#: Features of an image, images in a step, steps, and the peak learning rate.
FEATURES, BATCH, STEPS, RATE = 64, 128, 1000, 3e-3
CHUNK = 1000


class ImageClassifier:
    """A trained convolutional network of 64 features and a linear layer.

    Arguments:
        network: The network.
        accuracy: Its accuracy on the test images.
    """

    def __init__(self, network: ImageNetwork, accuracy: float = float("nan")) -> None:
        self._network, self.accuracy = network, accuracy

    @torch.no_grad()
    def features(self, x: Array) -> Array:
        """Return features (n, 64) of images (n, h, w); pixels are clipped to 0 and 1."""
        return np.concatenate([self._network.features(part).numpy() for part in _parts(x)])

    @torch.no_grad()
    def predict(self, x: Array) -> Array:
        """Return labels (n,) of images (n, h, w)."""
        return np.concatenate([self._network(part).argmax(1).numpy() for part in _parts(x)])


def _parts(x: Array) -> tuple[Tensor, ...]:
    return torch.tensor(x.clip(0, 1), dtype=torch.float32).split(CHUNK)


def train_classifier(images: ImageSet, steps: int = STEPS) -> ImageClassifier:
    """Train a classifier on the training images and their labels, on one thread.

    Arguments:
        images: The images.
        steps: The number of steps.
    """
    rng = stream(0, "classifier")
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    size, classes = images.train.shape[1], int(images.train_y.max()) + 1
    network = ImageNetwork(size, 16, classes)
    initialise(network, generator)
    x, y = torch.tensor(images.train), torch.tensor(images.train_y)
    with one_thread():
        optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
        for _ in range(steps):
            rows = torch.randint(len(x), (BATCH,), generator=generator)
            optimiser.zero_grad()
            cross_entropy(network(x[rows]), y[rows]).backward()
            optimiser.step()
            schedule.step()
        right = ImageClassifier(network).predict(images.test) == images.test_y
    return ImageClassifier(network, float(right.mean()))
