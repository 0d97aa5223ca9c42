"""LED on images: a generator of known path density, and an energy that tilts it."""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Interval
from torch import Tensor

from algorithms.base import Array
from algorithms.density._on_device import to_numpy
from algorithms.density.images.base import ImageDensity, ImageModel, Networks
from algorithms.density.images.penalties import between, slopes
from algorithms.density.partition import effective, importance

#: The number of proposals that choose the factor of the tilt, and halvings of its interval.
BANK, HALVINGS = 4000, 30


@dataclass(frozen=True)
class ConvLED(ImageModel):
    r"""LED on images (ConvLED): an energy as a tilt of a generator whose path density is known.

    .. math::
        p(x) = \frac{q(x)\, e^{\beta f(x)}}{Z}, \qquad
        Z = \mathbb E_{x \sim q}\, e^{\beta f(x)}

    The first stage maximises the evidence lower bound of the generator's density q
    (:class:`~algorithms.density.images.path.ImagePath`), which cannot drop modes. The second stage
    alternates

    .. math::
        \min_f\; -\mathbb E_{\text{data}} f + \log \frac1m \sum_j e^{f(x_j)}
        + \tfrac\lambda2\, \mathbb E \lVert \nabla f \rVert^2, \qquad
        \max_q\; \mathbb E_{\text{data}} \mathrm{ELBO} + \gamma\, \mathbb E_q f

    The energy maximises the likelihood of p, whose weights :math:`e^f` are exact and unbiased
    for Z. The papers' generator minimises :math:`\mathbb E_q[\log q - D]` for the whole energy
    :math:`D = \log q + f`. At the current q the gradient of its entropy and that of
    :math:`\log q` cancel, so that :math:`-\mathbb E_q f` is left. With :math:`\gamma = 1` and
    the optimal f, both terms together descend a bound of Jeffreys' divergence. A trained f is far
    flatter than the optimal one, so that the default :math:`\gamma` is larger.

    Of the factors :math:`\beta \le 1` with an effective share of the weights of at least ``gate``
    the one with the largest likelihood of held-out images is kept, by bisection: the
    log-likelihood is concave in :math:`\beta`, and the share decreases.

    As in the papers, the energy has the unbiased estimate of Z, the generator's density is known,
    and no inverse is needed. Noise in all pixels in place of a flow, the tilt, the first stage and
    the choice of :math:`\beta` are this project's design. An effective share of :math:`\rho`
    limits what the tilt adds to the likelihood to about :math:`\log 1/\rho` nats.

    References:
        | Adversarial Likelihood Estimation With One-Way Flows (Ben-Dov et al., 2024)
        | https://arxiv.org/abs/2307.09882
        | VAEBM: A Symbiosis between Variational Autoencoders and Energy-Based Models (Xiao et
          al., 2021)
        | https://arxiv.org/abs/2010.00654
        | Residual Energy-Based Models for Text Generation (Deng et al., 2020)
        | https://arxiv.org/abs/2004.11714

    Arguments:
        first: The share of the steps of the first stage.
        adversarial: The factor :math:`\gamma`; with 0 the generator is trained by the bound alone.
        penalty: The weight :math:`\lambda` of the gradient penalty, between data and proposals.
        gate: The least effective share of the weights.

    Example:
        >>> x = np.random.default_rng(0).random((100, 8, 8))
        >>> density = ConvLED(latent=2, channels=4, steps=4).fit(x, np.random.default_rng(0))
        >>> density.sample(5, np.random.default_rng(1)).shape
        (5, 8, 8)
        >>> density.log_partition(100, np.random.default_rng(2)).effective > 0.05
        True
    """

    first: Annotated[float, Interval(ge=0, le=1)] = 0.5
    adversarial: Annotated[float, Ge(0)] = 30.0
    penalty: Annotated[float, Ge(0)] = 0.1
    gate: Annotated[float, Interval(gt=0, lt=1)] = 0.1

    def update(self, networks: Networks, x: Tensor, at: int) -> None:
        """Do one step of the bound and, in the second stage, one of the energy before it."""
        path, energy, generator = networks.path, networks.energy, networks.generator
        loss = -path.elbo(x, generator).mean()
        if at >= self.first * self.steps:
            y = path.draw(len(x), generator).x
            log_z = torch.logsumexp(energy(y.detach())[:, 0], 0) - math.log(len(y))
            likelihood = energy(x).mean() - log_z
            steep = slopes(energy, between(x, y, generator)).square().mean()
            networks.descend("energy", self.penalty / 2 * steep - likelihood, at)
            if self.adversarial:
                loss = loss - self.adversarial * energy(y).mean()
        networks.descend("path", loss, at)

    def density(self, networks: Networks, held_out: Tensor) -> ImageDensity:
        """Return the tilted density, with the factor of largest likelihood."""
        rng = np.random.default_rng(BANK)
        whole = ImageDensity(networks.path, networks.energy, 1.0, tilted=True)
        tilt = whole.propose(BANK, rng)[1]
        factor = choose_factor(tilt, float(whole.energy(to_numpy(held_out)).mean()), self.gate)
        return ImageDensity(networks.path, networks.energy, factor, tilted=True)


def choose_factor(tilt: Array, held_out: float, gate: float) -> float:
    r"""Return the factor :math:`\beta` from 0 to 1 of a tilt with the largest likelihood.

    .. math:: \max_\beta\; \beta \bar f - \log \frac1m \sum_j e^{\beta f(x_j)}
        \quad \text{with an effective share of at least the gate}

    Arguments:
        tilt: f at m proposals, (m,).
        held_out: The mean :math:`\bar f` of f at held-out images.
        gate: The least effective share of the weights.

    Example:
        >>> f = np.random.default_rng(0).standard_normal(10_000)
        >>> round(choose_factor(f, 0.5, 0.1), 1), choose_factor(f, -1.0, 0.1)
        (0.5, 0.0)
    """

    def good(beta: float) -> bool:
        # The slope of the likelihood at beta, by a difference.
        step = 1e-4
        rise = importance((beta + step) * tilt) - importance(beta * tilt)
        return bool(effective(beta * tilt) >= gate and held_out >= rise / step)

    if good(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if good(middle) else (low, middle)
    return low if low > 2.0**-HALVINGS else 0.0
