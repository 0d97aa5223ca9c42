"""Neural spline flows of zuko, without a draw from anybody's global generator."""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
import zuko
from torch import Tensor


class Map(torch.nn.Module):
    """The flow's map from points (B, d) to noise and log-determinants, (B, d) and (B,)."""

    def __init__(self, flow: Any) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, x: Tensor, back: bool = False) -> tuple[Tensor, Tensor]:
        """One pass; or the inverse, which takes one for each coordinate."""
        transform = self.flow.transform()
        y, log_det = (transform.inv if back else transform).call_and_ladj(x)
        return y, log_det


@lru_cache(maxsize=32)
def spline_flow(d: int, transforms: int, hidden: tuple[int, ...]) -> Map:
    """A flow whose parameters are to be replaced: those it comes with are anybody's."""
    # Building it draws from the global generator, which is put back as it was.
    with torch.random.fork_rng(devices=[]):
        flow = zuko.flows.NSF(d, transforms=transforms, hidden_features=hidden)
    return Map(flow)


def named(flow: Map, rng: np.random.Generator) -> dict[str, Tensor]:
    """Parameters by name: weights as those of linear layers are drawn, the map near the identity.

    Biases are zero, and so are, nearly, the weights of each network's last layer.
    """
    found = {}
    for name, p in flow.named_parameters():
        if p.ndim == 1:
            found[name] = torch.zeros_like(p, requires_grad=False)
            continue
        last = _next(name) not in dict(flow.named_parameters())
        bound = (0.1 if last else 1.0) * p.shape[1] ** -0.5
        found[name] = torch.from_numpy(rng.uniform(-bound, bound, tuple(p.shape))).float()
    return found


def _next(name: str) -> str | None:
    """The weights after a layer's: each is followed by its activation.

    In one dimension there are no layers: what a network would say is itself the parameter.
    """
    stem, number = name.rpartition(".")[0].rsplit(".", 1)
    return f"{stem}.{int(number) + 2}.weight" if number.isdigit() else None
