"""The interface of density models of images."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor, nn

from algorithms.base import Array
from algorithms.density._on_device import randint, to_device, to_numpy
from algorithms.density.base import Partition
from algorithms.density.images.networks import ImageGenerator, ImageNetwork, initialise
from algorithms.density.images.path import CHUNK, ImagePath
from algorithms.density.images.precision import full_precision
from algorithms.density.partition import estimate, resample
from algorithms.engine.loop import Diverged
from algorithms.runtime.device import device

#: The number of proposals that one sample is drawn from, by their weights; and the least number of
#: proposals that any samples are drawn from: of few, one can have nearly all the weight.
OVERSAMPLE, FEWEST = 4, 2000
#: The decay rates of Adam for networks that play against each other.
BETAS = (0.5, 0.9)
#: The largest number of held-out images.
MAX_HELD_OUT = 1000


class Networks:
    """The networks of a training and their optimisers.

    Arguments:
        model: The model.
        size: The pixels of a side.
        rng: The generator of randomness.

    Attributes:
        path: The generator with its encoder.
        energy: The energy, critic or tilt.
        generator: The generator of randomness.
    """

    def __init__(self, model: "ImageModel", size: int, rng: np.random.Generator) -> None:
        self.generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        decoder = ImageGenerator(model.latent, size, model.channels, model.floor)
        encoder = ImageNetwork(size, model.channels, 2 * model.latent)
        self.energy = ImageNetwork(size, model.channels, 1)
        for network in (decoder, encoder, self.energy):
            initialise(network, self.generator)
            network.to(device())
        self.path = ImagePath(decoder, encoder, model.latent, device())
        rate = model.learning_rate
        self._optimisers = {
            "path": _adam([decoder, encoder], rate),
            "energy": _adam([self.energy], rate),
        }
        self._rate, self._steps = rate, model.steps

    def descend(self, part: str, loss: Tensor, at: int) -> None:
        """Update the ``path`` or the ``energy`` by one step down a loss.

        The learning rate falls to zero as a cosine.

        Arguments:
            part: The part whose parameters change.
            loss: The loss.
            at: The number of the step.

        Raises:
            Diverged: If the loss is not finite.
        """
        if not loss.isfinite():
            raise Diverged(at, float(loss.detach()))
        optimiser = self._optimisers[part]
        optimiser.param_groups[0]["lr"] = (
            self._rate * (1 + math.cos(math.pi * at / self._steps)) / 2
        )
        parameters = optimiser.param_groups[0]["params"]
        # Gradients of the other part are not needed, and are not computed.
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, found, strict=True):
            parameter.grad = gradient
        optimiser.step()


def _adam(networks: list[nn.Module], rate: float) -> torch.optim.Adam:
    parameters = [p for network in networks for p in network.parameters()]
    return torch.optim.Adam(parameters, lr=rate, betas=BETAS)


class ImageDensity:
    r"""A generator of images and an energy.

    With ``tilted``, the density is :math:`q(x)\, e^{\beta f(x)} / Z`, and a proposal's weight is
    :math:`e^{\beta f(x)}`. Otherwise it is :math:`e^{\beta f(x)} / Z`, and a path's weight is
    :math:`e^{\beta f(x)}\, r(z \mid x) / q(z, x)`. In both cases the mean weight is Z.

    Arguments:
        path: The generator with its encoder.
        energy: The network f.
        beta: The factor of f.
        tilted: Whether the generator's density is a factor of the density.
    """

    def __init__(
        self,
        path: ImagePath,
        energy: Callable[[Tensor], Tensor],
        beta: float,
        tilted: bool,
    ) -> None:
        self.path, self._energy = path, energy
        self.beta, self.tilted = beta, tilted

    @torch.no_grad()
    @full_precision()
    def propose(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw n images of the generator, (n, h, w), and their log-weights, (n,)."""
        generator, parts = _generator(rng), []
        for start in range(0, n, CHUNK):
            z, x, log_density = self.path.draw(min(CHUNK, n - start), generator)
            weights = self.beta * self._energy(x)[:, 0]
            if not self.tilted:
                weights = weights + self.path.log_posterior(z, x) - log_density
            parts.append((to_numpy(x), to_numpy(weights.double())))
        return np.concatenate([x for x, _ in parts]), np.concatenate([w for _, w in parts])

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n images, (n, h, w): proposals of the generator, resampled by weight if tilted."""
        if not self.tilted:
            return self.propose(n, rng)[0]
        x, weights = self.propose(max(OVERSAMPLE * n, FEWEST), rng)
        return resample(x, weights, n, rng)

    @torch.no_grad()
    @full_precision()
    def decode(self, z: Array) -> Array:
        """Return the images (n, h, w) without noise of latents (n, k)."""
        return to_numpy(self.path.decoder(self._on_device(z))[0])

    @torch.no_grad()
    @full_precision()
    def energy(self, x: Array) -> Array:
        """Return beta f, (n,), at images (n, h, w)."""
        parts = self._on_device(x).split(CHUNK)
        return np.concatenate([to_numpy(self.beta * self._energy(part)[:, 0]) for part in parts])

    @full_precision()
    def log_bound(self, x: Array, samples: int, rng: np.random.Generator) -> Array:
        """Return lower bounds (n,) of the generator's log-density at images (n, h, w), in nats.

        Arguments:
            x: The images.
            samples: The number of draws of the encoder for each; the bound rises with it.
            rng: The generator of randomness.
        """
        bound = self.path.bound(self._on_device(x), samples, _generator(rng))
        return to_numpy(bound.double())

    def log_partition(self, n: int, rng: np.random.Generator) -> Partition:
        """Return the estimate of log Z from n fresh proposals."""
        return estimate(self.propose(n, rng)[1])

    def _on_device(self, values: Array) -> Tensor:
        return torch.tensor(values, dtype=torch.float32).to(self.path.device)


def _generator(rng: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(rng.integers(2**62)))


@dataclass(frozen=True)
class ImageModel(ABC):
    """A method to learn a density of square images of one channel, with convolutional networks.

    A subclass is a frozen dataclass with the methods :meth:`update` and :meth:`density`. All
    models have the same networks: a generator with an encoder, and an energy.

    Arguments:
        latent: The number of latents.
        channels: The channels of the networks.
        floor: The least scale of the noise of a pixel, as a share of the range of pixels.
        steps: The number of training steps; each updates generator and energy once at most.
        batch_size: The number of images, and of proposals, in a step.
        learning_rate: The learning rate (Adam), which falls to zero as a cosine.
    """

    latent: Annotated[int, Interval(ge=2, le=64)] = 16
    channels: Annotated[int, Ge(1)] = 16
    floor: Annotated[float, Interval(gt=0, lt=1)] = 0.01
    steps: Annotated[int, Ge(1)] = 2000
    batch_size: Annotated[int, Ge(2)] = 64
    learning_rate: Annotated[float, Gt(0)] = 2e-3

    @abstractmethod
    def update(self, networks: Networks, x: Tensor, at: int) -> None:
        """Do one training step.

        Arguments:
            networks: The networks, which change in place.
            x: The images of the step, (B, h, w).
            at: The number of the step.
        """

    @abstractmethod
    def density(self, networks: Networks, held_out: Tensor) -> ImageDensity:
        """Return the density of networks.

        Arguments:
            networks: The networks.
            held_out: Images that no step has used, (n, h, w).
        """

    def train(
        self, x: Array, rng: np.random.Generator, snapshots: int = 1
    ) -> Iterator[ImageDensity]:
        """Learn a density from images, and yield it at equal numbers of steps.

        A density is valid until the next one is taken, since the networks change in place. The
        number of snapshots does not change the training.

        Arguments:
            x: Images (n, h, h) with pixels from 0 to 1; h is a multiple of four.
            rng: The generator of randomness.
            snapshots: The number of densities.

        Raises:
            ValueError: If the images are not square, or their side is not a multiple of four.
            Diverged: If a loss is not finite.
        """
        if x.ndim != 3 or x.shape[1] != x.shape[2] or x.shape[1] % 4 or len(x) < 2:
            raise ValueError(
                f"images are {x.shape}, not two or more of (n, h, h) with h a multiple of four"
            )
        rows = to_device(torch.tensor(x, dtype=torch.float32)[rng.permutation(len(x))])
        held_out = rows[: max(1, min(MAX_HELD_OUT, len(x) // 20))]
        rows = rows[len(held_out) :]
        networks = Networks(self, x.shape[1], rng)
        for at in range(self.steps):
            batch = randint(len(rows), self.batch_size, networks.generator, rows.device)
            with full_precision():
                self.update(networks, rows[batch], at)
            if (at + 1) * snapshots // self.steps > at * snapshots // self.steps:
                yield self.density(networks, held_out)

    def fit(self, x: Array, rng: np.random.Generator) -> ImageDensity:
        """Learn a density from images (n, h, h) with pixels from 0 to 1."""
        *_, last = self.train(x, rng)
        return last
