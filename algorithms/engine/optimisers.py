"""Optimisers of stacked replicas."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor


class Optimiser(ABC):
    """An optimiser with the hyper-parameters of each replica. Abstract."""

    #: Its memory of each parameter; tensors whose first axis is R.
    state: list[list[Tensor]]
    #: Whether any replica has weight decay.
    decays: bool

    @abstractmethod
    def step(
        self, parameters: list[Tensor], gradients: list[Tensor], hyperparams: dict[str, Tensor]
    ) -> None:
        """Update all parameters in place.

        Arguments:
            parameters: The parameters, each (R, ...).
            gradients: The objective's gradient for each of them; may be overwritten.
            hyperparams: Hyper-parameters by name, each (R, 1).
        """

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        self.state = [[t[alive] for t in memory] for memory in self.state]


class Momentum(Optimiser):
    r"""Stochastic gradient descent: :math:`v \gets \mu v + g + \lambda p,\ p \gets p - \eta v`."""

    def __init__(self, parameters: list[Tensor], hyperparams: dict[str, Tensor]) -> None:
        self.state = [[torch.zeros_like(p)] for p in parameters]
        self.decays = bool(hyperparams["weight_decay"].any())

    def step(
        self, parameters: list[Tensor], gradients: list[Tensor], hyperparams: dict[str, Tensor]
    ) -> None:
        """Update all parameters in place."""
        learning_rate, momentum, weight_decay = (
            hyperparams[k].unsqueeze(2) for k in ("learning_rate", "momentum", "weight_decay")
        )
        for p, g, (v,) in zip(parameters, gradients, self.state, strict=True):
            if self.decays:
                g.addcmul_(p, weight_decay)
            torch.addcmul(g, v, momentum, out=v)
            p.addcmul_(v, learning_rate, value=-1)


class Adam(Optimiser):
    r"""Adam (Kingma & Ba, 2015), decay added to the gradient.

    .. math:: m \gets \beta_1 m + (1-\beta_1) g,\ s \gets \beta_2 s + (1-\beta_2) g^2,\
        p \gets p - \eta \frac{m / (1-\beta_1^t)}{\sqrt{s / (1-\beta_2^t)} + \epsilon}
    """

    betas, epsilon = (0.9, 0.999), 1e-8

    def __init__(self, parameters: list[Tensor], hyperparams: dict[str, Tensor]) -> None:
        self.state = [[torch.zeros_like(p), torch.zeros_like(p)] for p in parameters]
        self.decays = bool(hyperparams["weight_decay"].any())
        self.steps = 0

    def step(
        self, parameters: list[Tensor], gradients: list[Tensor], hyperparams: dict[str, Tensor]
    ) -> None:
        """Update all parameters in place."""
        self.steps += 1
        first, second = (1 - beta**self.steps for beta in self.betas)
        learning_rate, weight_decay = (
            hyperparams["learning_rate"].unsqueeze(2) / first,
            hyperparams["weight_decay"].unsqueeze(2),
        )
        for p, g, (m, s) in zip(parameters, gradients, self.state, strict=True):
            if self.decays:
                g.addcmul_(p, weight_decay)
            m.lerp_(g, 1 - self.betas[0])
            s.mul_(self.betas[1]).addcmul_(g, g, value=1 - self.betas[1])
            step = m.div(s.sqrt().div_(second**0.5).add_(self.epsilon))
            p.addcmul_(step, learning_rate, value=-1)


OPTIMISERS: dict[str, Callable[[list[Tensor], dict[str, Tensor]], Optimiser]] = {
    "sgd": Momentum,
    "adam": Adam,
}
