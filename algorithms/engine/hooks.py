"""What a training is made of: the replicas in it, what they see, what a learner does otherwise."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import numpy as np
from torch import Tensor

from algorithms.base import Array
from algorithms.engine.data import Points
from algorithms.networks import Network, Shape


class Diverged(ArithmeticError):
    """A replica's loss was no finite number at a step, or its parameters weren't after it."""

    def __init__(self, step: int, loss: float) -> None:
        after = ", and parameters were no finite numbers after it" if isfinite(loss) else ""
        super().__init__(f"training diverged: the loss was {loss} at step {step}{after}")
        self.step, self.loss = step, loss

    def __reduce__(self) -> tuple[type, tuple[int, float]]:
        return Diverged, (self.step, self.loss)


class Replicas:
    """The replicas in training, as a hook sees them.

    Arguments:
        label: Labels of all samples, (R, n).
        group: Groups of all samples, (R, n).
        classes: The number of classes.
        groups: The number of groups.
        hyperparams: Hyper-parameters of each replica by name, (R, 1).
    """

    def __init__(
        self,
        label: Tensor,
        group: Tensor,
        classes: int,
        groups: int,
        hyperparams: dict[str, Tensor],
    ) -> None:
        self._label, self._group, self.hyperparams = label, group, hyperparams
        self.classes, self.groups = classes, groups
        #: Whatever hooks remember between steps; tensors whose first axis is R.
        self.state: dict[str, Tensor] = {}

    @property
    def label(self) -> Tensor:
        """Labels of all samples, int64, (R, n). Kept small until somebody asks."""
        self._label = self._label.long()
        return self._label

    @property
    def group(self) -> Tensor:
        """Groups of all samples, int64, (R, n). Kept small until somebody asks."""
        self._group = self._group.long()
        return self._group

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        self._label, self._group = self._label[alive], self._group[alive]
        for table in (self.hyperparams, self.state):
            table.update({name: value[alive] for name, value in table.items()})


@dataclass(frozen=True)
class Batch:
    """What the replicas see at a step.

    Arguments:
        x: Points, (R, b, d).
        labels: Labels, int64, (R, b).
        index: Positions among the samples, int64, (R, b).
    """

    x: Tensor
    labels: Tensor
    index: Tensor


Gradient = tuple[list[Tensor], Tensor]


class TrainingState(Protocol):
    """The state of a training that a hook may read, and replace for the length of a call."""

    network: Network
    parameters: list[Tensor]
    shape: Shape
    points: Points
    label: Tensor
    stack: Replicas
    rngs: list[np.random.Generator]
    losses: list[Tensor]

    def gradient(self, batch: Batch) -> Gradient:
        """Return the objective's gradient for each parameter, and its value (R,)."""


@dataclass(frozen=True)
class Hooks:
    r"""What a learner does otherwise than empirical risk minimisation.

    Arguments:
        weigh: From losses (R, b), the samples' positions (R, b) and the stack to the weights
            (R, b) of the losses in the objective :math:`\sum_i w_i \ell_i`.
        objective: From logits (R, K, b), the batch and the stack to an objective (R,) of its
            own, which is differentiated by the logits; in place of weights.
        around: From the loop and a batch to gradients and objective; it may ask for
            :meth:`TrainingState.gradient` at other parameters, or on parts of the batch.
        begin: Called with the loop before each epoch.
        chances: How likely each sample is drawn, (R, n). Then an epoch is n draws with
            replacement; otherwise it visits every sample once.
        copies: How many stacks of R / copies replicas are trained side by side as parts of one
            method; what stops or fails one of its parts stops or fails them all, and the last
            stack decides when to stop.
        report: From the stack to numbers about each replica when it is done: name -> (R,).
    """

    weigh: Callable[[Tensor, Tensor, Replicas], Tensor] | None = None
    objective: Callable[[Tensor, Batch, Replicas], Tensor] | None = None
    around: Callable[[TrainingState, Batch], Gradient] | None = None
    begin: Callable[[TrainingState], None] | None = None
    chances: Array | None = None
    copies: int = 1
    report: Callable[[Replicas], dict[str, Tensor]] | None = None

    @property
    def uneven(self) -> bool:
        """Whether samples do not count alike."""
        return self.weigh is not None or self.chances is not None
