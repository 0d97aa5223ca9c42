"""The critic of a Wasserstein GAN, read as a log-density."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from algorithms.density._training import EnergyConfig
from algorithms.density.energy_model import EnergyModel
from algorithms.density.one_way_flow import OneWayFlow


@dataclass(frozen=True)
class WGANCritic(EnergyModel):
    r"""Wasserstein GAN (WGAN): its critic as an unnormalised log-density.

    .. math::
        \min_D\; -\mathbb E_{\text{data}} D(x) + \mathbb E_{x \sim q} D(x)
        + \lambda\, \mathbb E\big(\lVert \nabla D(\hat x) \rVert - 1\big)^2,
        \qquad \min_G\; -\mathbb E_{x \sim q} D(x)

    with :math:`\hat x` between data and proposals. Read as a likelihood it puts
    :math:`\mathbb E_q D` in place of :math:`\log Z`, which is too small by
    :math:`\mathrm{KL}(q \| p) + H(q)`, and its gradient is that of a model whose samples are
    the generator's. With ``penalty=0`` nothing holds the critic back. The density is normalised
    afterwards like LED's, so that both can be compared; reference, nets and steps are LED's.

    References:
        | Improved Training of Wasserstein GANs (Gulrajani et al., 2017)
        | https://arxiv.org/abs/1704.00028

    Arguments:
        penalty: The weight :math:`\lambda` of the gradient penalty.
        generator: The generator; its entropy is left out of its loss.
        generator_rate: Its learning rate.
    """

    penalty: Annotated[float, Ge(0)] = 10.0
    generator: OneWayFlow = OneWayFlow()  # noqa: RUF009 (frozen)
    generator_rate: Annotated[float, Gt(0)] = 1e-3

    def config(self, classes: int = 1) -> EnergyConfig:
        """What the training does."""
        return self.contest(classes, self.generator, self.generator_rate, "critic", 0.0, "between")
