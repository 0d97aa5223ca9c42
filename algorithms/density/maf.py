"""A masked autoregressive flow by maximum likelihood."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np  # noqa: F401 (for the example)
import torch
import zuko

from algorithms.density._on_device import CPU
from algorithms.density._splines import SplineTransform
from algorithms.density.flow import Flow


@dataclass(frozen=True)
class MAF(Flow):
    r"""Masked autoregressive flow by maximum likelihood, from the library zuko.

    .. math:: z_i = \frac{x_i - \mu_i(x_{1:i-1})}{\sigma_i(x_{1:i-1})}

    for each transform, with the order of the coordinates reversed between transforms. It is
    trained as :class:`~algorithms.density.flow.Flow`, whose arguments it has.

    References:
        | Masked Autoregressive Flow for Density Estimation (Papamakarios et al., 2017)
        | https://arxiv.org/abs/1705.07057

    Example:
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> MAF(steps=5, hidden=(8,)).fit(x, np.random.default_rng(0)).log_prob(x).shape
        (200,)
    """

    def transform(self, d: int, device: torch.device = CPU) -> SplineTransform:
        """Return the map for d coordinates; its parameters are meant to be replaced."""
        return _transform(d, self.transforms, self.hidden, device)


@lru_cache(maxsize=32)
def _transform(
    d: int, transforms: int, hidden: tuple[int, ...], device: torch.device
) -> SplineTransform:
    # Building a flow draws from the global generator, whose state is restored afterwards.
    with torch.random.fork_rng(devices=[]):
        flow = zuko.flows.MAF(d, transforms=transforms, hidden_features=hidden)
    return SplineTransform(flow).to(device)
