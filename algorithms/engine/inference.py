"""Predictions and features of trained networks."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array
from algorithms.engine.data import StackedScaler
from algorithms.networks import Network
from algorithms.scaling import Scaler

#: The number of points in a batch.
ROWS = 1024


def _batches(
    parameters: list[Tensor], x: Array, scalers: Sequence[Scaler | None] = ()
) -> Iterator[Tensor]:
    """Yield points (m, ...) as rows for each of S networks, (S, r, d), a batch at a time.

    Arguments:
        parameters: The parameters of the networks, each (S, ...).
        x: Points, (m, ...).
        scalers: The scaler of each network, or one for all, if points are scaled.

    Raises:
        ValueError: If values are not finite, for which all logits of a network are NaN.
    """
    flat = torch.from_numpy(np.ascontiguousarray(x, np.float32).reshape(len(x), -1))
    finite = flat.isfinite().all(1)
    if not finite.all():
        raise ValueError(
            f"{int((~finite).sum())} of {len(flat)} points have values that are NaN or infinite "
            f"in single precision, the first one at position {int(finite.int().argmin())}; "
            "a network has predictions for finite values only: replace these values"
        )
    scaler = StackedScaler(scalers, parameters[0].device, parameters[0].dtype)
    for part in flat.split(ROWS):
        yield scaler.scale(part.to(parameters[0]).expand(len(parameters[0]), -1, -1))


@torch.no_grad()
def probabilities(
    network: Network, parameters: list[Tensor], x: Array, scaler: Scaler | None = None
) -> Array:
    """Return the class probabilities of points, averaged over S networks.

    Arguments:
        network: The architecture.
        parameters: The parameters of the networks, each (S, ...).
        x: Points, (m, ...).
        scaler: The scaler of the points, if the networks take scaled points.

    Returns:
        Probabilities, (m, K).
    """
    parts = [
        torch.softmax(network.logits(parameters, part, x.shape[1:]), 1).mean(0).T
        for part in _batches(parameters, x, [scaler])
    ]
    return torch.cat(parts).cpu().numpy()


@torch.no_grad()
def features(network: Network, parameters: list[Tensor], x: Array) -> Array:
    """Return the inputs of the last layer of one network.

    Arguments:
        network: The architecture.
        parameters: The parameters of the network, each (1, ...).
        x: Points, (m, ...).

    Returns:
        Features, (m, F).
    """
    parts = [
        network.features(parameters, part, x.shape[1:])[0].T for part in _batches(parameters, x)
    ]
    return torch.cat(parts).cpu().numpy()


class BatchedPredictor:
    """Predictions of several networks of one architecture, evaluated as one batch and cached.

    The replicas of one seed, and the epochs of one training, are evaluated at the same points one
    after another. The first query at some points is evaluated for one network; a second one at
    the same points is evaluated for all of them. Results for few points are cached.

    Arguments:
        network: The architecture.
        networks: The parameters of each network, each (1, ...).
        scalers: The scaler of each network, or None for a network of points as they are.
    """

    #: The number of point sets in the cache, and the largest number of values in each.
    sets, most = 4, 2**20

    def __init__(
        self,
        network: Network,
        networks: Sequence[list[Tensor]],
        scalers: Sequence[Scaler | None],
    ) -> None:
        self.network, self.scalers = network, scalers
        self.parameters = [torch.cat(parts) for parts in zip(*networks, strict=True)]
        self._cache: list[tuple[Array, dict[int, Array]]] = []

    def predict(self, position: int, x: Array) -> Array:
        """Return the labels (m,) of points (m, ...) by the network at a position."""
        return self.probabilities(position, x).argmax(1)

    def probabilities(self, position: int, x: Array) -> Array:
        """Return the probabilities (m, K) of points (m, ...) by the network at a position."""
        positions = range(len(self.parameters[0]))
        if len(positions) == 1 or x.size > self.most:
            return self._evaluate([position], x)[0]
        hits = [i for i, (points, _) in enumerate(self._cache) if np.array_equal(points, x)]
        points, results = self._cache.pop(hits[0]) if hits else (x.copy(), {})
        if position not in results:
            missing = [p for p in positions if p not in results] if results else [position]
            results |= dict(zip(missing, self._evaluate(missing, x), strict=True))
        self._cache = [*self._cache, (points, results)][-self.sets :]
        return results[position].copy()

    @torch.no_grad()
    def _evaluate(self, positions: list[int], x: Array) -> Array:
        """Return the probabilities by some of the networks, (len(positions), m, K)."""
        parameters = [p[positions] for p in self.parameters]
        parts = [
            torch.softmax(self.network.logits(parameters, part, x.shape[1:]), 1).transpose(1, 2)
            for part in _batches(parameters, x, [self.scalers[p] for p in positions])
        ]
        return torch.cat(parts, 1).cpu().numpy()
