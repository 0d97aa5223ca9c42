"""A normalising flow by maximum likelihood."""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval, MinLen
from torch import Tensor
from torch.func import functional_call

from algorithms.base import Array
from algorithms.density._reference import Reference, reference
from algorithms.density._splines import Map, named, spline_flow
from algorithms.density.base import Density, DensityModel
from algorithms.engine.loop import Diverged
from algorithms.engine.optimisers import Adam

ROWS = 4096


@dataclass(frozen=True)
class Flow(DensityModel):
    r"""Neural spline flow (NSF), by maximum likelihood; of the library zuko.

    .. math:: \log p(x) = \log \mathcal N(F(x); 0, I) + \log |\det J_F(x)|

    in whitened coordinates. The state of what an invertible flow of such a size can do.

    References:
        | Neural Spline Flows (Durkan et al., 2019)
        | https://arxiv.org/abs/1906.04032

    Arguments:
        transforms: The number of autoregressive transforms.
        hidden: The widths of each one's masked network.
        steps: The number of training steps.
        batch_size: Points a step.
        learning_rate: The learning rate (Adam), which falls to zero as a cosine.
        validation_fraction: The share of points that are held out: the best of ten rounds is kept.
    """

    transforms: Annotated[int, Ge(1)] = 3
    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (64, 64)
    steps: Annotated[int, Ge(1)] = 2000
    batch_size: Annotated[int, Ge(1)] = 512
    learning_rate: Annotated[float, Gt(0)] = 3e-3
    validation_fraction: Annotated[float, Interval(ge=0, lt=1)] = 0.1

    def fit(self, x: Array, rng: np.random.Generator) -> "FlowDensity":
        """Learn from points (n, d)."""
        base = reference(x.astype(np.float64), (1,), 0.0, rng)
        u = base.whiten(torch.from_numpy(np.asarray(x, np.float64).T[None]))[0].T.float()
        turn = torch.from_numpy(rng.permutation(len(x)))
        judged, u = (
            u[turn[: round(self.validation_fraction * len(x))]],
            u[turn[round(self.validation_fraction * len(x)) :]],
        )
        flow = spline_flow(u.shape[1], self.transforms, self.hidden)
        parameters = named(flow, rng)
        shapes = [(name, p.shape) for name, p in parameters.items()]
        # The house's optimiser takes parameters (R, a, b).
        leaves = [p.reshape(1, p.shape[0], -1).contiguous() for p in parameters.values()]

        def at() -> dict[str, Tensor]:
            return {
                name: p.reshape(shape) for (name, shape), p in zip(shapes, leaves, strict=True)
            }

        hyperparams = {
            "learning_rate": torch.tensor([[self.learning_rate]]),
            "weight_decay": torch.zeros(1, 1),
        }
        optimiser, best, kept = Adam(leaves, hyperparams), math.inf, at()
        for step in range(self.steps):
            batch = u[torch.from_numpy(rng.integers(len(u), size=self.batch_size))]
            for p in leaves:
                p.requires_grad_()
            loss = -_log_prob(flow, at(), batch).mean()
            if not loss.isfinite():
                raise Diverged(step, loss.item())
            slopes = list(torch.autograd.grad(loss, leaves))
            norm = torch.sqrt(sum((g.square().sum() for g in slopes), torch.zeros(())))
            with torch.no_grad():
                slopes = [g * (5 / norm.clamp(min=5)) for g in slopes]
                cooled = self.learning_rate * (1 + math.cos(math.pi * step / self.steps)) / 2
                hyperparams["learning_rate"].fill_(cooled)
                optimiser.step(leaves, slopes, hyperparams)
                if (step + 1) % max(1, self.steps // 10) == 0 or step + 1 == self.steps:
                    score = -float(_log_prob(flow, at(), judged).mean()) if len(judged) else 0.0
                    if score <= best:
                        best, kept = score, {n: p.detach().clone() for n, p in at().items()}
        return FlowDensity(flow, {n: p.detach().double() for n, p in kept.items()}, base)


def _log_prob(flow: Map, parameters: dict[str, Tensor], u: Tensor) -> Tensor:
    noise, log_det = functional_call(flow, parameters, (u,))
    return log_det - noise.square().sum(1) / 2 - u.shape[1] * math.log(2 * math.pi) / 2


class FlowDensity(Density):
    """The density of a trained flow.

    Arguments:
        flow: The map.
        parameters: Its parameters by name, in double precision.
        base: The reference, whose coordinates the map takes.
    """

    def __init__(self, flow: Map, parameters: dict[str, Tensor], base: Reference) -> None:
        self._flow, self._parameters, self._base = flow, parameters, base

    def log_prob(self, x: Array) -> Array:
        """Log-density of points (n, d), (n,)."""
        noise, log_det = self.noise(x)
        normal = noise.shape[1] * math.log(2 * math.pi) / 2
        return np.asarray(log_det - (noise**2).sum(axis=1) / 2 - normal)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n points, (n, d)."""
        return self.points(rng.standard_normal((n, len(self._base.mean[0]))))

    def noise(self, x: Array) -> tuple[Array, Array]:
        """The noise F(x) of points, both (n, d), and the log-determinants (n,)."""
        noise, logs = [np.zeros((0, x.shape[1]))], [np.zeros(0)]
        with torch.no_grad():
            for start in range(0, len(x), ROWS):
                rows = torch.from_numpy(np.asarray(x[start : start + ROWS], np.float64).T[None])
                z, log_det = functional_call(
                    self._flow, self._parameters, (self._base.whiten(rows)[0].T,)
                )
                noise.append(z.numpy())
                logs.append(log_det.numpy())
        return np.concatenate(noise), np.concatenate(logs) + float(self._base.stretch)

    def points(self, noise: Array) -> Array:
        """The points of noise, both (n, d)."""
        with torch.no_grad():
            u = functional_call(
                self._flow, self._parameters, (torch.from_numpy(noise),), {"back": True}
            )[0]
        return self._base.colour(u.T[None])[0].T.numpy()
