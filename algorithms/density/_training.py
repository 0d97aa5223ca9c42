r"""The training that energies share: an energy against a generator of known density.

In the coordinates u of the reference, :math:`D(u, y) = \log p_0(u) + f(u)_y` and
:math:`D(u) = \log \sum_y e^{D(u, y)}`. A step draws data, and proposals of the generator with
their density q, and descends on

.. math::
    L_D = -\tfrac1b \sum_i D(x_i, y_i) + \log \tfrac1m \sum_j e^{D(x_j) - \log q(x_j)}
        + \tfrac\lambda2 \, \overline{\lVert \nabla f \rVert^2}, \qquad
    L_G = \tfrac1b \sum_j \eta \log q(x_j) - D(x_j),

with the entropy's weight :math:`\eta = 1`. R replicas, that are alike in all but their points and
generators of randomness, are stacked as elsewhere: each learns, to the bit, what it would
have learnt alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array
from algorithms.density._reference import Reference, stacked
from algorithms.density.generators import Generator
from algorithms.engine.loop import Diverged, initial
from algorithms.engine.optimisers import Adam
from algorithms.networks import Network

#: Proposals of each forward pass where no gradient is kept.
PAGE = 4096
#: Below this effective share of the proposals nothing that is said of log Z is believed.
HEAVY = 0.05


@dataclass(frozen=True)
class EnergyConfig:
    """What tells one energy's training from another's.

    Arguments:
        energy: The network f.
        generator: The generator; None for proposals from the reference itself.
        partition: How log Z enters the energy's loss: by importance sampling, or as the mean of
            D, as in WGAN.
        entropy: The weight of the entropy in the generator's loss.
        penalty: The weight of the gradient's penalty.
        around: Where that gradient should vanish (on data), or have length one (between data
            and proposals).
        steps: The number of steps.
        batch_size: Points a step, of the data and for the generator.
        proposals: Proposals a step, for log Z.
        learning_rate: The energy's learning rate; both fall to zero as a cosine.
        generator_rate: The generator's.
        weight_decay: The energy's weight decay.
        gate: An energy stands still while its proposals' effective share is below this.
        rounds: How often the replicas are judged on held-out points.
        classes: The number of outputs of f.
    """

    energy: Network
    generator: Generator | None
    partition: Literal["importance", "critic"]
    entropy: float
    penalty: float
    around: Literal["data", "between"]
    steps: int
    batch_size: int
    proposals: int
    learning_rate: float
    generator_rate: float
    weight_decay: float
    gate: float
    rounds: int
    classes: int = 1


@dataclass
class State:
    """What a training changes: parameters (R, ...) of energy and generator."""

    energy: list[Tensor]
    generator: list[Tensor]

    def replica(self, r: int) -> "State":
        """One of the replicas, a copy."""
        return State(
            [p[r : r + 1].detach().clone() for p in self.energy],
            [p[r : r + 1].detach().clone() for p in self.generator],
        )


def logits(config: EnergyConfig, parameters: list[Tensor], u: Tensor) -> Tensor:
    """The network's values f (R, K, B) at coordinates u (R, d, B)."""
    return config.energy.logits(parameters, u.transpose(1, 2), (u.shape[1],))


def energy(config: EnergyConfig, parameters: list[Tensor], base: Reference, u: Tensor) -> Tensor:
    """D (R, B) at coordinates u (R, d, B), summed over labels."""
    f = logits(config, parameters, u)
    total = f[:, 0] if f.shape[1] == 1 else torch.logsumexp(f, 1)
    return base.log_prob(u) + total


def propose(
    config: EnergyConfig, parameters: list[Tensor], base: Reference, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Proposals u (R, d, B) from noise of the reference, and their log-density (R, B)."""
    density = base.log_prob(noise)
    if config.generator is None:
        return noise, density
    u, log_det = config.generator.push(parameters, noise)
    return u, density - log_det


@torch.no_grad()
def weigh(
    config: EnergyConfig, state: State, base: Reference, n: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Draw n proposals u (d, n) for one replica, and their log-weights (n,)."""
    own = base.map(lambda t: t[:1])
    us, weights = [], []
    for start in range(0, n, PAGE):
        noise = own.draw(min(PAGE, n - start), [rng]).to(own.mean.dtype)
        u, log_q = propose(config, state.generator, own, noise)
        us.append(u[0])
        weights.append((energy(config, state.energy, own, u) - log_q)[0])
    return torch.cat(us, 1), torch.cat(weights)


class EnergyTraining:
    """R energies, each against its generator; see :func:`contest`."""

    def __init__(
        self,
        config: EnergyConfig,
        points: Sequence[Tensor],
        labels: Sequence[Tensor],
        references: Sequence[Reference],
        rngs: Sequence[np.random.Generator],
    ) -> None:
        self.config, self.rngs = config, list(rngs)
        self.base = stacked(references, torch.float32)
        d = points[0].shape[0]
        # The energy starts as the reference, so that the generator does, too, as it should be.
        start = initial(config.energy, (d,), config.classes, rngs)
        start[-2:] = [torch.zeros_like(p) for p in start[-2:]]
        self.state = State(
            [p.float().contiguous() for p in start],
            config.generator.parameters(d, rngs) if config.generator else [],
        )
        self.counts = [p.shape[1] for p in points]
        most = max(self.counts)
        self.points = torch.stack([_padded(p, most) for p in points])
        self.labels = torch.stack([_padded(y[None], most)[0] for y in labels])
        self.hyperparams = {
            name: torch.full((len(rngs), 1), value)
            for name, value in (
                ("learning_rate", config.learning_rate),
                ("weight_decay", config.weight_decay),
            )
        }
        self.pushes = {
            "learning_rate": self.hyperparams["learning_rate"].clone(),
            "weight_decay": torch.zeros(len(rngs), 1),
        }
        self.climber = Adam(self.state.energy, self.hyperparams)
        self.pusher = Adam(self.state.generator, self.pushes)
        self.alive = list(range(len(rngs)))
        self.losses = torch.zeros(len(rngs), config.steps)

    def starts(self, judged: Sequence[tuple[Tensor, Tensor]]) -> dict[int, tuple[float, State]]:
        """Loss and parameters of each replica before its training, where it is its reference.

        Arguments:
            judged: The held-out points (d, n) of each, and their labels; none, if n is 0.
        """
        found = {}
        for r, (u, _) in enumerate(judged):
            if u.shape[1]:
                own = self.base.map(lambda t, r=r: t[r : r + 1])
                # All labels are as likely: Z is their number.
                loss = math.log(self.config.classes) - float(own.log_prob(u[None]).mean())
                found[r] = loss, self.state.replica(r)
        return found

    def step(self, at: int) -> None:
        """One step of all generators and energies."""
        config = self.config
        index = torch.from_numpy(
            np.stack(
                [
                    rng.integers(n, size=config.batch_size)
                    for rng, n in zip(self.rngs, self.counts, strict=True)
                ]
            )
        )
        x = self.points.gather(2, index[:, None].expand(-1, self.points.shape[1], -1))
        truth = self.labels.gather(1, index)
        noise = self.base.draw(config.proposals, self.rngs)
        cooling = (1 + math.cos(math.pi * at / config.steps)) / 2
        near, far = noise[:, :, : config.batch_size], noise[:, :, config.batch_size :]
        if config.generator is not None:
            leaves = [p.requires_grad_() for p in self.state.generator]
            u, log_q = propose(config, leaves, self.base, near)
            loss = config.entropy * log_q - energy(config, self.state.energy, self.base, u)
            slopes = torch.autograd.grad(loss.mean(1).sum(), leaves)
            u, log_q = u.detach(), log_q.detach()
            with torch.no_grad():
                if far.shape[2]:
                    more = propose(config, leaves, self.base, far)
                    u, log_q = torch.cat([u, more[0]], 2), torch.cat([log_q, more[1]], 1)
                self.pushes["learning_rate"].fill_(config.generator_rate * cooling)
                self.pusher.step(self.state.generator, list(slopes), self.pushes)
        else:
            u, log_q = propose(config, [], self.base, noise)
        self._climb(at, x, truth, u, log_q, config.learning_rate * cooling)

    def _climb(
        self, at: int, x: Tensor, truth: Tensor, u: Tensor, log_q: Tensor, learning_rate: float
    ) -> None:
        """The energies' part of a step."""
        config = self.config
        leaves = [p.requires_grad_() for p in self.state.energy]
        f = logits(config, leaves, x)
        here = f.gather(1, truth[:, None])[:, 0] + self.base.log_prob(x)
        there = energy(config, leaves, self.base, u)
        weights = (there - log_q).detach()
        if config.partition == "importance":
            log_z = torch.logsumexp(there - log_q, 1) - math.log(u.shape[2])
        else:
            log_z = there.mean(1)
        loss = log_z - here.mean(1)
        total = loss + self._penalty(leaves, x, truth, u) if config.penalty else loss
        slopes = torch.autograd.grad(total.sum(), leaves)
        with torch.no_grad():
            share = torch.softmax(weights, 1).square().sum(1, keepdim=True).reciprocal()
            stands = config.partition == "importance" and config.gate > 0
            moving = (share >= config.gate * u.shape[2]) if stands else torch.ones_like(share)
            self.hyperparams["learning_rate"].copy_(learning_rate * moving)
            self.climber.step(self.state.energy, list(slopes), self.hyperparams)
            self.losses[:, at] = loss

    def _penalty(self, leaves: list[Tensor], x: Tensor, truth: Tensor, u: Tensor) -> Tensor:
        """The penalty (R,) on the gradient of f: of its tilt on the data, or of D between."""
        config = self.config
        if config.around == "data":
            at = x.detach().requires_grad_()
            value = logits(config, leaves, at).gather(1, truth[:, None]).sum()
            (slope,) = torch.autograd.grad(value, at, create_graph=True)
            return config.penalty / 2 * slope.square().sum(1).mean(1)
        mix = np.stack([rng.random((1, x.shape[2]), dtype=np.float32) for rng in self.rngs])
        at = torch.lerp(x, u[:, :, : x.shape[2]], torch.from_numpy(mix)).requires_grad_()
        value = energy(config, leaves, self.base, at).sum()
        (slope,) = torch.autograd.grad(value, at, create_graph=True)
        length = (slope.square().sum(1) + 1e-12).sqrt()
        return config.penalty * (length - 1).square().mean(1)

    def drop(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        mask = alive.tolist()
        for name in ("alive", "rngs", "counts"):
            kept = [v for v, ok in zip(getattr(self, name), mask, strict=True) if ok]
            setattr(self, name, kept)
        self.base = self.base.map(lambda t: t[alive])
        self.state = State(
            [p.detach()[alive] for p in self.state.energy],
            [p.detach()[alive] for p in self.state.generator],
        )
        self.points, self.labels = self.points[alive], self.labels[alive]
        self.losses = self.losses[alive]
        for table in (self.hyperparams, self.pushes):
            table.update({name: value[alive] for name, value in table.items()})
        for part in (self.climber, self.pusher):
            part.keep(alive)


def _padded(values: Tensor, most: int) -> Tensor:
    return torch.nn.functional.pad(values, (0, most - values.shape[1]))


def contest(
    config: EnergyConfig,
    points: Sequence[Array],
    references: Sequence[Reference],
    rngs: Sequence[np.random.Generator],
    labels: Sequence[Array] | None = None,
    validation_fraction: float = 0.1,
) -> list[State | Exception]:
    """Train R energies against their generators.

    Arguments:
        config: What the replicas have in common.
        points: The points of each, (n_r, d).
        references: The reference of each.
        rngs: A generator of randomness for each, used by it alone.
        labels: The labels of each point, (n_r,); zeros, if there are none.
        validation_fraction: The share of the points that judge, and are not trained on.

    Returns:
        The parameters of each: those of the last round, unless an earlier one was clearly
        better on the held-out points, or the last one's weights are too heavy to tell. The start,
        which is the reference, is one of the earlier ones where log Z is estimated by importance.
        Or a :class:`Diverged` in their place.
    """
    check(config.energy, points[0].shape[1], config.classes)
    trained, judged = [], []
    for r, x in enumerate(points):
        u = references[r].whiten(torch.from_numpy(x.T.astype(np.float64))[None])[0].float()
        y = torch.zeros(len(x), dtype=torch.int64)
        if labels is not None:
            y = torch.from_numpy(np.asarray(labels[r], dtype=np.int64))
        turn = torch.from_numpy(rngs[r].permutation(len(x)))
        cut = round(validation_fraction * len(x))
        trained.append((u[:, turn[cut:]], y[turn[cut:]]))
        judged.append((u[:, turn[:cut]], y[turn[:cut]]))
    loop = EnergyTraining(
        config, [u for u, _ in trained], [y for _, y in trained], references, rngs
    )
    outcomes: list[State | Exception | None] = [None] * len(points)
    best = loop.starts(judged) if config.partition == "importance" and config.rounds > 1 else {}
    ends = np.linspace(0, config.steps, min(config.rounds, config.steps) + 1).round().astype(int)
    for first, last in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        for at in range(first, last):
            loop.step(at)
        finite = loop.losses[:, first:last].isfinite().all(1)
        for r in (~finite).nonzero().flatten().tolist():
            wrong = int((~loop.losses[r].isfinite()).nonzero()[0])
            outcomes[loop.alive[r]] = Diverged(wrong, float(loop.losses[r, wrong]))
        if not finite.all():
            loop.drop(finite)
        if not loop.alive:
            break
        for r, a in enumerate(loop.alive):
            state = loop.state.replica(r)
            outcomes[a] = state
            if config.rounds > 1 and judged[a][0].shape[1]:
                own = loop.base.map(lambda t, r=r: t[r : r + 1])
                score, doubt, share = judge(config, state, own, *judged[a], loop.rngs[r])
                heavy = share < HEAVY and config.partition == "importance"
                if last == config.steps:
                    # The last round has cooled down: it wins, unless one was clearly better.
                    beaten = a in best and (heavy or best[a][0] < score - doubt)
                    outcomes[a] = best[a][1] if beaten else state
                elif (a not in best or score < best[a][0]) and not heavy:
                    best[a] = score, state
    return [o if o is not None else Diverged(0, math.nan) for o in outcomes]


@torch.no_grad()
def judge(
    config: EnergyConfig,
    state: State,
    base: Reference,
    u: Tensor,
    y: Tensor,
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """Mean loss on held-out points of one replica, twice the error of its log Z, and the share."""
    _, weights = weigh(config, state, base, PAGE, rng)
    share = float(torch.softmax(weights, 0).square().sum().reciprocal()) / PAGE
    log_z = float(torch.logsumexp(weights, 0)) - math.log(PAGE)
    f = logits(config, state.energy, u[None])[0]
    here = f.gather(0, y[None])[0] + base.log_prob(u[None])[0]
    doubt = 2 * math.sqrt(max(1 / max(share, 1e-12) - 1, 0) / PAGE)
    score = log_z - float(here.mean())
    return (score, doubt, share) if math.isfinite(score) else (math.inf, 0.0, 0.0)


def check(network: Network, d: int, classes: int) -> None:
    """Refuse an energy that is not one function of one point: dropout, batch normalisation."""
    rng = np.random.default_rng(0)
    parameters = [p.float() for p in initial(network, (d,), classes, [rng])]
    x = torch.from_numpy(rng.standard_normal((1, 64, d), dtype=np.float32))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        whole = network.logits(parameters, x, (d,))
        again = network.logits(parameters, x, (d,))
        parts = [network.logits(parameters, part, (d,)) for part in (x[:, :32], 3 * x[:, 32:])]
        third = network.logits(parameters, torch.cat([x[:, :32], 3 * x[:, 32:]], 1), (d,))
    if not torch.equal(whole, again):
        raise ValueError(
            f"{network!r} is no energy: its values are random, as with dropout; inside the "
            "logarithm of a sum their noise is learnt"
        )
    if not torch.allclose(torch.cat(parts, 2), third, rtol=1e-4, atol=1e-4):
        raise ValueError(
            f"{network!r} is no energy: a point's value depends on the other points, as with "
            "batch normalisation"
        )
