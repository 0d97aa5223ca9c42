"""Neural spline flows of the library zuko, initialised from a given generator of randomness."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
import torch
import zuko
from annotated_types import Ge, MinLen
from torch import Tensor

from algorithms.density._on_device import CPU


class SplineTransform(torch.nn.Module):
    """The flow's map from points (B, d) to noise (B, d) and log-determinants (B,)."""

    def __init__(self, flow: Any) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, x: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
        """Apply the map, in one pass, or its inverse, in one pass for each coordinate."""
        transform = self.flow.transform()
        y, log_det = (transform.inv if inverse else transform).call_and_ladj(x)
        return y, log_det


@dataclass(frozen=True)
class SplineConfig:
    """Hyper-parameters of a neural spline flow.

    Arguments:
        transforms: The number of autoregressive transforms.
        hidden: The widths of the hidden layers of each transform's masked network.
    """

    transforms: Annotated[int, Ge(1)] = 3
    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (64, 64)

    def transform(self, d: int, device: torch.device = CPU) -> SplineTransform:
        """Return the map for d coordinates; its parameters are meant to be replaced."""
        return _transform(d, self.transforms, self.hidden, device)

    def initial(self, d: int, rng: np.random.Generator) -> dict[str, Tensor]:
        """Draw initial parameters by name: weights as in linear layers, the map near the identity.

        Biases are zero. The weights of each network's last layer are a tenth of the usual size.
        """
        weights = dict(self.transform(d).named_parameters())
        drawn = {}
        for name, p in weights.items():
            if p.ndim == 1:
                drawn[name] = torch.zeros_like(p, requires_grad=False)
                continue
            last = _next_weights(name) not in weights
            bound = (0.1 if last else 1.0) * p.shape[1] ** -0.5
            drawn[name] = torch.from_numpy(rng.uniform(-bound, bound, tuple(p.shape))).float()
        return drawn


@lru_cache(maxsize=32)
def _transform(
    d: int, transforms: int, hidden: tuple[int, ...], device: torch.device
) -> SplineTransform:
    # Building a flow draws from the global generator, whose state is restored afterwards.
    with torch.random.fork_rng(devices=[]):
        flow = zuko.flows.NSF(d, transforms=transforms, hidden_features=hidden)
    return SplineTransform(flow).to(device)


def _next_weights(name: str) -> str | None:
    """Return the name of the weights of the layer after a layer; an activation is between them.

    In one dimension there are no layers: the network's output is itself the parameter.
    """
    stem, number = name.rpartition(".")[0].rsplit(".", 1)
    return f"{stem}.{int(number) + 2}.weight" if number.isdigit() else None
