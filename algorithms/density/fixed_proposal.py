"""An energy without an adversary: proposals come from the reference."""

from dataclasses import dataclass

from algorithms.density._training import EnergyConfig
from algorithms.density.energy_model import EnergyModel


@dataclass(frozen=True)
class FixedProposal(EnergyModel):
    r"""Energy by maximum likelihood, with a fixed proposal for its partition function.

    .. math:: \min_D\; -\mathbb E_{\text{data}} D(x)
        + \log \frac1m \sum_j \frac{e^{D(x_j)}}{p_0(x_j)}, \quad x_j \sim p_0

    LED without its generator, an ablation: nothing follows the energy, so in more than a few
    dimensions the weights degenerate.

    References:
        | A Connection between Generative Adversarial Networks, Inverse Reinforcement Learning,
          and Energy-Based Models (Finn et al., 2016)
        | https://arxiv.org/abs/1611.03852
    """

    def config(self, classes: int = 1) -> EnergyConfig:
        """What the training does."""
        return self.contest(classes, None)
