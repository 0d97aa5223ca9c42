"""Maximum-entropy generators."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from algorithms.density.energy_model import EnergyModel
from algorithms.density.one_way_flow import OneWayFlow


@dataclass(frozen=True)
class MEG(EnergyModel):
    r"""Maximum-entropy generator (MEG), with an entropy that is exact.

    .. math::
        \min_D\; -\mathbb E_{\text{data}} D(x) + \mathbb E_{x \sim q} D(x)
        + \tfrac\lambda2\, \mathbb E_{\text{data}} \lVert \nabla f(x) \rVert^2,
        \qquad \min_G\; \mathbb E_{x \sim q} \log q(x) - D(x)

    Critic and penalty are the paper's. The paper estimates the entropy by mutual information; here
    it is the exact entropy of a one-way flow. With ``penalty=0``, LED's default, the method
    differs from LED in the partition function alone.

    References:
        | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019)
        | https://arxiv.org/abs/1901.08508

    Arguments:
        penalty: The weight :math:`\lambda` of the gradient penalty.
        generator: The one-way flow.
        generator_rate: The learning rate of the generator.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> MEG(steps=5, final=64).fit(x, np.random.default_rng(0)).log_prob(x).shape
        (200,)
    """

    partition: ClassVar[Literal["importance", "critic"]] = "critic"

    penalty: Annotated[float, Ge(0)] = 0.1
    generator: OneWayFlow = OneWayFlow()  # noqa: RUF009 (frozen)
    generator_rate: Annotated[float, Gt(0)] = 1e-3
