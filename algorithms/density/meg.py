"""Maximum-entropy generators."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from algorithms.density._training import EnergyConfig
from algorithms.density.energy_model import EnergyModel
from algorithms.density.one_way_flow import OneWayFlow


@dataclass(frozen=True)
class MEG(EnergyModel):
    r"""Maximum-entropy generator (MEG), with an entropy that is exact.

    .. math::
        \min_D\; -\mathbb E_{\text{data}} D(x) + \mathbb E_{x \sim q} D(x)
        + \tfrac\lambda2\, \mathbb E_{\text{data}} \lVert \nabla f(x) \rVert^2,
        \qquad \min_G\; \mathbb E_{x \sim q} \log q(x) - D(x)

    Critic and penalty are the method's; its estimate of the entropy, by mutual information, is
    replaced by the exact one of a one-way flow. With LED's penalty, which is none by default, it
    differs from LED in the partition function alone.

    References:
        | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019)
        | https://arxiv.org/abs/1901.08508

    Arguments:
        penalty: The weight :math:`\lambda` of the gradient penalty.
        generator: The one-way flow.
        generator_rate: Its learning rate.
    """

    penalty: Annotated[float, Ge(0)] = 0.1
    generator: OneWayFlow = OneWayFlow()  # noqa: RUF009 (frozen)
    generator_rate: Annotated[float, Gt(0)] = 1e-3

    def config(self, classes: int = 1) -> EnergyConfig:
        """What the training does."""
        return self.contest(classes, self.generator, self.generator_rate, "critic")
