"""A continuous normalising flow by maximum likelihood."""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
import zuko
from annotated_types import Ge, Gt, Interval, MinLen
from torch import Tensor

from algorithms.base import Array
from algorithms.density._on_device import to_device
from algorithms.density._reference import fit_reference
from algorithms.density._splines import SplineTransform
from algorithms.density.base import DensityModel
from algorithms.density.flow import MAX_NORM, ROUNDS, FlowDensity, _detached, _log_prob
from algorithms.engine.loop import Diverged


@dataclass(frozen=True)
class CNF(DensityModel):
    r"""Continuous normalising flow by maximum likelihood, from the library zuko.

    .. math:: \frac{d x(t)}{d t} = f(x(t), t), \qquad
        \log p(x(0)) = \log \mathcal N(x(1); 0, I)
        + \int_0^1 \operatorname{tr} \frac{\partial f}{\partial x} \, dt

    with the trace computed exactly, and an adaptive solver. It is trained by the steps and the
    rule of :class:`~algorithms.density.flow.Flow`; a step takes a hundred times as long, or more.

    References:
        | FFJORD: Free-form Continuous Dynamics for Scalable Reversible Generative Models
          (Grathwohl et al., 2019)
        | https://arxiv.org/abs/1810.01367

    Arguments:
        hidden: The widths of the hidden layers of f.
        tolerance: The absolute tolerance of the solver; the relative one is ten times as large.
        steps: The number of training steps.
        batch_size: The number of points in a step.
        learning_rate: The learning rate (Adam), which falls to zero as a cosine.
        validation_fraction: The share of points that is held out; of ten rounds, the parameters
            with the largest likelihood on them are kept.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> CNF(steps=2, hidden=(8,)).fit(x, np.random.default_rng(0)).log_prob(x).shape
        (200,)
    """

    hidden: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (64, 64)
    tolerance: Annotated[float, Gt(0)] = 1e-4
    steps: Annotated[int, Ge(1)] = 2000
    batch_size: Annotated[int, Ge(1)] = 512
    learning_rate: Annotated[float, Gt(0)] = 3e-3
    validation_fraction: Annotated[float, Interval(ge=0, lt=1)] = 0.1

    def fit(self, x: Array, rng: np.random.Generator) -> FlowDensity:
        """Learn a density from points (n, d)."""
        reference = fit_reference(x.astype(np.float64), (1,), 0.0, rng).apply(to_device)
        u = reference.whiten(to_device(np.asarray(x, np.float64).T[None]))[0].T.float()
        order = to_device(rng.permutation(len(x)))
        cut = round(self.validation_fraction * len(x))
        train, validation = u[order[cut:]], u[order[:cut]]
        module = self._module(x.shape[1], rng).to(u.device)
        optimiser = torch.optim.Adam(module.parameters(), self.learning_rate)
        rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.steps)
        parameters: dict[str, Tensor] = dict(module.named_parameters())
        best, least = _detached(parameters), math.inf
        for step in range(self.steps):
            batch = train[to_device(rng.integers(len(train), size=self.batch_size))]
            loss = -_log_prob(module, parameters, batch).mean()
            if not loss.isfinite():
                raise Diverged(step, loss.item())
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), MAX_NORM)
            optimiser.step()
            rate.step()
            if (step + 1) % max(1, self.steps // ROUNDS) == 0 or step + 1 == self.steps:
                found = 0.0
                if cut:
                    with torch.no_grad():
                        found = -float(_log_prob(module, parameters, validation).mean())
                if found <= least:
                    best, least = _detached(parameters), found
        return FlowDensity(module, best, reference)

    def _module(self, d: int, rng: np.random.Generator) -> SplineTransform:
        """Return the map for d coordinates, with random weights and biases of zero."""
        tolerances = {"atol": self.tolerance, "rtol": 10 * self.tolerance}
        # zuko draws from the global generator, whose state is restored afterwards.
        with torch.random.fork_rng(devices=[]):
            flow = zuko.flows.CNF(d, hidden_features=self.hidden, **tolerances)
        for p in flow.parameters():
            bound = p.shape[1] ** -0.5 if p.ndim > 1 else 0.0
            p.data = torch.from_numpy(rng.uniform(-bound, bound, tuple(p.shape))).float()
        return SplineTransform(flow)
