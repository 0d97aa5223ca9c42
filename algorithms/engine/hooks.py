"""Hooks, by which a learner differs from empirical risk minimisation, and the state they see."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array, TrainingSet
from algorithms.engine.data import Batch, Points, stack_compactly
from algorithms.networks import Network

#: R training sets of equal size and shape.
Samples = Sequence[TrainingSet]
#: The objective's gradient for each parameter, (R, ...), and its value, (R,).
Gradient = tuple[list[Tensor], Tensor]


class Replicas:
    """The samples and hyper-parameters of R replicas, and the memory of their hooks.

    Arguments:
        labels: Labels of all samples, (R, n).
        group: Groups of all samples, (R, n).
        classes: The number of classes.
        groups: The number of groups.
        hyperparams: Hyper-parameters of each replica by name, (R, 1).
    """

    def __init__(
        self,
        labels: Tensor,
        group: Tensor,
        classes: int,
        groups: int,
        hyperparams: dict[str, Tensor],
    ) -> None:
        self._labels, self._group, self.hyperparams = labels, group, hyperparams
        self.classes, self.groups = classes, groups
        #: Tensors that hooks keep between steps, by name; their first axis is R.
        self.state: dict[str, Tensor] = {}

    @property
    def labels(self) -> Tensor:
        """Labels of all samples, int64, (R, n). Stored in a smaller type until the first use."""
        self._labels = self._labels.long()
        return self._labels

    @property
    def group(self) -> Tensor:
        """Groups of all samples, int64, (R, n). Stored in a smaller type until the first use."""
        self._group = self._group.long()
        return self._group

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        self._labels, self._group = self._labels[alive], self._group[alive]
        for table in (self.hyperparams, self.state):
            table.update({name: value[alive] for name, value in table.items()})


@dataclass(frozen=True)
class Hooks:
    r"""Differences of a learner from empirical risk minimisation.

    Arguments:
        loss_weights: A function of losses (R, b), the samples' positions (R, b) and the replicas
            that returns the weights (R, b) of the losses in the objective
            :math:`\sum_i w_i \ell_i`.
        objective: A function of logits (R, K, b), the batch and the replicas that returns
            another objective (R,). It is differentiated by the logits and replaces weights.
        gradient_step: A function of the training state and a batch that returns the gradient of
            a step. It may call :meth:`TrainingState.gradient` at other parameters, or on parts
            of the batch.
        before_epoch: A function of the training state, called before each epoch.
        sampling_weights: Weights by which samples are drawn, (R, n). An epoch is then n draws
            with replacement; otherwise it visits every sample once.
        networks_per_replica: The number c of networks that one replica of a method trains side
            by side; the stack then consists of c blocks of R / c networks. A replica stops or
            fails as a whole, and its last network decides when it stops.
        report: A function of the replicas that returns numbers about each when its training
            ends: name -> (R,).
    """

    loss_weights: Callable[[Tensor, Tensor, Replicas], Tensor] | None = None
    objective: Callable[[Tensor, Batch, Replicas], Tensor] | None = None
    gradient_step: "Callable[[TrainingState, Batch], Gradient] | None" = None
    before_epoch: "Callable[[TrainingState], None] | None" = None
    sampling_weights: Array | None = None
    networks_per_replica: int = 1
    report: Callable[[Replicas], dict[str, Tensor]] | None = None

    @property
    def reweights(self) -> bool:
        """Whether samples may have different weights."""
        return self.loss_weights is not None or self.sampling_weights is not None


class TrainingState:
    """The state of R networks in training, and the gradient of their objective.

    Arguments:
        network: The architecture.
        samples: The R training sets, of equal size, shape, number of classes and of groups.
        rngs: A generator for each replica.
        hyperparams: Hyper-parameters by name, one value for each replica.
        hooks: The learner's hooks.
        start: The initial parameters, each (R, ...), on the device and in the precision of all
            arithmetic.
    """

    def __init__(
        self,
        network: Network,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Mapping[str, Sequence[float]],
        hooks: Hooks,
        start: list[Tensor],
    ) -> None:
        device, dtype = start[0].device, start[0].dtype
        self.network, self.parameters, self.rngs = network, start, list(rngs)
        self.shape = samples[0].rows.pool.shape[1:]
        #: The number of epochs that are complete.
        self.epochs = 0
        self._hooks, self.sampling_weights = hooks, hooks.sampling_weights
        self._points = Points([s.rows for s in samples], device, dtype)
        self._labels = torch.from_numpy(stack_compactly([s.y for s in samples])).to(device)
        group = self._labels
        if any(s.group is not s.y for s in samples):
            group = torch.from_numpy(stack_compactly([s.group for s in samples])).to(device)
        table = {
            name: torch.tensor(list(values), dtype=dtype, device=device)[:, None]
            for name, values in hyperparams.items()
        }
        first = samples[0]
        self.replicas = Replicas(self._labels, group, first.classes, first.groups, table)
        #: The weight of each sample, summed over epochs, (R, n), if samples may differ in it.
        self.weights = torch.zeros_like(self._labels, dtype=dtype) if hooks.reweights else None

    @property
    def n(self) -> int:
        """The number of samples of each replica."""
        return self._labels.shape[1]

    def batches(self, order: Tensor, size: int) -> Iterator[Batch]:
        """Yield the samples at positions (R, m), in batches of a size."""
        return self._points.batches(order.to(self._labels.device), size, self._labels)

    def gradient(self, batch: Batch, parameters: list[Tensor] | None = None) -> Gradient:
        """Return the objective's gradient for each parameter, (R, ...), and its value, (R,).

        Arguments:
            batch: The samples of the objective.
            parameters: Where it is evaluated, each (R, ...); the current parameters, if None.
        """
        parameters = self.parameters if parameters is None else parameters
        logits, tape = self.network.record(parameters, batch.x, self.shape)
        differentiate = self._weighted_loss if self._hooks.objective is None else self._objective
        logit_grad, value = differentiate(logits, batch)
        return self.network.backward(tape, logit_grad), value

    def add_weights(self, batch: Batch, relative: Tensor) -> None:
        """Add weights of a batch to those of all samples, if samples may differ in weight.

        Arguments:
            batch: The samples.
            relative: Their weights, (R, b); a sample of average weight in its batch counts one.
        """
        if self.weights is not None:
            self.weights.scatter_add_(1, batch.index, relative)

    def _weighted_loss(self, logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the gradient of the weighted cross-entropy for the logits, and its value."""
        labels = batch.labels[:, None]
        log_p = torch.log_softmax(logits, 1)
        loss = log_p.gather(1, labels).squeeze(1).neg_()
        if self._hooks.loss_weights is None:
            weights = loss.new_full((1, loss.shape[1]), 1 / loss.shape[1])
        else:
            weights = self._hooks.loss_weights(loss, batch.index, self.replicas)
        self.add_weights(batch, (weights * loss.shape[1]).expand_as(loss))
        logit_grad = log_p.exp_()
        logit_grad.scatter_add_(1, labels, logit_grad.new_full((), -1).expand_as(labels))
        logit_grad.mul_(weights[:, None])
        return logit_grad, (weights * loss).sum(1)

    def _objective(self, logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the gradient of the hooks' objective for the logits, and its value."""
        with torch.enable_grad():
            leaf = logits.requires_grad_()
            value = self._hooks.objective(leaf, batch, self.replicas)  # type: ignore[misc]
            (logit_grad,) = torch.autograd.grad(value.sum(), leaf)
        # Samples of an objective differ in weight only by how often they are drawn.
        self.add_weights(batch, value.detach().new_ones(batch.index.shape))
        return logit_grad, value.detach()

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,), without a change to the others."""
        self.rngs = [rng for rng, ok in zip(self.rngs, alive.tolist(), strict=True) if ok]
        self.parameters = [p[alive] for p in self.parameters]
        self._labels = self._labels[alive]
        self.weights = None if self.weights is None else self.weights[alive]
        if self.sampling_weights is not None:
            self.sampling_weights = self.sampling_weights[alive.cpu().numpy()]
        self._points.keep(alive)
        self.replicas.keep(alive)
