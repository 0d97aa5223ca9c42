"""A flow, and another density for the noise that it leaves."""

from dataclasses import dataclass

import numpy as np

from algorithms.base import Array
from algorithms.density.base import Density, DensityModel, Partition
from algorithms.density.flow import Flow, FlowDensity
from algorithms.density.led import LED


@dataclass(frozen=True)
class Refined(DensityModel):
    r"""A flow F by maximum likelihood, refined: its noise is learnt by another model.

    .. math:: p(x) = r(F(x)) \, |\det J_F(x)|

    A flow alone takes the noise F(x) for normal. What is still in it, since flows bend space but
    do not tear it, is left to the density r: an energy, say, whose reference and generator start
    at that normal law, so that it can only gain on the flow as far as held-out points can tell.

    References:
        | Learning Energy-Based Model with Flow-Based Backbone by Neural Transport MCMC
          (Nijkamp et al., 2020)
        | https://arxiv.org/abs/2006.06897

    Arguments:
        flow: The flow.
        model: How the density of its noise is learnt.
    """

    flow: Flow = Flow()  # noqa: RUF009 (frozen)
    model: DensityModel = LED()  # noqa: RUF009 (frozen)

    def fit(self, x: Array, rng: np.random.Generator) -> Density:
        """Learn from points (n, d)."""
        flow = self.flow.fit(x, rng)
        return _Refined(flow, self.model.fit(flow.noise(x)[0], rng))


class _Refined(Density):
    def __init__(self, flow: FlowDensity, rest: Density) -> None:
        self._flow, self._rest = flow, rest

    def log_prob(self, x: Array) -> Array:
        noise, log_det = self._flow.noise(x)
        return np.asarray(self._rest.log_prob(noise) + log_det)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        return self._flow.points(self._rest.sample(n, rng))

    def log_partition(self) -> Partition | None:
        return self._rest.log_partition()
