r"""The one gradient-training loop: many replicas at once.

R trainings of one architecture that differ in seed, data and numeric hyper-parameters are
stacked on a leading axis and stepped together. What is learnt by one replica depends neither on
the others nor on their number: each has its own generator, and every operation on the stack is,
bit for bit, the operation on its parts.

Points are addressed by index into **one** copy of the dataset; rows that members changed are
kept apart and laid over each batch, so memory does not grow with the number of replicas.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array, TrainingSet
from algorithms.engine.data import Points, epoch_order, small
from algorithms.engine.hooks import Batch, Diverged, Gradient, Hooks, Replicas
from algorithms.engine.model_selection import Selection
from algorithms.engine.optimisers import OPTIMISERS
from algorithms.networks import Network, Shape
from algorithms.runtime.device import device as chosen_device


@dataclass(frozen=True)
class Snapshot:
    """A replica after an epoch: its parameters, the weights it gave in it, what was measured."""

    parameters: list[Tensor]
    weights: Array | None
    metrics: dict[str, float]


@dataclass(frozen=True)
class Trained:
    """What training left of one replica.

    Arguments:
        parameters: Its parameters, each with a leading axis of one.
        weights: The average weight of each sample, (n,); None if all counted alike.
        losses: The training objective at each step, (steps,).
        path: A snapshot of each epoch, if they were asked for.
        report: Whatever else is worth a number.
        suspects: The samples that were set apart, a mask (n,), where some are.
    """

    parameters: list[Tensor]
    weights: Array | None
    losses: Array
    path: list[Snapshot] = field(default_factory=list)
    report: dict[str, float] = field(default_factory=dict)
    suspects: Array | None = None


def initial(
    network: Network, points: Shape, classes: int, rngs: Sequence[np.random.Generator]
) -> list[Tensor]:
    r"""Parameters drawn uniformly from :math:`\pm 1/\sqrt{\text{fan-in}}`, each (R, ...)."""
    shapes = network.parameters(points, classes)
    sizes = [prod(p.shape) for p in shapes]
    draws = torch.from_numpy(np.stack([rng.uniform(-1, 1, sum(sizes)) for rng in rngs]))
    return [
        (draw / p.fan_in**0.5).view(len(rngs), *p.shape)
        for p, draw in zip(shapes, draws.split(sizes, dim=1), strict=True)
    ]


class Loop:
    """The state of a training; see :func:`train`."""

    def __init__(
        self,
        network: Network,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Mapping[str, Sequence[float]],
        optimiser: str,
        hooks: Hooks,
        selection: Selection,
        start: list[Tensor] | None,
        dtype: torch.dtype,
    ) -> None:
        device = chosen_device()
        self.network, self.hooks, self.chances = network, hooks, hooks.chances
        self.shape = samples[0].rows.pool.shape[1:]
        self.rngs = list(rngs)
        if start is None:
            start = initial(network, self.shape, samples[0].classes, self.rngs)
        self.parameters = [p.to(device, dtype, copy=True).contiguous() for p in start]
        self.points = Points([s.rows for s in samples], device, dtype)
        self.label = torch.from_numpy(small([s.y for s in samples])).to(device)
        same = all(s.group is s.y for s in samples)
        self.stack = Replicas(
            self.label,
            self.label if same else torch.from_numpy(small([s.group for s in samples])).to(device),
            samples[0].classes,
            samples[0].groups,
            {
                name: torch.tensor(list(values), dtype=dtype, device=device)[:, None]
                for name, values in hyperparams.items()
            },
        )
        self.optimiser = OPTIMISERS[optimiser](self.parameters, self.stack.hyperparams)
        self.selection = selection
        selection.begin(network, samples, device, dtype)
        #: Where the replicas in the stack stand among all.
        self.alive = list(range(len(samples)))
        self.results: list[Trained | Exception | None] = [None] * len(samples)
        self.given = torch.zeros_like(self.label, dtype=dtype) if hooks.uneven else None
        self.losses: list[Tensor] = []
        self.paths: list[list[Snapshot]] = [[] for _ in samples]

    def gradient(self, batch: Batch) -> Gradient:
        """The objective's gradient for each parameter, and its value (R,)."""
        logits, tape = self.network.record(self.parameters, batch.x, self.shape)
        slope = self._by_objective if self.hooks.objective else self._by_weights
        slopes, value = slope(logits, batch)
        return self.network.backward(tape, slopes), value

    def _by_weights(self, logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """The slope of the weighted cross-entropy at the logits, by hand; and its value."""
        truth = batch.labels[:, None]
        log_p = torch.log_softmax(logits, 1)
        loss = log_p.gather(1, truth).squeeze(1).neg_()
        if self.hooks.weigh is None:
            weights = loss.new_full((1, loss.shape[1]), 1 / loss.shape[1])
        else:
            weights = self.hooks.weigh(loss, batch.index, self.stack)
        if self.given is not None:
            share = (weights * loss.shape[1]).expand_as(loss)
            self.given.scatter_add_(1, batch.index, share)
        slope = log_p.exp_()
        slope.scatter_add_(1, truth, slope.new_full((), -1).expand_as(truth))
        slope.mul_(weights[:, None])
        return slope, (weights * loss).sum(1)

    def _by_objective(self, logits: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """The slope of the learner's own objective at the logits; and its value."""
        with torch.enable_grad():
            leaf = logits.requires_grad_()
            value = self.hooks.objective(leaf, batch, self.stack)  # type: ignore[misc]
            (slope,) = torch.autograd.grad(value.sum(), leaf)
        return slope, value.detach()

    def epoch(self, size: int) -> None:
        """Pass over the data once."""
        order = epoch_order(self.label.shape[1], self.rngs, self.chances).to(self.label.device)
        steps = -(-order.shape[1] // size)
        losses = self.parameters[0].new_empty(len(order), steps)
        if self.hooks.begin:
            self.hooks.begin(self)
        for step, (x, truth, index) in enumerate(self.points.batches(order, size, self.label)):
            batch = Batch(x, truth, index)
            around = self.hooks.around
            gradients, loss = around(self, batch) if around else self.gradient(batch)
            self.optimiser.step(self.parameters, gradients, self.stack.hyperparams)
            losses[:, step] = loss
            # The next step then finds its memory where this one's is still in the cache.
            del gradients, batch
        self.losses.append(losses)

    def snap(self, before: Tensor | None, metrics: dict[str, Tensor]) -> None:
        """Keep each replica as it is now."""
        fresh = None if self.given is None or before is None else self.given - before
        for r, a in enumerate(self.alive):
            self.paths[a].append(
                Snapshot(
                    [p[r : r + 1].clone() for p in self.parameters],
                    None if fresh is None else fresh[r].cpu().numpy(),
                    {name: float(values[r]) for name, values in metrics.items()},
                )
            )

    def finish(self, done: Tensor, parameters: list[Tensor], epochs: int) -> None:
        """Put down what the replicas of a mask (R,) have learnt."""
        losses = torch.cat(self.losses, 1).cpu().numpy()
        told = self.hooks.report(self.stack) if self.hooks.report else {}
        for r in done.nonzero().flatten().tolist():
            given = None if self.given is None else (self.given[r] / epochs).cpu().numpy()
            own = [p[r : r + 1].clone() for p in parameters]
            path = self.paths[self.alive[r]]
            report = {name: float(values[r]) for name, values in told.items()}
            self.results[self.alive[r]] = Trained(own, given, losses[r], path, report)

    def astray(self) -> Tensor:
        """Whose losses in the epoch, or parameters after it, are not finite, a mask (R,)."""
        finite = self.losses[-1].isfinite().all(1)
        for p in self.parameters:
            finite &= p.isfinite().flatten(1).all(1)
        return ~finite

    def fail(self, failed: Tensor) -> None:
        """Put down the first step at which the replicas of a mask (R,) went astray."""
        losses = torch.cat(self.losses, 1)
        for r in failed.nonzero().flatten().tolist():
            # A part that is well itself fails with the part that isn't.
            parts = losses.view(self.hooks.copies, -1, losses.shape[1])
            own = parts[:, r % parts.shape[1]]
            # Where all losses are finite, it was the last step that led to other parameters.
            wrong = (~own.isfinite()).nonzero().tolist()
            end = r // parts.shape[1], losses.shape[1] - 1
            part, step = min(wrong, key=lambda at: at[1], default=end)
            self.results[self.alive[r]] = Diverged(step, float(own[part, step]))

    def share(self, mask: Tensor, last: bool = False) -> Tensor:
        """A mask (R,) made the same for all parts of a method: where any says so, or the last."""
        parts = mask.view(self.hooks.copies, -1)
        return (parts[-1] if last else parts.any(0)).repeat(self.hooks.copies)

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,), without disturbing the others."""
        mask = alive.tolist()
        self.alive = [a for a, ok in zip(self.alive, mask, strict=True) if ok]
        self.rngs = [g for g, ok in zip(self.rngs, mask, strict=True) if ok]
        self.parameters = [p[alive] for p in self.parameters]
        self.losses = [h[alive] for h in self.losses]
        self.label = self.label[alive]
        self.given = None if self.given is None else self.given[alive]
        self.chances = None if self.chances is None else self.chances[alive.cpu().numpy()]
        for part in (self.optimiser, self.stack, self.points, self.selection):
            part.keep(alive)


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
) -> list[Trained | Exception]:
    r"""Train R replicas of a network on R samples of equal size.

    A step takes the next ``batch_size`` samples of each replica and descends on their mean
    cross-entropy, or on what the hooks make of it.

    Arguments:
        network: The architecture.
        samples: The R training sets, of equal size, shape, number of classes and of groups.
        rngs: A generator for each replica, used by it alone.
        hyperparams: Hyper-parameters by name, one value a replica: rate, momentum (sgd), decay and
            whatever ``weigh`` reads.
        epochs: Passes over the data.
        batch_size: Samples a step.
        optimiser: "sgd" or "adam".
        hooks: What is done otherwise than empirical risk minimisation.
        selection: Which epoch's parameters are kept, and when to stop; the last one's, if None.
        trace: Whether to keep a snapshot of each epoch.
        start: Parameters to start from, each (R, ...); drawn, if None.
        dtype: The precision of all arithmetic.

    Returns:
        What was learnt by each replica, or a :class:`Diverged` in its place.
    """
    choice = selection or Selection()
    loop = Loop(
        network, samples, rngs, hyperparams, optimiser, hooks or Hooks(), choice, start, dtype
    )
    for epoch in range(1, epochs + 1):
        before = loop.given.clone() if trace and loop.given is not None else None
        loop.epoch(batch_size)
        failed = loop.share(loop.astray())
        finite = ~failed
        if failed.any():
            loop.fail(failed)
            before = None if before is None else before[finite]
            loop.keep(finite)
        if not loop.alive:
            break
        metrics = choice.update(loop.parameters, measure=trace)
        if trace:
            loop.snap(before, metrics)
        over = loop.share(choice.over(loop.alive), last=True)
        if epoch == epochs:
            over = torch.ones_like(over)
        if over.any():
            loop.finish(over, choice.chosen(loop.parameters), epoch)
            loop.keep(~over)
        if not loop.alive:
            break
    return [r for r in loop.results if r is not None]
