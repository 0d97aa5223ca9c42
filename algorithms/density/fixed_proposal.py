"""An energy without a generator: proposals come from the reference."""

from dataclasses import dataclass

from algorithms.density.energy_model import EnergyModel


@dataclass(frozen=True)
class FixedProposal(EnergyModel):
    r"""Energy by maximum likelihood, with a fixed proposal for its partition function.

    .. math:: \min_D\; -\mathbb E_{\text{data}} D(x)
        + \log \frac1m \sum_j \frac{e^{D(x_j)}}{p_0(x_j)}, \quad x_j \sim p_0

    This is LED without its generator, an ablation. The proposal does not adapt to the energy, so
    that the weights degenerate in more than a few dimensions.

    References:
        | A Connection between Generative Adversarial Networks, Inverse Reinforcement Learning,
          and Energy-Based Models (Finn et al., 2016)
        | https://arxiv.org/abs/1611.03852

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> FixedProposal(steps=5, final=64).fit(x, np.random.default_rng(0)).log_prob(x).shape
        (200,)
    """
