r"""The training that energy models share: an energy against a generator of known density.

In the coordinates u of the reference, :math:`D(u, y) = \log p_0(u) + f(u)_y` and
:math:`D(u) = \log \sum_y e^{D(u, y)}`. A step draws data, and proposals of the generator with
their density q, and descends on

.. math::
    L_D = -\tfrac1b \sum_i D(x_i, y_i) + \log \tfrac1m \sum_j e^{D(x_j) - \log q(x_j)}
        + \tfrac\lambda2 \, \overline{\lVert \nabla f \rVert^2}, \qquad
    L_G = \tfrac1b \sum_j \eta \log q(x_j) - D(x_j),

with the entropy's weight :math:`\eta`. R replicas, which differ in their points and their
generators of randomness only, are stacked. Each replica learns, to the bit, the parameters that
it would learn alone.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array
from algorithms.density._energy_state import (
    CHUNK,
    EnergyConfig,
    EnergyState,
    draw_proposals,
    log_energy,
    logits,
    push_noise,
)
from algorithms.density._on_device import to_device
from algorithms.density._reference import Reference, stack_references
from algorithms.engine.loop import Diverged, initial
from algorithms.engine.optimisers import Adam
from algorithms.networks import Network

#: Estimates of log Z from a smaller effective share of the proposals are not used.
MIN_EFFECTIVE = 0.05


class Validation(NamedTuple):
    """The validation loss, two standard errors of its log Z, and the effective share."""

    loss: float
    error: float
    effective: float


class EnergyTraining:
    """Training of R energies, each against its own generator.

    Arguments:
        config: The hyper-parameters, which all replicas share.
        points: The whitened training points of each replica, (d, n_r).
        labels: The labels of these points, (n_r,).
        references: The reference of each replica.
        rngs: The generator of randomness of each replica.
        classes: The number of labels K.
    """

    def __init__(
        self,
        config: EnergyConfig,
        points: Sequence[Tensor],
        labels: Sequence[Tensor],
        references: Sequence[Reference],
        rngs: Sequence[np.random.Generator],
        classes: int = 1,
    ) -> None:
        self.config, self.rngs = config, list(rngs)
        self.reference = stack_references(references, torch.float32)
        d, replicas = points[0].shape[0], len(rngs)
        # With f = 0 the energy is the reference, at which the generator starts, too.
        start = initial(config.energy, (d,), classes, rngs)
        start[-2:] = [torch.zeros_like(p) for p in start[-2:]]
        self.state = EnergyState(
            [to_device(p.float().contiguous()) for p in start],
            [to_device(p) for p in config.generator.parameters(d, rngs)]
            if config.generator
            else [],
        )
        self.counts = [p.shape[1] for p in points]
        most = max(self.counts)
        self.points = torch.stack([_pad(p, most) for p in points])
        self.labels = torch.stack([_pad(y[None], most)[0] for y in labels])
        self.energy_hyperparams = {
            "learning_rate": self.points.new_full((replicas, 1), config.learning_rate),
            "weight_decay": self.points.new_full((replicas, 1), config.weight_decay),
        }
        self.generator_hyperparams = {
            "learning_rate": self.points.new_zeros(replicas, 1),
            "weight_decay": self.points.new_zeros(replicas, 1),
        }
        self.energy_optimiser = Adam(self.state.energy, self.energy_hyperparams)
        self.generator_optimiser = Adam(self.state.generator, self.generator_hyperparams)
        #: The replica's number at each place of the stack.
        self.alive = list(range(replicas))
        self.losses = self.points.new_zeros(replicas, config.steps)

    def initial_losses(
        self, validation: Sequence[tuple[Tensor, Tensor]]
    ) -> dict[int, tuple[float, EnergyState]]:
        """Return each replica's validation loss and parameters at the start, by its number.

        Arguments:
            validation: Held-out points (d, n) of each replica, and their labels. A replica
                without held-out points is left out of the result.
        """
        losses = {}
        for r, (u, _) in enumerate(validation):
            if u.shape[1]:
                log_prob = self.reference.replica(r).log_prob(u[None])
                # All labels are equally likely at the start, so that Z is their number.
                loss = math.log(self.state.classes) - float(log_prob.mean())
                losses[r] = loss, self.state.replica(r)
        return losses

    def step(self, at: int) -> None:
        """Take one step of all generators and energies."""
        config = self.config
        index = to_device(
            np.stack(
                [
                    rng.integers(n, size=config.batch_size)
                    for rng, n in zip(self.rngs, self.counts, strict=True)
                ]
            )
        )
        x = self.points.gather(2, index[:, None].expand(-1, self.points.shape[1], -1))
        y = self.labels.gather(1, index)
        noise = self.reference.sample(config.proposals, self.rngs)
        decay = (1 + math.cos(math.pi * at / config.steps)) / 2
        u, log_q = self._step_generator(noise, config.generator_rate * decay)
        self._step_energy(at, x, y, u, log_q, config.learning_rate * decay)

    def _step_generator(self, noise: Tensor, learning_rate: float) -> tuple[Tensor, Tensor]:
        """Update the generators; return the proposals that they made before, and log q."""
        config = self.config
        if config.generator is None:
            return push_noise(None, [], self.reference, noise)
        # The loss is computed on as many proposals as points; the others need no gradient.
        batch, rest = noise[:, :, : config.batch_size], noise[:, :, config.batch_size :]
        leaves = [p.requires_grad_() for p in self.state.generator]
        u, log_q = push_noise(config.generator, leaves, self.reference, batch)
        energies = log_energy(config.energy, self.state.energy, self.reference, u)
        loss = config.entropy * log_q - energies
        gradients = torch.autograd.grad(loss.mean(1).sum(), leaves)
        u, log_q = u.detach(), log_q.detach()
        with torch.no_grad():
            if rest.shape[2]:
                more = push_noise(config.generator, leaves, self.reference, rest)
                u, log_q = torch.cat([u, more[0]], 2), torch.cat([log_q, more[1]], 1)
            hyperparams = self.generator_hyperparams
            hyperparams["learning_rate"].fill_(learning_rate)
            self.generator_optimiser.step(self.state.generator, list(gradients), hyperparams)
        return u, log_q

    def _step_energy(
        self, at: int, x: Tensor, y: Tensor, u: Tensor, log_q: Tensor, learning_rate: float
    ) -> None:
        """Update the energies.

        Arguments:
            at: The number of the step.
            x: Points, (R, d, b).
            y: Labels of these points, (R, b).
            u: Proposals, (R, d, m).
            log_q: Log-density of the proposals, (R, m).
            learning_rate: The learning rate of this step.
        """
        config = self.config
        leaves = [p.requires_grad_() for p in self.state.energy]
        f = logits(config.energy, leaves, x)
        on_data = f.gather(1, y[:, None])[:, 0] + self.reference.log_prob(x)
        on_proposals = log_energy(config.energy, leaves, self.reference, u)
        weights = (on_proposals - log_q).detach()
        if config.partition == "importance":
            log_z = torch.logsumexp(on_proposals - log_q, 1) - math.log(u.shape[2])
        else:
            log_z = on_proposals.mean(1)
        loss = log_z - on_data.mean(1)
        total = loss + self._penalty(leaves, x, y, u) if config.penalty else loss
        gradients = torch.autograd.grad(total.sum(), leaves)
        with torch.no_grad():
            effective = torch.softmax(weights, 1).square().sum(1, keepdim=True).reciprocal()
            gated = config.partition == "importance" and config.gate > 0
            updated = (
                effective >= config.gate * u.shape[2] if gated else torch.ones_like(effective)
            )
            hyperparams = self.energy_hyperparams
            hyperparams["learning_rate"].copy_(learning_rate * updated)
            self.energy_optimiser.step(self.state.energy, list(gradients), hyperparams)
            self.losses[:, at] = loss

    def _penalty(self, leaves: list[Tensor], x: Tensor, y: Tensor, u: Tensor) -> Tensor:
        """Return the penalty (R,) on the gradient: of f on data, or of D between."""
        config = self.config
        if config.penalised == "data":
            at = x.detach().requires_grad_()
            value = logits(config.energy, leaves, at).gather(1, y[:, None]).sum()
            (gradient,) = torch.autograd.grad(value, at, create_graph=True)
            return config.penalty / 2 * gradient.square().sum(1).mean(1)
        mix = np.stack([rng.random((1, x.shape[2]), dtype=np.float32) for rng in self.rngs])
        at = torch.lerp(x, u[:, :, : x.shape[2]], to_device(mix)).requires_grad_()
        value = log_energy(config.energy, leaves, self.reference, at).sum()
        (gradient,) = torch.autograd.grad(value, at, create_graph=True)
        length = (gradient.square().sum(1) + 1e-12).sqrt()
        return config.penalty * (length - 1).square().mean(1)

    def drop_diverged(self, first: int, last: int) -> dict[int, Diverged]:
        """Drop replicas with a loss that is not finite; return their errors by their numbers.

        Arguments:
            first: The first step to look at.
            last: The step after the last one to look at.
        """
        finite = self.losses[:, first:last].isfinite().all(1)
        errors = {}
        for r in (~finite).nonzero().flatten().tolist():
            step = int((~self.losses[r].isfinite()).nonzero()[0])
            errors[self.alive[r]] = Diverged(step, float(self.losses[r, step]))
        if errors:
            self._keep(finite)
        return errors

    def _keep(self, mask: Tensor) -> None:
        """Keep the replicas of a mask (R,), drop the others."""
        for name in ("alive", "rngs", "counts"):
            values = zip(getattr(self, name), mask.tolist(), strict=True)
            setattr(self, name, [value for value, ok in values if ok])
        self.reference = self.reference.apply(lambda t: t[mask])
        self.state = EnergyState(
            [p.detach()[mask] for p in self.state.energy],
            [p.detach()[mask] for p in self.state.generator],
        )
        self.points, self.labels = self.points[mask], self.labels[mask]
        self.losses = self.losses[mask]
        for table in (self.energy_hyperparams, self.generator_hyperparams):
            table.update({name: value[mask] for name, value in table.items()})
        for optimiser in (self.energy_optimiser, self.generator_optimiser):
            optimiser.keep(mask)


def _pad(values: Tensor, most: int) -> Tensor:
    return torch.nn.functional.pad(values, (0, most - values.shape[1]))


def train_energies(
    config: EnergyConfig,
    points: Sequence[Array],
    references: Sequence[Reference],
    rngs: Sequence[np.random.Generator],
    labels: Sequence[Array] | None = None,
    classes: int = 1,
) -> list[EnergyState | Exception]:
    """Train R energies, each against its own generator.

    Arguments:
        config: The hyper-parameters, which all replicas share.
        points: The points of each replica, (n_r, d).
        references: The reference of each replica.
        rngs: The generator of randomness of each replica.
        labels: The labels of each replica's points, (n_r,); zeros, if None.
        classes: The number of labels K.

    Returns:
        The parameters of each replica, or :class:`Diverged`. The last round's parameters are
        returned, unless an earlier round was clearly better on the held-out points, or the last
        round's weights are too heavy for a comparison. The start, which is the reference,
        counts as an earlier round where log Z is estimated by importance sampling.
    """
    check_pointwise(config.energy, points[0].shape[1], classes)
    training, validation = [], []
    for r, x in enumerate(points):
        u = references[r].whiten(to_device(x.T.astype(np.float64))[None])[0].float()
        y = torch.zeros(len(x), dtype=torch.int64, device=u.device)
        if labels is not None:
            y = to_device(np.asarray(labels[r], dtype=np.int64))
        order = to_device(rngs[r].permutation(len(x)))
        cut = round(config.validation_fraction * len(x))
        training.append((u[:, order[cut:]], y[order[cut:]]))
        validation.append((u[:, order[:cut]], y[order[:cut]]))
    stack = EnergyTraining(
        config, [u for u, _ in training], [y for _, y in training], references, rngs, classes
    )
    outcomes: dict[int, EnergyState | Exception] = {}
    validated = config.rounds > 1
    starts = validated and config.partition == "importance"
    best = stack.initial_losses(validation) if starts else {}
    ends = np.linspace(0, config.steps, min(config.rounds, config.steps) + 1).round().astype(int)
    for first, last in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        for at in range(first, last):
            stack.step(at)
        outcomes |= stack.drop_diverged(first, last)
        for r, number in enumerate(stack.alive):
            state, (u, y) = stack.state.replica(r), validation[number]
            outcomes[number] = state
            if not (validated and u.shape[1]):
                continue
            reference = stack.reference.replica(r)
            score = validate_state(config, state, reference, u, y, stack.rngs[r])
            heavy = score.effective < MIN_EFFECTIVE and config.partition == "importance"
            if last == config.steps:
                # Its learning rate has fallen to zero: noise alone should not decide against it.
                earlier = best.get(number)
                if earlier and (heavy or earlier[0] < score.loss - score.error):
                    outcomes[number] = earlier[1]
            elif (number not in best or score.loss < best[number][0]) and not heavy:
                best[number] = score.loss, state
        if not stack.alive:
            break
    return [outcomes[number] for number in range(len(points))]


@torch.no_grad()
def validate_state(
    config: EnergyConfig,
    state: EnergyState,
    reference: Reference,
    u: Tensor,
    y: Tensor,
    rng: np.random.Generator,
) -> Validation:
    """Estimate the loss of one replica on held-out points.

    Arguments:
        config: The hyper-parameters.
        state: The parameters of the replica.
        reference: The reference of the replica.
        u: Whitened coordinates of held-out points, (d, n).
        y: Labels of held-out points, (n,).
        rng: The generator of randomness, for the proposals that log Z is estimated from.
    """
    network = config.energy
    _, weights = draw_proposals(network, config.generator, state, reference, CHUNK, rng)
    effective = float(torch.softmax(weights, 0).square().sum().reciprocal()) / CHUNK
    log_z = float(torch.logsumexp(weights, 0)) - math.log(CHUNK)
    f = logits(network, state.energy, u[None])[0]
    on_data = f.gather(0, y[None])[0] + reference.log_prob(u[None])[0]
    error = 2 * math.sqrt(max(1 / max(effective, 1e-12) - 1, 0) / CHUNK)
    loss = log_z - float(on_data.mean())
    return (
        Validation(loss, error, effective) if math.isfinite(loss) else Validation(math.inf, 0, 0)
    )


def check_pointwise(network: Network, d: int, classes: int) -> None:
    """Check that a network is a function of one point, without dropout or batch normalisation.

    Arguments:
        network: The network.
        d: The number of coordinates.
        classes: The number of outputs.

    Raises:
        ValueError: If its values are random or depend on other points.
    """
    rng = np.random.default_rng(0)
    parameters = [p.float() for p in initial(network, (d,), classes, [rng])]
    x = torch.from_numpy(rng.standard_normal((1, 64, d), dtype=np.float32))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        once = network.logits(parameters, x, (d,))
        again = network.logits(parameters, x, (d,))
        halves = x[:, :32], 3 * x[:, 32:]
        apart = [network.logits(parameters, half, (d,)) for half in halves]
        together = network.logits(parameters, torch.cat(halves, 1), (d,))
    if not torch.equal(once, again):
        raise ValueError(
            f"{network!r} cannot be an energy: its values are random, as with dropout, and the "
            "energy would learn this noise. Use a network without dropout, such as SmoothMLP()"
        )
    if not torch.allclose(torch.cat(apart, 2), together, rtol=1e-4, atol=1e-4):
        raise ValueError(
            f"{network!r} cannot be an energy: the value of a point depends on the other points, "
            "as with batch normalisation. Use a network without it, such as SmoothMLP()"
        )
