r"""The one gradient-training loop, which trains many replicas at once.

R trainings of one architecture that differ in seed, data and numeric hyper-parameters are
stacked on a leading axis and stepped together. The result of a replica depends neither on
the others nor on their number: each has its own generator, and every operation on the stack is,
bit for bit, the operation on its parts.

Points are addressed by index into **one** copy of the dataset. Rows that members changed are
stored apart and written over each batch, so memory does not grow with the number of replicas.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array, TrainingSet
from algorithms.engine.data import epoch_order
from algorithms.engine.hooks import Hooks, TrainingState
from algorithms.engine.model_selection import Selection
from algorithms.engine.optimisers import OPTIMISERS, Optimiser
from algorithms.networks import Network, Shape
from algorithms.runtime.device import device


class Diverged(ArithmeticError):
    """An error of a replica whose loss, or whose parameters after a step, are not finite.

    Arguments:
        step: The number of the step.
        loss: The loss at the step.
    """

    def __init__(self, step: int, loss: float) -> None:
        after = ", and parameters were no finite numbers after it" if isfinite(loss) else ""
        super().__init__(f"training diverged: the loss was {loss} at step {step}{after}")
        self.step, self.loss = step, loss

    def __reduce__(self) -> tuple[type, tuple[int, float]]:
        return Diverged, (self.step, self.loss)


@dataclass(frozen=True)
class Snapshot:
    """A replica after an epoch.

    Arguments:
        parameters: Its parameters, each (1, ...).
        weights: The weight of each sample in the epoch, (n,), if it re-weights.
        metrics: Metrics on the validation data, by name.
    """

    parameters: list[Tensor]
    weights: Array | None
    metrics: dict[str, float]


@dataclass(frozen=True)
class Trained:
    """The result of one replica's training.

    Arguments:
        parameters: Its parameters, each (1, ...).
        weights: The average weight of each sample, (n,), if it re-weights.
        losses: The training objective at each step, (steps,).
        path: A snapshot of each epoch, if the training keeps them.
        report: Further numbers, by name.
        flagged: The samples that training treated as hard or harmful, a mask (n,), if it
            treats some so.
    """

    parameters: list[Tensor]
    weights: Array | None
    losses: Array
    path: list[Snapshot] = field(default_factory=list)
    report: dict[str, float] = field(default_factory=dict)
    flagged: Array | None = None


Outcome = Trained | Exception


def initial(
    network: Network, points: Shape, classes: int, rngs: Sequence[np.random.Generator]
) -> list[Tensor]:
    """Draw the parameters of R replicas, each from its own generator.

    Arguments:
        network: The architecture.
        points: The shape of a point.
        classes: The number of labels.
        rngs: A generator for each of R replicas.

    Returns:
        The parameters, float64, each (R, ...).
    """
    drawn = [network.initial(points, classes, rng) for rng in rngs]
    return [torch.stack(parts) for parts in zip(*drawn, strict=True)]


class Progress:
    """The losses, snapshots and outcomes of all replicas; R of them are still in training.

    Arguments:
        count: The number of all replicas.
        networks_per_replica: See :class:`Hooks`.
    """

    def __init__(self, count: int, networks_per_replica: int) -> None:
        self.networks_per_replica = networks_per_replica
        #: Positions among all replicas of those in training.
        self.active = list(range(count))
        self.losses: list[Tensor] = []
        self.paths: list[list[Snapshot]] = [[] for _ in range(count)]
        self.outcomes: list[Outcome | None] = [None] * count

    def combine(self, mask: Tensor, last: bool = False) -> Tensor:
        """Return a mask (R,) that is equal for all networks of a replica.

        Arguments:
            mask: A mask of networks, (R,).
            last: Whether a replica's last network decides; otherwise any one suffices.
        """
        parts = mask.view(self.networks_per_replica, -1)
        return (parts[-1] if last else parts.any(0)).repeat(self.networks_per_replica)

    def diverged(self, parameters: list[Tensor]) -> Tensor:
        """Return which replicas have a loss in the epoch, or parameters now, that is not finite.

        Arguments:
            parameters: The parameters after the epoch, each (R, ...).
        """
        finite = self.losses[-1].isfinite().all(1)
        for p in parameters:
            finite &= p.isfinite().flatten(1).all(1)
        return self.combine(~finite)

    def fail(self, failed: Tensor) -> None:
        """Store :class:`Diverged`, with the first such step, for the replicas of a mask (R,)."""
        losses = torch.cat(self.losses, 1)
        networks = losses.view(self.networks_per_replica, -1, losses.shape[1])
        for r in failed.nonzero().flatten().tolist():
            # A network fails with the others of its replica even if its own losses are finite.
            of_replica = networks[:, r % networks.shape[1]]
            # If all losses are finite, the last step produced the parameters that are not.
            wrong = (~of_replica.isfinite()).nonzero().tolist()
            end = r // networks.shape[1], losses.shape[1] - 1
            network, step = min(wrong, key=lambda at: at[1], default=end)
            self.outcomes[self.active[r]] = Diverged(step, float(of_replica[network, step]))

    def snapshot(
        self, parameters: list[Tensor], weights: Tensor | None, metrics: dict[str, Tensor]
    ) -> None:
        """Store a snapshot of each replica.

        Arguments:
            parameters: The parameters after the epoch, each (R, ...).
            weights: The samples' weights in the epoch, (R, n), if there are some.
            metrics: Metrics on the validation data, each (R,).
        """
        for r, position in enumerate(self.active):
            self.paths[position].append(
                Snapshot(
                    [p[r : r + 1].clone() for p in parameters],
                    None if weights is None else weights[r].cpu().numpy(),
                    {name: float(values[r]) for name, values in metrics.items()},
                )
            )

    def finish(
        self,
        done: Tensor,
        parameters: list[Tensor],
        weights: Tensor | None,
        report: dict[str, Tensor],
    ) -> None:
        """Store the results of the replicas of a mask.

        Arguments:
            done: The mask, (R,).
            parameters: The selected parameters, each (R, ...).
            weights: The samples' average weights, (R, n), if there are some.
            report: Further numbers, each (R,).
        """
        losses = torch.cat(self.losses, 1).cpu().numpy()
        for r in done.nonzero().flatten().tolist():
            self.outcomes[self.active[r]] = Trained(
                [p[r : r + 1].clone() for p in parameters],
                None if weights is None else weights[r].clone().cpu().numpy(),
                losses[r],
                self.paths[self.active[r]],
                {name: float(values[r]) for name, values in report.items()},
            )

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        self.active = [a for a, ok in zip(self.active, alive.tolist(), strict=True) if ok]
        self.losses = [losses[alive] for losses in self.losses]


def run_epoch(state: TrainingState, optimiser: Optimiser, size: int, hooks: Hooks) -> Tensor:
    """Train for one epoch.

    Arguments:
        state: The networks; their parameters change in place.
        optimiser: The optimiser.
        size: The number of samples in a batch.
        hooks: The learner's hooks.

    Returns:
        The objective at each step, (R, steps).
    """
    order = epoch_order(state.n, state.rngs, state.sampling_weights)
    losses = state.parameters[0].new_empty(len(order), -(-order.shape[1] // size))
    if hooks.before_epoch:
        hooks.before_epoch(state)
    for step, batch in enumerate(state.batches(order, size)):
        if hooks.gradient_step:
            gradients, loss = hooks.gradient_step(state, batch)
        else:
            gradients, loss = state.gradient(batch)
        optimiser.step(state.parameters, gradients, state.replicas.hyperparams)
        losses[:, step] = loss
        # The next step then finds its memory where this one's is still in the cache.
        del gradients, batch
    state.epochs += 1
    return losses


@torch.no_grad()
def train(
    network: Network,
    samples: Sequence[TrainingSet],
    rngs: Sequence[np.random.Generator],
    *,
    hyperparams: Mapping[str, Sequence[float]],
    epochs: int,
    batch_size: int,
    optimiser: str = "sgd",
    hooks: Hooks | None = None,
    selection: Selection | None = None,
    trace: bool = False,
    start: list[Tensor] | None = None,
    dtype: torch.dtype = torch.float32,
) -> list[Outcome]:
    r"""Train R replicas of a network on R samples of equal size.

    A step takes the next ``batch_size`` samples of each replica and descends on their mean
    cross-entropy, unless the hooks replace it.

    Arguments:
        network: The architecture.
        samples: The R training sets, of equal size, shape, number of classes and of groups.
        rngs: A generator for each replica, which no other uses.
        hyperparams: Hyper-parameters by name, one value for each replica: learning_rate,
            momentum (of "sgd"), weight_decay, and those that the hooks read.
        epochs: Passes over the data.
        batch_size: Samples in a step.
        optimiser: "sgd" or "adam".
        hooks: The differences from empirical risk minimisation.
        selection: Which epoch's parameters are kept, and when to stop; the last one's, if None.
        trace: Whether to keep a snapshot of each epoch.
        start: Initial parameters, each (R, ...); drawn by :func:`initial`, if None.
        dtype: The precision of all arithmetic.

    Returns:
        For each replica its :class:`Trained`, or :class:`Diverged`.
    """
    hooks, selection = hooks or Hooks(), selection or Selection()
    first, here = samples[0], device()
    if start is None:
        start = initial(network, first.rows.pool.shape[1:], first.classes, rngs)
    start = [p.to(here, dtype, copy=True).contiguous() for p in start]
    state = TrainingState(network, samples, rngs, hyperparams, hooks, start)
    steps = OPTIMISERS[optimiser](state.parameters, state.replicas.hyperparams)
    selection.prepare(network, samples, here, dtype)
    progress = Progress(len(samples), hooks.networks_per_replica)

    def keep(alive: Tensor) -> None:
        for part in (state, steps, selection, progress):
            part.keep(alive)

    for epoch in range(1, epochs + 1):
        before = state.weights.clone() if trace and state.weights is not None else None
        progress.losses.append(run_epoch(state, steps, batch_size, hooks))
        failed = progress.diverged(state.parameters)
        if failed.any():
            progress.fail(failed)
            before = None if before is None else before[~failed]
            keep(~failed)
        if not progress.active:
            break
        metrics = selection.update(state.parameters, measure=trace)
        if trace:
            fresh = None if state.weights is None or before is None else state.weights - before
            progress.snapshot(state.parameters, fresh, metrics)
        done = progress.combine(selection.finished(len(progress.active)), last=True)
        if epoch == epochs:
            done = torch.ones_like(done)
        if done.any():
            average = None if state.weights is None else state.weights / epoch
            report = hooks.report(state.replicas) if hooks.report else {}
            report["epochs"] = done.new_full(done.shape, epoch, dtype=torch.int64)
            progress.finish(done, selection.selected(state.parameters), average, report)
            keep(~done)
        if not progress.active:
            break
    return [outcome for outcome in progress.outcomes if outcome is not None]
