"""LED: a discriminator that is a log-density, and a generator of known density."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from algorithms.density.energy_model import EnergyModel
from algorithms.density.one_way_flow import OneWayFlow


@dataclass(frozen=True)
class LED(EnergyModel):
    r"""Likelihood-based adversarial density estimation: an energy D against a one-way flow G.

    .. math::
        \min_D\; -\mathbb E_{\text{data}} D(x) + \log \frac1m \sum_j \frac{e^{D(x_j)}}{q(x_j)},
        \qquad \min_G\; \mathbb E_{x \sim q} \log q(x) - D(x)
        = \mathrm{KL}(q \| p) - \log Z

    The discriminator maximises the likelihood of :math:`p = e^D / Z`, whose partition function
    is estimated without bias from the generator's points. The generator maximises D and its own
    entropy, which is exact, so that its proposals improve during training.
    :class:`~algorithms.density.wgan_critic.WGANCritic` has WGAN's estimate instead.

    The paper's abstract specifies the discriminator as an unnormalised log-density, importance
    sampling in place of WGAN's estimate, the entropy from the exact density of a one-way flow,
    and low-dimensional latents. The flow's layers, the reference at which both networks start,
    the penalty, the gate and all numbers are this project's choices. The generator's loss is a
    reverse divergence, which may drop modes; the density raises an alarm if the reference, as a
    second proposal, disagrees on log Z.

    References:
        | Adversarial Likelihood Estimation With One-Way Flows (Ben-Dov et al., 2024)
        | https://arxiv.org/abs/2307.09882

    Arguments:
        generator: The one-way flow G.
        generator_rate: The learning rate of the generator.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> density = LED(steps=5).fit(x, np.random.default_rng(0))
        >>> density.log_prob(x).shape, density.log_partition().effective > 0.9
        ((200,), True)
    """

    generator: OneWayFlow = OneWayFlow()  # noqa: RUF009 (frozen)
    generator_rate: Annotated[float, Gt(0)] = 1e-3
