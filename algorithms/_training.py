r"""The one gradient-training loop: many replicas at once.

R trainings of one architecture that differ in seed, data and numeric hyper-parameters are
stacked on a leading axis and stepped together. What is learnt by one replica depends neither on
the others nor on their number: each has its own generator, and every operation on the stack is,
bit for bit, the operation on its parts.

Points are addressed by index into **one** copy of the dataset; rows that members changed are
kept apart and laid over each batch, so memory does not grow with the number of replicas.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
import torch
from torch import Tensor

from algorithms._optimisers import OPTIMISERS
from algorithms._points import Points, epoch_order
from algorithms.base import Array, TrainingSet
from algorithms.networks import Network, Shape

Weigh = Callable[[Tensor, Tensor, "Stack"], Tensor]


class Diverged(ArithmeticError):
    """The training loss of a replica was no longer a finite number."""

    def __init__(self, step: int, loss: float) -> None:
        super().__init__(f"training diverged: the loss was {loss} at step {step}")
        self.step, self.loss = step, loss


@dataclass
class Stack:
    """The replicas in training, as a re-weighting hook sees them.

    Arguments:
        label: Labels of all samples, int64, (R, n).
        group: Groups of all samples, int64, (R, n).
        groups: The number of groups.
        knobs: Hyper-parameters of each replica by name, (R, 1).
        state: Whatever the hook remembers between steps; tensors whose first axis is R.
    """

    label: Tensor
    group: Tensor
    groups: int
    knobs: dict[str, Tensor]
    state: dict[str, Tensor] = field(default_factory=dict)

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        self.label, self.group = self.label[alive], self.group[alive]
        for table in (self.knobs, self.state):
            table.update({name: value[alive] for name, value in table.items()})


@dataclass(frozen=True)
class Trained:
    """What training left of one replica.

    Arguments:
        parameters: Its parameters, each with a leading axis of one.
        weights: The average weight of each sample, (n,); None if all counted alike.
        losses: The training objective at each step, (steps,).
        report: Whatever else is worth a number.
    """

    parameters: list[Tensor]
    weights: Array | None
    losses: Array
    report: dict[str, float] = field(default_factory=dict)


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


@torch.no_grad()
def train(
    network: Network,
    samples: Sequence[TrainingSet],
    rngs: Sequence[np.random.Generator],
    *,
    knobs: Mapping[str, Sequence[float]],
    epochs: int,
    batch: int,
    optimiser: str = "sgd",
    weigh: Weigh | None = None,
    chances: Array | None = None,
    start: list[Tensor] | None = None,
    dtype: torch.dtype = torch.float32,
) -> list[Trained | Exception]:
    r"""Train R replicas of a network on R samples of equal size.

    A step takes the next ``batch`` samples of each replica and descends on
    :math:`\sum_i w_i \ell_i`, with :math:`\ell` the cross-entropy and the weights given by
    ``weigh``; without it each is one over the batch's size.

    Arguments:
        network: The architecture.
        samples: The R training sets, of equal size, shape, number of classes and of groups.
        rngs: A generator for each replica, used by it alone.
        knobs: Hyper-parameters by name, one value a replica: rate, momentum (sgd), decay and
            whatever ``weigh`` reads.
        epochs: Passes over the data.
        batch: Samples a step.
        optimiser: "sgd" or "adam".
        weigh: From losses (R, b), the samples' positions (R, b) and the :class:`Stack` to
            weights (R, b).
        chances: How likely each sample is drawn, (R, n). Then an epoch is n draws with
            replacement; otherwise it visits every sample once.
        start: Parameters to start from, each (R, ...); drawn, if None.
        dtype: The precision of all arithmetic.

    Returns:
        What was learnt by each replica, or a :class:`Diverged` in its place.
    """
    device = torch.get_default_device()
    n, classes, shape = len(samples[0]), samples[0].classes, samples[0].rows.pool.shape[1:]
    rngs = list(rngs)
    if start is None:
        start = initial(network, shape, classes, rngs)
    parameters = [p.to(device, dtype, copy=True).contiguous() for p in start]
    points = Points(samples, device, dtype)
    label = torch.from_numpy(np.stack([s.y for s in samples])).to(device)
    group = torch.from_numpy(np.stack([s.group for s in samples])).to(device)
    stack = Stack(
        label,
        group,
        samples[0].groups,
        {k: torch.tensor(list(v), dtype=dtype, device=device)[:, None] for k, v in knobs.items()},
    )
    stepper = OPTIMISERS[optimiser](parameters)
    uneven = weigh is not None or chances is not None
    given = torch.zeros(label.shape, dtype=dtype, device=device) if uneven else None
    alive = list(range(len(samples)))
    results: list[Trained | Exception] = [Diverged(0, float("nan"))] * len(samples)
    history: list[Tensor] = []

    for _ in range(epochs):
        order = epoch_order(n, rngs, chances).to(device)
        labels = stack.label.gather(1, order)
        losses = []
        for s, rows in enumerate(points.batches(order, batch)):
            index = order[:, s * batch : (s + 1) * batch]
            truth = labels[:, None, s * batch : (s + 1) * batch]
            logits, tape = network.record(parameters, points.gather(rows, len(alive)), shape)
            log_p = torch.log_softmax(logits, 1)
            loss = log_p.gather(1, truth).squeeze(1).neg_()
            if weigh is None:
                weights = torch.full_like(loss, 1 / loss.shape[1])
            else:
                weights = weigh(loss, index, stack)
            if given is not None:
                given.scatter_add_(1, index, weights * loss.shape[1])
            slope = log_p.exp_()
            slope.scatter_add_(1, truth, torch.full_like(truth, -1, dtype=dtype))
            slope.mul_(weights[:, None])
            stepper.step(parameters, network.backward(tape, slope), stack.knobs)
            losses.append((weights * loss).sum(1))
        history.append(torch.stack(losses, 1))
        finite = history[-1].isfinite().all(1)
        if not finite.all():
            for r in (~finite).nonzero().flatten().tolist():
                step = int((~history[-1][r].isfinite()).nonzero()[0])
                before = sum(h.shape[1] for h in history[:-1])
                results[alive[r]] = Diverged(before + step, float(history[-1][r, step]))
            alive = [a for a, ok in zip(alive, finite.tolist(), strict=True) if ok]
            if not alive:
                return results
            rngs = [g for g, ok in zip(rngs, finite.tolist(), strict=True) if ok]
            parameters = [p[finite] for p in parameters]
            stepper.keep(finite)
            history = [h[finite] for h in history]
            given = None if given is None else given[finite]
            chances = None if chances is None else chances[finite.cpu().numpy()]
            stack.keep(finite)
            points.keep(finite)

    losses_all = torch.cat(history, 1).cpu().numpy() if history else np.zeros((len(alive), 0))
    for r, a in enumerate(alive):
        weights_all = None if given is None else (given[r] / max(epochs, 1)).cpu().numpy()
        results[a] = Trained(
            [p[r : r + 1].clone() for p in parameters], weights_all, losses_all[r]
        )
    return results


@torch.no_grad()
def probabilities(network: Network, parameters: list[Tensor], x: Array, rows: int = 1024) -> Array:
    """Class probabilities (m, K) of points (m, ...) by one trained replica."""
    flat = torch.from_numpy(np.ascontiguousarray(x, np.float32).reshape(1, len(x), -1))
    parts = [
        torch.softmax(network.logits(parameters, part.to(parameters[0]), x.shape[1:]), 1)[0].T
        for part in flat.split(rows, dim=1)
    ]
    return torch.cat(parts).cpu().numpy()
