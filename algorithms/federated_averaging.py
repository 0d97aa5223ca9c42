"""Training on the devices of clients, whose parameters a server combines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from algorithms._aggregation import AGGREGATIONS, krum_choice, total
from algorithms.base import Array
from algorithms.engine import (
    Batch,
    Gradient,
    GradientLearner,
    Hooks,
    Hyperparams,
    Outcome,
    Samples,
    TrainingState,
)
from algorithms.engine.data import epoch_order
from algorithms.engine.optimisers import OPTIMISERS

#: The hyper-parameters of the clients' optimiser.
OPTIMISER_FIELDS = ("learning_rate", "momentum", "weight_decay")


@dataclass(frozen=True)
class Rounds:
    """The rounds of R federated trainings, each of which is one step of the engine.

    Arguments:
        learner: The learner.
        owners: The client of each sample, (R, n).
        sizes: The number of samples of each client, larger ones first.
        chosen: For Krum, in how many rounds each sample's client was chosen, (n,), by the
            identity of the replica's generator.
    """

    learner: "FederatedAveraging"
    owners: Tensor
    sizes: list[int]
    chosen: dict[int, Array] = field(default_factory=dict)

    def step(self, state: TrainingState, batch: Batch) -> Gradient:
        """Return what the server's parameters change by in a round, and the clients' mean loss.

        Arguments:
            state: The servers' networks.
            batch: All samples of each replica, in the order of this round's first visits.
        """
        owners = state.replicas.state.setdefault("owners", self.owners.to(batch.index))
        replicas, n = batch.index.shape
        places, visits = batch.index.argsort(dim=1), []
        for epoch in range(self.learner.local_epochs):
            # The engine has drawn the order of the first visits.
            order = epoch_order(n, state.rngs, None).to(places) if epoch else batch.index
            by_client = owners.gather(1, order).argsort(dim=1, stable=True)
            visits.append(places.gather(1, order.gather(1, by_client)))
        trained: list[list[Tensor]] = []
        losses: list[Tensor] = []
        for first, count, size in _blocks(self.sizes):
            rows = [v[:, first : first + count * size].reshape(-1, size) for v in visits]
            parameters, loss = self.train(state, batch, rows, count)
            trained.append([p.unflatten(0, (replicas, count)) for p in parameters])
            losses += loss.view(replicas, count).unbind(1)
        clients = [torch.cat(blocks, 1) for blocks in zip(*trained, strict=True)]
        aggregate = AGGREGATIONS[self.learner.aggregation]
        server = aggregate(clients, self.sizes, self.learner.faulty)
        if self.learner.aggregation == "krum":
            choice = krum_choice(clients, self.learner.faulty)
            used = (owners == choice[:, None]).cpu().numpy()
            for rng, mask in zip(state.rngs, used, strict=True):
                self.chosen[id(rng)] = self.chosen.get(id(rng), 0) + mask.astype(np.float32)
        changes = [p - q for p, q in zip(state.parameters, server, strict=True)]
        return changes, total(losses) / len(losses)

    def train(
        self, state: TrainingState, batch: Batch, visits: Sequence[Tensor], count: int
    ) -> tuple[list[Tensor], Tensor]:
        """Train clients of equal size from the servers' parameters.

        Arguments:
            state: The servers' networks.
            batch: All samples of each replica.
            visits: For each local epoch, places in the batch by client, (R * count, m).
            count: The number of these clients of each replica.

        Returns:
            Parameters, each (R * count, ...), and the mean loss over the steps, (R * count,).
        """
        replicas, n = batch.index.shape
        parameters = [p.repeat_interleave(count, 0) for p in state.parameters]
        table = {
            name: state.replicas.hyperparams[f"local_{name}"].repeat_interleave(count, 0)
            for name in OPTIMISER_FIELDS
        }
        optimiser = OPTIMISERS[self.learner.optimiser](parameters, table)
        offset = (torch.arange(replicas) * n).repeat_interleave(count)[:, None].to(batch.index)
        losses = []
        for epoch in visits:
            for places in (epoch + offset).split(self.learner.batch_size, dim=1):
                x, labels, index = (
                    part.flatten(0, 1)[places] for part in (batch.x, batch.labels, batch.index)
                )
                gradients, loss = state.gradient(Batch(x, labels, index), parameters)
                optimiser.step(parameters, gradients, table)
                losses.append(loss)
        return parameters, total(losses) / len(losses)


def _blocks(sizes: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield blocks of clients of equal size: the first sample, the number of clients, the size.

    Example:
        >>> list(_blocks([3, 2, 2]))
        [(0, 1, 3), (3, 2, 2)]
    """
    first = 0
    for size in dict.fromkeys(sizes):
        yield first, sizes.count(size), size
        first += sizes.count(size) * size


@dataclass(frozen=True)
class FederatedAveraging(GradientLearner):
    r"""Federated averaging (FedAvg), with a choice of robust rules of aggregation.

    The rows belong to c clients, random blocks whose sizes differ by at most one. In each round
    every client k trains the server's network :math:`\theta` on its own rows, for a few epochs,
    to :math:`\theta_k`, and the server combines them:

    .. math:: \theta \gets \sum_{k=1}^c \frac{n_k}{n} \theta_k

    or, so that up to f clients may be faulty, the median or the trimmed mean of each coordinate,
    without its f smallest and f largest values; or by Krum the one :math:`\theta_k` whose squared
    distances to the c - f - 2 closest others have the smallest sum. Krum reports weights: the
    share of rounds in which a row's client was chosen.

    Members are spread over clients: all clients have some of a large collective, and no robust
    rule leaves it out. A collective with fewer members than clients is in a few of them; its
    effect is averaged in by the mean, and mostly left out by the other rules.

    References:
        | Communication-Efficient Learning of Deep Networks from Decentralized Data (McMahan et al., 2017)
        | https://arxiv.org/abs/1602.05629
        | Machine Learning with Adversaries: Byzantine Tolerant Gradient Descent (Blanchard et al., 2017)
        | https://papers.nips.cc/paper/6617-machine-learning-with-adversaries-byzantine-tolerant-gradient-descent
        | Byzantine-Robust Distributed Learning: Towards Optimal Statistical Rates (Yin et al., 2018)
        | https://arxiv.org/abs/1803.01498

    Arguments (and those of :class:`GradientLearner`):
        epochs: The largest number of rounds.
        batch_size: Samples in a step of a client.
        optimiser: The clients' optimiser, which begins anew in each round.
        clients: The number of clients c; a row each, if there are fewer rows.
        local_epochs: A client's passes over its rows in a round.
        aggregation: The rule by which the server combines the clients' parameters.
        faulty: The number f of clients that may be faulty, for "trimmed_mean" and "krum".

    Example:
        >>> from algorithms.base import TrainingSet
        >>> sample = TrainingSet(np.linspace(-1, 1, 40)[:, None], np.repeat([0, 1], 20))
        >>> learner = FederatedAveraging(clients=5, aggregation="median")
        >>> learner.fit(sample, np.random.default_rng(0)).predict(np.array([[-1.0], [1.0]]))
        array([0, 1])
    """  # noqa: E501 (a title)

    space: ClassVar = GradientLearner.space | {
        "aggregation": ["mean", "median", "trimmed_mean"],
        "local_epochs": [1, 5],
    }

    #: An estimate for the memory of a replica; the number of clients is a field.
    networks_per_replica: ClassVar[int] = 10

    batch_size: Annotated[int, Ge(1)] = 16
    clients: Annotated[int, Ge(1)] = 10
    local_epochs: Annotated[int, Ge(1)] = 5
    aggregation: Literal["mean", "median", "trimmed_mean", "krum"] = "mean"
    faulty: Annotated[int, Ge(0)] = 2

    def validate(self) -> None:
        """Check that there are enough clients for the rule of aggregation.

        Raises:
            ValueError: If there are not.
        """
        super().validate()
        self._check(self.clients)

    def _check(self, clients: int) -> None:
        """Refuse a number of clients that is too small for the rule of aggregation."""
        fewest = {"trimmed_mean": 2 * self.faulty + 1, "krum": 2 * self.faulty + 3}
        need = fewest.get(self.aggregation, 1)
        if clients < need:
            raise ValueError(
                f"aggregation={self.aggregation!r} with faulty={self.faulty} needs {need} clients "
                f"or more, and there are {clients}: use more clients, or a smaller faulty"
            )

    def hooks(self, samples: Samples) -> Hooks:
        """Return no hooks; :meth:`replicas` adds the rounds."""
        return Hooks()

    def replicas(
        self, samples: Samples, rngs: Sequence[np.random.Generator], hyperparams: Hyperparams
    ) -> list[Outcome]:
        """Assign the rows to clients, and train in rounds."""
        n = len(samples[0])
        clients = min(self.clients, n)
        self._check(clients)
        owners = np.stack([rng.permutation(np.arange(n) % clients) for rng in rngs])
        sizes = [n // clients + (k < n % clients) for k in range(clients)]
        rounds = Rounds(self, torch.from_numpy(owners), sizes)
        # A round is a step of length one along the server's change.
        server = replace(self, batch_size=n, optimiser="sgd")
        ones, zeros = [1.0] * len(samples), [0.0] * len(samples)
        table = hyperparams | {f"local_{name}": hyperparams[name] for name in OPTIMISER_FIELDS}
        table |= {"learning_rate": ones, "momentum": zeros, "weight_decay": zeros}
        outcomes = server.descend(samples, rngs, table, Hooks(gradient_step=rounds.step))
        for r, outcome in enumerate(outcomes):
            if id(rngs[r]) in rounds.chosen and not isinstance(outcome, Exception):
                counts = rounds.chosen[id(rngs[r])]
                outcomes[r] = replace(outcome, weights=counts / len(outcome.losses))
        return outcomes
