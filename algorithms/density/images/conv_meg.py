"""Maximum-entropy generators of images."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt
from torch import Tensor

from algorithms.density.images.base import ImageDensity, ImageModel, Networks
from algorithms.density.images.penalties import slopes


@dataclass(frozen=True)
class ConvMEG(ImageModel):
    r"""Maximum-entropy generator (MEG) on images, with a bound of the entropy.

    .. math::
        \min_D\; -\mathbb E_{\text{data}} D + \mathbb E_q D
        + \lambda\, \mathbb E_{\text{data}} \lVert \nabla D \rVert^2, \qquad
        \max_{q, r}\; \mathbb E_q \big[ D(x) + T (\log r(z \mid x) - \log q(z, x)) \big]

    The generator's optimum for a given D has the density :math:`e^{D / T} / Z`. The paper
    estimates the entropy by mutual information with the latents. Here it is the lower bound of
    :class:`~algorithms.density.images.path.ImagePath`, which counts the noise of each pixel: at a
    temperature of 1 this noise would outweigh D. Networks, batches and steps are those of
    :class:`~algorithms.density.images.conv_led.ConvLED`.

    References:
        | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019)
        | https://arxiv.org/abs/1901.08508

    Arguments:
        penalty: The weight :math:`\lambda` of the gradient penalty on data.
        temperature: The temperature T.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).random((100, 8, 8))
        >>> density = ConvMEG(latent=2, channels=4, steps=4).fit(x, np.random.default_rng(0))
        >>> density.sample(5, np.random.default_rng(1)).shape
        (5, 8, 8)
    """

    penalty: Annotated[float, Ge(0)] = 1.0
    temperature: Annotated[float, Gt(0)] = 1e-3

    def update(self, networks: Networks, x: Tensor, at: int) -> None:
        """Do one step of the energy, and one of generator and encoder."""
        path, energy = networks.path, networks.energy
        z, y, log_density = path.draw(len(x), networks.generator)
        gap = energy(x).mean() - energy(y.detach()).mean()
        steep = slopes(energy, x).square().mean()
        networks.descend("energy", self.penalty * steep - gap, at)
        entropy = (path.log_posterior(z, y) - log_density).mean()
        networks.descend("path", -energy(y).mean() - self.temperature * entropy, at)

    def density(self, networks: Networks, held_out: Tensor) -> ImageDensity:
        """Return the generator, with the energy as an unnormalised log-density."""
        beta = 1 / self.temperature
        return ImageDensity(networks.path, networks.energy, beta, tilted=False)
