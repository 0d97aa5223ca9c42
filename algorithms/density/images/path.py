"""Paths from latents to images, whose density is known exactly."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from algorithms.density._on_device import CPU, rand, randn
from algorithms.density.images.networks import ImageGenerator, ImageNetwork

#: The number of images that networks compute at once after training.
CHUNK = 1000
#: Uniform numbers are kept this far from 0 and 1, where a logistic quantile is infinite.
EDGE = 1e-6


class Draw(NamedTuple):
    """Latents (n, k), images (n, h, w), and their joint log-densities (n,)."""

    z: Tensor
    x: Tensor
    log_density: Tensor


class ImagePath:
    r"""Generator with noise in each pixel, and an encoder that bounds its density.

    .. math:: z \sim \mathcal N(0, I_k), \qquad x_i = \mu_i(z) + s_i(z)\, \epsilon_i

    with standard logistic noise :math:`\epsilon`. The map from :math:`(z, \epsilon)` to
    :math:`(z, x)` is injective with Jacobian :math:`\prod_i s_i`, so that the density of a path is
    known without an inverse of the network:

    .. math:: q(z, x) = \mathcal N(z; 0, I)
        \prod_i \frac{1}{s_i} \ell\Big(\frac{x_i - \mu_i}{s_i}\Big), \qquad
        \ell(\epsilon) = \frac{e^{-\epsilon}}{(1 + e^{-\epsilon})^2}

    The encoder :math:`r(z \mid x)` is normal. It bounds the density of an image and the entropy:

    .. math::
        \mathbb E_r \log \tfrac1K \textstyle\sum_j \frac{q(z_j, x)}{r(z_j \mid x)}
        \le \log q(x), \qquad
        \mathbb E_q[\log r(z \mid x) - \log q(z, x)] \le H(x)

    Noise is logistic, since a normal law of the residuals learns much slower: pixels that are
    constant in most images are surprising in others.

    References:
        | Auto-Encoding Variational Bayes (Kingma and Welling, 2014)
        | https://arxiv.org/abs/1312.6114
        | Importance Weighted Autoencoders (Burda et al., 2016)
        | https://arxiv.org/abs/1509.00519

    Arguments:
        decoder: The network from latents to locations and log-scales of pixels.
        encoder: The network from images to 2 k numbers: means and log-variances of latents.
        latent: The number k of latents.
        device: The device of both networks.
    """

    def __init__(
        self,
        decoder: ImageGenerator,
        encoder: ImageNetwork,
        latent: int,
        device: torch.device = CPU,
    ) -> None:
        self.decoder, self.encoder, self.latent = decoder, encoder, latent
        self.device = device

    def draw(self, n: int, generator: torch.Generator) -> Draw:
        """Draw n paths; gradients flow through images and densities to the decoder."""
        z = randn([n, self.latent], generator, self.device)
        location, log_scale = self.decoder(z)
        uniform = rand(location.shape, generator, location.device)
        x = location + log_scale.exp() * torch.logit(uniform, EDGE)
        return Draw(z, x, _normal(z) + _logistic(x, location, log_scale))

    def log_joint(self, z: Tensor, x: Tensor) -> Tensor:
        """Return log q(z, x), (n,), of latents (n, k) and images (n, h, w)."""
        return _normal(z) + _logistic(x, *self.decoder(z))

    def log_posterior(self, z: Tensor, x: Tensor) -> Tensor:
        """Return the encoder's log r(z | x), (n,), of latents (n, k) and images (n, h, w)."""
        mean, log_variance = self.encoder(x).chunk(2, 1)
        return _normal((z - mean) * (-log_variance / 2).exp()) - log_variance.sum(1) / 2

    def elbo(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Return evidence lower bounds of log q(x), (n,), with one draw of the encoder each.

        The divergence of the encoder from the prior is exact.
        """
        mean, log_variance = self.encoder(x).chunk(2, 1)
        noise = randn(mean.shape, generator, mean.device)
        z = mean + (log_variance / 2).exp() * noise
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2
        return _logistic(x, *self.decoder(z)) - divergence

    @torch.no_grad()
    def bound(self, x: Tensor, samples: int, generator: torch.Generator) -> Tensor:
        """Return importance-weighted lower bounds of log q(x), (n,).

        Arguments:
            x: Images, (n, h, w).
            samples: The number K of draws of the encoder.
            generator: The generator of randomness.
        """
        parts = []
        for rows in x.split(max(1, CHUNK // samples)):
            mean, log_variance = (
                part.repeat_interleave(samples, 0) for part in self.encoder(rows).chunk(2, 1)
            )
            noise = randn(mean.shape, generator, mean.device)
            z = mean + (log_variance / 2).exp() * noise
            posterior = _normal(noise) - log_variance.sum(1) / 2
            weights = self.log_joint(z, rows.repeat_interleave(samples, 0)) - posterior
            parts.append(weights.view(-1, samples).logsumexp(1) - math.log(samples))
        return torch.cat(parts)


def _normal(u: Tensor) -> Tensor:
    """Return log-densities (n,) of the standard normal law at points (n, k)."""
    return -(u.square() + math.log(2 * math.pi)).sum(1) / 2


def _logistic(x: Tensor, location: Tensor, log_scale: Tensor) -> Tensor:
    """Return log-densities (n,) of independent logistic laws at images (n, h, w)."""
    u = (x - location) * (-log_scale).exp()
    return -(u + 2 * softplus(-u) + log_scale).flatten(1).sum(1)
