"""The critic of a Wasserstein GAN as a log-density."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from algorithms.density.energy_model import EnergyModel
from algorithms.density.one_way_flow import OneWayFlow


@dataclass(frozen=True)
class WGANCritic(EnergyModel):
    r"""Wasserstein GAN (WGAN): its critic as an unnormalised log-density.

    .. math::
        \min_D\; -\mathbb E_{\text{data}} D(x) + \mathbb E_{x \sim q} D(x)
        + \lambda\, \mathbb E\big(\lVert \nabla D(\hat x) \rVert - 1\big)^2,
        \qquad \min_G\; -\mathbb E_{x \sim q} D(x)

    with :math:`\hat x` between data and proposals. As a likelihood, this loss has
    :math:`\mathbb E_q D` in place of :math:`\log Z`, which is too small by
    :math:`\mathrm{KL}(q \| p) + H(q)`, and its gradient is that of a model whose samples are
    the generator's. With ``penalty=0`` the critic is unbounded. The density is normalised
    after training like LED's, so that the two can be compared. Reference, networks and steps are
    LED's.

    References:
        | Improved Training of Wasserstein GANs (Gulrajani et al., 2017)
        | https://arxiv.org/abs/1704.00028

    Arguments:
        penalty: The weight :math:`\lambda` of the gradient penalty.
        generator: The generator, whose loss has no entropy.
        generator_rate: The learning rate of the generator.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> WGANCritic(steps=5, final=64).fit(x, np.random.default_rng(0)).log_prob(x).shape
        (200,)
    """

    partition: ClassVar[Literal["importance", "critic"]] = "critic"
    entropy: ClassVar[float] = 0.0
    penalised: ClassVar[Literal["data", "between"]] = "between"

    penalty: Annotated[float, Ge(0)] = 10.0
    generator: OneWayFlow = OneWayFlow()  # noqa: RUF009 (frozen)
    generator_rate: Annotated[float, Gt(0)] = 1e-3
