"""A flow with a second density model for its noise."""

from dataclasses import dataclass

import numpy as np

from algorithms.base import Array
from algorithms.density.base import Density, DensityModel, Partition
from algorithms.density.flow import Flow, FlowDensity
from algorithms.density.led import LED


@dataclass(frozen=True)
class Refined(DensityModel):
    r"""Flow F by maximum likelihood whose noise has a density r, learnt by a second model.

    .. math:: p(x) = r(F(x)) \, |\det J_F(x)|

    A flow alone assumes that the noise F(x) is normal. Since a flow is continuous, structure such
    as separate modes remains in the noise, and the density r models it. An energy model as r
    starts at the normal distribution, and its validation keeps this start unless held-out points
    show an improvement.

    References:
        | Learning Energy-Based Model with Flow-Based Backbone by Neural Transport MCMC
          (Nijkamp et al., 2020)
        | https://arxiv.org/abs/2006.06897

    Arguments:
        flow: The flow.
        model: The density model of the flow's noise.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> model = Refined(Flow(steps=2, hidden=(8,)), LED(steps=2, final=64))
        >>> model.fit(x, np.random.default_rng(0)).log_prob(x).shape
        (200,)
    """

    flow: Flow = Flow()  # noqa: RUF009 (frozen)
    model: DensityModel = LED()  # noqa: RUF009 (frozen)

    def fit(self, x: Array, rng: np.random.Generator) -> Density:
        """Learn a density from points (n, d)."""
        flow = self.flow.fit(x, rng)
        return _RefinedDensity(flow, self.model.fit(flow.noise(x)[0], rng))


class _RefinedDensity(Density):
    def __init__(self, flow: FlowDensity, rest: Density) -> None:
        self._flow, self._rest = flow, rest

    def log_prob(self, x: Array) -> Array:
        noise, log_det = self._flow.noise(x)
        return np.asarray(self._rest.log_prob(noise) + log_det)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        return self._flow.points(self._rest.sample(n, rng))

    def log_partition(self) -> Partition | None:
        return self._rest.log_partition()
