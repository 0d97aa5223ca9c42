"""Convolutional networks for small images of one channel."""

import math

import torch
from torch import Tensor, nn

#: The slope of a leaky rectifier below zero.
SLOPE = 0.2
#: The units of the layer between images' channels and latents or outputs.
HIDDEN = 256


class ImageGenerator(nn.Module):
    """Upsampling network from latents to location and scale of each pixel.

    The last block computes squares of 2 x 2 pixels as channels at half the size, which is several
    times faster on a processor than convolutions at full size.

    Arguments:
        latent: The number of latents.
        size: The pixels of a side, a multiple of four.
        channels: The channels at a quarter of the size.
        floor: The least scale of a pixel.
    """

    def __init__(self, latent: int, size: int, channels: int, floor: float) -> None:
        super().__init__()
        self.floor = floor
        quarter = size // 4
        self.body = nn.Sequential(
            nn.Linear(latent, HIDDEN),
            nn.LeakyReLU(SLOPE),
            nn.Linear(HIDDEN, channels * quarter**2),
            nn.Unflatten(1, (channels, quarter, quarter)),
            nn.LeakyReLU(SLOPE),
            nn.ConvTranspose2d(channels, channels, 4, 2, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(channels, 8, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return locations and logarithms of scales (n, h, w) at latents (n, k).

        Locations are between 0 and 1, as pixels are.
        """
        location, scale = self.body(z).unbind(1)
        # Scales begin at about .1, and are less than the range of pixels.
        scale = self.floor + (1 - self.floor) * torch.sigmoid(scale - 2)
        return torch.sigmoid(location), scale.log()


class ImageNetwork(nn.Module):
    """Downsampling network from images to numbers: an encoder, a critic, an energy, a classifier.

    Arguments:
        size: The pixels of a side, a multiple of four.
        channels: The channels at a quarter of the size.
        outputs: The number of outputs.
    """

    def __init__(self, size: int, channels: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4, channels, 3, padding=1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(channels, channels, 4, 2, 1),
            nn.LeakyReLU(SLOPE),
            nn.Flatten(),
            nn.Linear(channels * (size // 4) ** 2, HIDDEN),
            nn.LeakyReLU(SLOPE),
        )
        self.last = nn.Linear(HIDDEN, outputs)

    def features(self, x: Tensor) -> Tensor:
        """Return the inputs of the last layer at images (n, h, w) with pixels from 0 to 1."""
        return torch.as_tensor(self.body(4 * x[:, None] - 2))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs (n, outputs) at images (n, h, w) with pixels from 0 to 1."""
        return torch.as_tensor(self.last(self.features(x)))


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw all parameters of a network from a generator of randomness: He's normal, biases zero.

    Arguments:
        network: The network.
        generator: The generator of randomness.
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            inputs = module.weight[0].numel()
            if isinstance(module, nn.ConvTranspose2d):
                # Of a kernel of 4 x 4 with stride 2, each output pixel meets a quarter.
                inputs = module.in_channels * module.weight[0, 0].numel() // 4
            with torch.no_grad():
                drawn = torch.randn(module.weight.shape, generator=generator)
                module.weight.copy_(drawn * math.sqrt(2 / (1 + SLOPE**2) / inputs))
                module.bias.zero_()  # type: ignore[union-attr]
