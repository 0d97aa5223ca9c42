"""LED with an invertible generator: what does one-wayness cost or bring?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, MinLen
from torch import Tensor
from torch.func import functional_call

from algorithms.density._splines import named, spline_flow
from algorithms.density._training import EnergyConfig
from algorithms.density.energy_model import EnergyModel
from algorithms.density.generators import Generator


@dataclass(frozen=True)
class SplineFlow(Generator):
    r"""Neural spline flow as a generator: autoregressive, so that each coordinate is a spline.

    Its replicas are not stacked but pushed one by one, since it is a module of zuko's.

    References:
        | Neural Spline Flows (Durkan et al., 2019)
        | https://arxiv.org/abs/1906.04032

    Arguments:
        transforms: The number of autoregressive transforms.
        hidden: The widths of each one's masked network.
    """

    transforms: Annotated[int, Ge(1)] = 3
    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (64, 64)

    def parameters(self, d: int, rngs: Sequence[np.random.Generator]) -> list[Tensor]:
        """The parameters at the start, each (R, a, b)."""
        drawn = [named(spline_flow(d, self.transforms, self.hidden), rng) for rng in rngs]
        flat = [[t.reshape(t.shape[0], -1) for t in tensors.values()] for tensors in drawn]
        return [torch.stack(replicas) for replicas in zip(*flat, strict=True)]

    def push(self, parameters: list[Tensor], noise: Tensor) -> tuple[Tensor, Tensor]:
        """Points (R, d, B) for noise (R, d, B), and their log-determinants (R, B)."""
        flow = spline_flow(noise.shape[1], self.transforms, self.hidden)
        shapes = {name: p.shape for name, p in flow.named_parameters()}
        points, logs = [], []
        for r, z in enumerate(noise):
            own = {
                name: p[r].reshape(shape)
                for (name, shape), p in zip(shapes.items(), parameters, strict=True)
            }
            # An autoregressive flow has one direction that is a single pass: here it is from
            # noise to points, since nobody asks for the density of a point from elsewhere.
            x, log_det = functional_call(flow, own, (z.T,))
            points.append(x.T)
            logs.append(log_det)
        return torch.stack(points), torch.stack(logs)


@dataclass(frozen=True)
class LEDFlow(EnergyModel):
    r"""LED whose generator is an invertible flow: an ablation of the one-way flow.

    All else is :class:`~algorithms.density.led.LED`.

    References:
        | Adversarial Likelihood Estimation With One-Way Flows (Ben-Dov et al., 2024)
        | https://arxiv.org/abs/2307.09882

    Arguments:
        generator: The flow.
        generator_rate: Its learning rate.
    """

    generator: SplineFlow = SplineFlow()
    generator_rate: Annotated[float, Gt(0)] = 1e-3

    def config(self, classes: int = 1) -> EnergyConfig:
        """What the training does."""
        return self.contest(classes, self.generator, self.generator_rate)
