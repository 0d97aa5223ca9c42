"""LED with an invertible generator, to compare with the one-way flow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Gt
from torch import Tensor
from torch.func import functional_call

from algorithms.density._splines import SplineConfig
from algorithms.density.energy_model import EnergyModel
from algorithms.density.generators import InjectiveMap


@dataclass(frozen=True)
class SplineFlow(SplineConfig, InjectiveMap):
    r"""Neural spline flow as a generator: an autoregressive map of monotone splines.

    Its replicas are not stacked but computed one by one, since the flow is a module of zuko.

    References:
        | Neural Spline Flows (Durkan et al., 2019)
        | https://arxiv.org/abs/1906.04032

    Example:
        >>> flow, noise = SplineFlow(hidden=(8,)), torch.zeros(1, 3, 5)
        >>> points, log_det = flow.push(flow.parameters(3, [np.random.default_rng(0)]), noise)
        >>> points.shape, log_det.shape
        (torch.Size([1, 3, 5]), torch.Size([1, 5]))
    """

    def parameters(self, d: int, rngs: Sequence[np.random.Generator]) -> list[Tensor]:
        """Draw initial parameters for d coordinates, each (R, a, b)."""
        drawn = [self.initial(d, rng) for rng in rngs]
        flat = [[t.reshape(t.shape[0], -1) for t in tensors.values()] for tensors in drawn]
        return [torch.stack(replicas) for replicas in zip(*flat, strict=True)]

    def push(self, parameters: list[Tensor], noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return points (R, d, B) for noise (R, d, B), and their log-determinants (R, B)."""
        transform = self.transform(noise.shape[1], noise.device)
        shapes = {name: p.shape for name, p in transform.named_parameters()}
        points, logs = [], []
        for r, z in enumerate(noise):
            replica = {
                name: p[r].reshape(shape)
                for (name, shape), p in zip(shapes.items(), parameters, strict=True)
            }
            # An autoregressive flow takes a single pass in one direction only. Here it is the
            # direction from noise to points: training evaluates no density at other points.
            x, log_det = functional_call(transform, replica, (z.T,))
            points.append(x.T)
            logs.append(log_det)
        return torch.stack(points), torch.stack(logs)


@dataclass(frozen=True)
class LEDFlow(EnergyModel):
    r"""LED with an invertible flow as its generator: an ablation of the one-way flow.

    In all else it equals :class:`~algorithms.density.led.LED`.

    References:
        | Adversarial Likelihood Estimation With One-Way Flows (Ben-Dov et al., 2024)
        | https://arxiv.org/abs/2307.09882

    Arguments:
        generator: The flow.
        generator_rate: The learning rate of the generator.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> LEDFlow(steps=2, final=64).fit(x, np.random.default_rng(0)).log_prob(x).shape
        (200,)
    """

    generator: SplineFlow = SplineFlow()
    generator_rate: Annotated[float, Gt(0)] = 1e-3
