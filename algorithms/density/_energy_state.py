"""The configuration and the state of energy models, and the proposals of their generators."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval, MinLen
from torch import Tensor

from algorithms.density._reference import Reference
from algorithms.density.energies import SmoothMLP
from algorithms.density.generators import InjectiveMap
from algorithms.networks import Network

#: Proposals of each forward pass where no gradient is kept.
CHUNK = 4096
Share = Annotated[float, Interval(ge=0, lt=1)]


@dataclass(frozen=True)
class EnergyConfig:
    """Hyper-parameters of an energy model and of its training.

    Arguments:
        energy: The network f; a function of one point, without dropout or batch normalisation.
        components: The number of normal distributions in the reference; of several numbers, the
            one with the largest likelihood on held-out points is chosen.
        shrinkage: The shrinkage of the reference's covariances towards multiples of the identity.
        steps: The number of training steps.
        batch_size: The number of points in a step, of the data and for the generator.
        proposals: The number of proposals in a step, for log Z; at least ``batch_size``.
        learning_rate: The learning rate of the energy (Adam), which falls to zero as a cosine.
        weight_decay: Weight decay of the energy, added to the gradient.
        penalty: The weight of a penalty on the gradient of f, in whitened coordinates.
        gate: The energy is not updated while the effective share of the proposals is below this
            value, since it would learn their noise.
        validation_fraction: The share of the points that is held out for validation.
        rounds: The number of validations. An earlier round's parameters are kept if they are
            clearly better than the last one's.
        final: The number of proposals for the final estimate of log Z.
    """

    energy: Network = SmoothMLP()  # noqa: RUF009 (frozen)
    components: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = (1,)
    shrinkage: Annotated[float, Interval(ge=0, le=1)] = 0.0
    steps: Annotated[int, Ge(1)] = 3000
    batch_size: Annotated[int, Ge(1)] = 256
    proposals: Annotated[int, Ge(1)] = 512
    learning_rate: Annotated[float, Gt(0)] = 3e-3
    weight_decay: Annotated[float, Ge(0)] = 0.0
    penalty: Annotated[float, Ge(0)] = 0.0
    gate: Share = 0.05
    validation_fraction: Share = 0.1
    rounds: Annotated[int, Ge(1)] = 10
    final: Annotated[int, Ge(2)] = 2**15

    #: How log Z enters the energy's loss: by importance sampling, or as the mean of D, as in WGAN.
    partition: ClassVar[Literal["importance", "critic"]] = "importance"
    #: The weight of the entropy in the generator's loss.
    entropy: ClassVar[float] = 1.0
    #: The penalty wants a zero gradient of f on data, or one of length one between data and
    #: proposals.
    penalised: ClassVar[Literal["data", "between"]] = "data"

    @property
    def generator(self) -> InjectiveMap | None:
        """The generator of proposals; None where the reference makes them."""
        return None

    @property
    def generator_rate(self) -> float:
        """The learning rate of the generator (Adam), which falls to zero as a cosine."""
        return 0.0


@dataclass
class EnergyState:
    """Parameters (R, ...) of energies and generators."""

    energy: list[Tensor]
    generator: list[Tensor]

    @property
    def classes(self) -> int:
        """The number of outputs of the energy: its last parameter is their bias."""
        return self.energy[-1].shape[1]

    def replica(self, r: int) -> "EnergyState":
        """Return a copy of one replica's parameters."""
        return EnergyState(
            [p[r : r + 1].detach().clone() for p in self.energy],
            [p[r : r + 1].detach().clone() for p in self.generator],
        )


def logits(network: Network, parameters: list[Tensor], u: Tensor) -> Tensor:
    """Return the network's values f (R, K, B).

    Arguments:
        network: The network f.
        parameters: The network's parameters, each (R, ...).
        u: Whitened coordinates, (R, d, B).
    """
    return network.logits(parameters, u.transpose(1, 2), (u.shape[1],))


def log_energy(
    network: Network, parameters: list[Tensor], reference: Reference, u: Tensor
) -> Tensor:
    """Return D (R, B) at coordinates u, summed over labels.

    Arguments:
        network: The network f.
        parameters: The network's parameters, each (R, ...).
        reference: The reference :math:`p_0` of each replica.
        u: Whitened coordinates, (R, d, B).
    """
    f = logits(network, parameters, u)
    total = f[:, 0] if f.shape[1] == 1 else torch.logsumexp(f, 1)
    return reference.log_prob(u) + total


def push_noise(
    generator: InjectiveMap | None, parameters: list[Tensor], reference: Reference, noise: Tensor
) -> tuple[Tensor, Tensor]:
    """Return proposals u (R, d, B) and their log-density (R, B).

    Arguments:
        generator: The generator; without one, the noise is the proposal.
        parameters: The generator's parameters, each (R, ...).
        reference: The reference of each replica, which the noise was drawn from.
        noise: The noise, (R, d, B).
    """
    log_density = reference.log_prob(noise)
    if generator is None:
        return noise, log_density
    u, log_det = generator.push(parameters, noise)
    return u, log_density - log_det


@torch.no_grad()
def draw_proposals(
    network: Network,
    generator: InjectiveMap | None,
    state: EnergyState,
    reference: Reference,
    n: int,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Draw n proposals u (d, n) for one replica, and return their log-weights (n,) too.

    Arguments:
        network: The network f.
        generator: The generator; without one, proposals come from the reference.
        state: The parameters of one replica.
        reference: The reference of that replica.
        n: The number of proposals.
        rng: The generator of randomness.
    """
    points, weights = [], []
    for start in range(0, n, CHUNK):
        noise = reference.sample(min(CHUNK, n - start), [rng]).to(reference.mean.dtype)
        u, log_q = push_noise(generator, state.generator, reference, noise)
        points.append(u[0])
        weights.append((log_energy(network, state.energy, reference, u) - log_q)[0])
    return torch.cat(points, 1), torch.cat(weights)
