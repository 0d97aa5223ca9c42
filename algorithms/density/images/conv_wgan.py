"""Wasserstein GANs on images."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge
from torch import Tensor

from algorithms.density.images.base import ImageDensity, ImageModel, Networks
from algorithms.density.images.penalties import between, slopes


@dataclass(frozen=True)
class ConvWGAN(ImageModel):
    r"""Wasserstein GAN with gradient penalty (WGAN-GP) on images.

    .. math::
        \min_D\; -\mathbb E_{\text{data}} D + \mathbb E_q D
        + \lambda\, \mathbb E\big(\lVert \nabla D(\hat x) \rVert - 1\big)^2, \qquad
        \max_q\; \mathbb E_q D

    with :math:`\hat x` between data and proposals. Networks, batches and steps are those of
    :class:`~algorithms.density.images.conv_led.ConvLED`, so that each step updates the critic
    once. The encoder learns from the generator's own images, :math:`\max_r \mathbb E_q \log r`,
    and has no effect on them; it bounds the generator's density.

    References:
        | Improved Training of Wasserstein GANs (Gulrajani et al., 2017)
        | https://arxiv.org/abs/1704.00028

    Arguments:
        penalty: The weight :math:`\lambda` of the gradient penalty.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).random((100, 8, 8))
        >>> density = ConvWGAN(latent=2, channels=4, steps=4).fit(x, np.random.default_rng(0))
        >>> density.sample(5, np.random.default_rng(1)).shape
        (5, 8, 8)
    """

    penalty: Annotated[float, Ge(0)] = 10.0

    def update(self, networks: Networks, x: Tensor, at: int) -> None:
        """Do one step of the critic, and one of generator and encoder."""
        path, critic, generator = networks.path, networks.energy, networks.generator
        z, y, _ = path.draw(len(x), generator)
        steep = slopes(critic, between(x, y, generator))
        gap = critic(x).mean() - critic(y.detach()).mean()
        networks.descend("energy", self.penalty * (steep - 1).square().mean() - gap, at)
        encoded = path.log_posterior(z, y.detach()).mean()
        networks.descend("path", -critic(y).mean() - encoded, at)

    def density(self, networks: Networks, held_out: Tensor) -> ImageDensity:
        """Return the generator, with the critic as an unnormalised log-density."""
        return ImageDensity(networks.path, networks.energy, 1.0, tilted=False)
