"""A normalising flow by maximum likelihood."""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor
from torch.func import functional_call

from algorithms.base import Array
from algorithms.density._on_device import to_device, to_numpy
from algorithms.density._reference import Reference, fit_reference
from algorithms.density._splines import SplineConfig, SplineTransform
from algorithms.density.base import Density, DensityModel
from algorithms.engine.loop import Diverged
from algorithms.engine.optimisers import Adam

#: The number of points in one forward pass.
CHUNK = 4096
#: Gradients are clipped to this norm.
MAX_NORM = 5
#: How often the validation likelihood is evaluated.
ROUNDS = 10


@dataclass(frozen=True)
class Flow(SplineConfig, DensityModel):
    r"""Neural spline flow (NSF) by maximum likelihood, from the library zuko.

    .. math:: \log p(x) = \log \mathcal N(F(x); 0, I) + \log |\det J_F(x)|

    in whitened coordinates. It is the baseline of invertible flows.

    References:
        | Neural Spline Flows (Durkan et al., 2019)
        | https://arxiv.org/abs/1906.04032

    Arguments:
        steps: The number of training steps.
        batch_size: The number of points in a step.
        learning_rate: The learning rate (Adam), which falls to zero as a cosine.
        validation_fraction: The share of points that is held out; of ten rounds, the parameters
            with the largest likelihood on them are kept.

    Example:
        >>> x = np.random.default_rng(0).standard_normal((200, 2))
        >>> Flow(steps=5, hidden=(8,)).fit(x, np.random.default_rng(0)).log_prob(x).shape
        (200,)
    """

    steps: Annotated[int, Ge(1)] = 2000
    batch_size: Annotated[int, Ge(1)] = 512
    learning_rate: Annotated[float, Gt(0)] = 3e-3
    validation_fraction: Annotated[float, Interval(ge=0, lt=1)] = 0.1

    def fit(self, x: Array, rng: np.random.Generator) -> "FlowDensity":
        """Learn a density from points (n, d)."""
        reference = fit_reference(x.astype(np.float64), (1,), 0.0, rng).apply(to_device)
        u = reference.whiten(to_device(np.asarray(x, np.float64).T[None]))[0].T.float()
        order = to_device(rng.permutation(len(x)))
        cut = round(self.validation_fraction * len(x))
        training = _FlowTraining(self, u[order[cut:]], u[order[:cut]], rng)
        for step in range(self.steps):
            training.step(step)
            if (step + 1) % max(1, self.steps // ROUNDS) == 0 or step + 1 == self.steps:
                training.validate()
        return FlowDensity(training.transform, training.best, reference)


class _FlowTraining:
    """Maximum likelihood of one flow on whitened points u (n, d), validated on others (m, d)."""

    def __init__(
        self, config: Flow, u: Tensor, validation: Tensor, rng: np.random.Generator
    ) -> None:
        self.config, self.u, self.validation, self.rng = config, u, validation, rng
        self.transform = config.transform(u.shape[1], u.device)
        initial = config.initial(u.shape[1], rng)
        self.shapes = {name: p.shape for name, p in initial.items()}
        # The optimiser takes parameters (R, a, b), here with R = 1.
        self.leaves = [
            to_device(p.reshape(1, p.shape[0], -1).contiguous()) for p in initial.values()
        ]
        self.hyperparams = {
            "learning_rate": u.new_full((1, 1), config.learning_rate),
            "weight_decay": u.new_zeros(1, 1),
        }
        self.optimiser = Adam(self.leaves, self.hyperparams)
        self.best, self.best_loss = _detached(self.parameters()), math.inf

    def parameters(self) -> dict[str, Tensor]:
        """Return the current parameters by name."""
        pairs = zip(self.shapes.items(), self.leaves, strict=True)
        return {name: p.reshape(shape) for (name, shape), p in pairs}

    def step(self, at: int) -> None:
        """Take one step of gradient descent, the gradient clipped."""
        config = self.config
        batch = self.u[to_device(self.rng.integers(len(self.u), size=config.batch_size))]
        for p in self.leaves:
            p.requires_grad_()
        loss = -_log_prob(self.transform, self.parameters(), batch).mean()
        if not loss.isfinite():
            raise Diverged(at, loss.item())
        gradients = list(torch.autograd.grad(loss, self.leaves))
        norm = torch.sqrt(sum((g.square().sum() for g in gradients), loss.new_zeros(())))
        with torch.no_grad():
            gradients = [g * (MAX_NORM / norm.clamp(min=MAX_NORM)) for g in gradients]
            rate = config.learning_rate * (1 + math.cos(math.pi * at / config.steps)) / 2
            self.hyperparams["learning_rate"].fill_(rate)
            self.optimiser.step(self.leaves, gradients, self.hyperparams)

    @torch.no_grad()
    def validate(self) -> None:
        """Keep the current parameters, in double precision, if none before was better."""
        loss, parameters = 0.0, self.parameters()
        if len(self.validation):
            loss = -float(_log_prob(self.transform, parameters, self.validation).mean())
        if loss <= self.best_loss:
            self.best_loss = loss
            self.best = _detached(parameters)


def _detached(parameters: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: p.detach().double() for name, p in parameters.items()}


def _log_prob(transform: SplineTransform, parameters: dict[str, Tensor], u: Tensor) -> Tensor:
    noise, log_det = functional_call(transform, parameters, (u,))
    return log_det - noise.square().sum(1) / 2 - u.shape[1] * math.log(2 * math.pi) / 2


class FlowDensity(Density):
    """The density of a trained flow.

    Arguments:
        transform: The map.
        parameters: The map's parameters by name, in double precision.
        reference: The reference; the map takes points in its coordinates.
    """

    def __init__(
        self, transform: SplineTransform, parameters: dict[str, Tensor], reference: Reference
    ) -> None:
        self._transform, self._parameters = transform, parameters
        self._reference = reference

    def log_prob(self, x: Array) -> Array:
        """Return the log-density of points (n, d), (n,)."""
        noise, log_det = self.noise(x)
        normal = noise.shape[1] * math.log(2 * math.pi) / 2
        return np.asarray(log_det - (noise**2).sum(axis=1) / 2 - normal)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw n points, (n, d)."""
        return self.points(rng.standard_normal((n, len(self._reference.mean[0]))))

    def noise(self, x: Array) -> tuple[Array, Array]:
        """Return the noise F(x) of points, both (n, d), and the log-determinants (n,)."""
        noise, logs = [np.zeros((0, x.shape[1]))], [np.zeros(0)]
        with torch.no_grad():
            for start in range(0, len(x), CHUNK):
                rows = np.asarray(x[start : start + CHUNK], np.float64).T[None]
                u = self._reference.whiten(self._on_device(rows))[0].T
                z, log_det = functional_call(self._transform, self._parameters, (u,))
                noise.append(to_numpy(z))
                logs.append(to_numpy(log_det))
        return np.concatenate(noise), np.concatenate(logs) + float(self._reference.log_det)

    def points(self, noise: Array) -> Array:
        """Return the points of noise, both (n, d)."""
        arguments = self._parameters, (self._on_device(noise),), {"inverse": True}
        with torch.no_grad():
            u = functional_call(self._transform, *arguments)[0]
        return to_numpy(self._reference.colour(u.T[None])[0].T)

    def _on_device(self, values: Array) -> Tensor:
        return torch.from_numpy(values).to(self._reference.device)
