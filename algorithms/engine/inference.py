"""What trained networks say of points."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array
from algorithms.networks import Network

#: How many points networks are asked about at a time.
ROWS = 1024


def _by_rows(parameters: list[Tensor], x: Array) -> Iterator[Tensor]:
    """Points (m, ...) as rows for each of S networks, (S, r, d), so many at a time."""
    flat = torch.from_numpy(np.ascontiguousarray(x, np.float32).reshape(len(x), -1))
    for part in flat.split(ROWS):
        yield part.to(parameters[0]).expand(len(parameters[0]), -1, -1)


@torch.no_grad()
def probabilities(network: Network, parameters: list[Tensor], x: Array) -> Array:
    """Class probabilities (m, K) of points (m, ...): the average over S networks, (S, ...)."""
    parts = [
        torch.softmax(network.logits(parameters, part, x.shape[1:]), 1).mean(0).T
        for part in _by_rows(parameters, x)
    ]
    return torch.cat(parts).cpu().numpy()


@torch.no_grad()
def features(network: Network, parameters: list[Tensor], x: Array) -> Array:
    """What the last layer of one network sees of points (m, ...), (m, F)."""
    parts = [
        network.features(parameters, part, x.shape[1:])[0].T for part in _by_rows(parameters, x)
    ]
    return torch.cat(parts).cpu().numpy()


class BatchedPredictor:
    """Networks that are asked about the same points one after another, and answer together.

    So are the replicas of one seed, and the stages of one training. Whoever is asked first about
    some points answers alone; when a second one is, all others answer with it, and what they said
    is remembered for them, as long as there are few numbers to remember.

    Arguments:
        network: Their architecture.
        voices: The parameters of each, (1, ...).
    """

    #: Of how many points' sets, and of how many numbers each, the answers are remembered.
    sets, most = 4, 2**20

    def __init__(self, network: Network, voices: Sequence[list[Tensor]]) -> None:
        self.network = network
        self.parameters = [torch.cat(parts) for parts in zip(*voices, strict=True)]
        self._heard: list[tuple[Array, dict[int, Array]]] = []

    def predict(self, voice: int, x: Array) -> Array:
        """The label that one of them gives to each point (m, ...), (m,)."""
        return self.probabilities(voice, x).argmax(1)

    def probabilities(self, voice: int, x: Array) -> Array:
        """How likely one of them says that each label is at each point (m, ...), (m, K)."""
        voices = range(len(self.parameters[0]))
        if len(voices) == 1 or x.size > self.most:
            return self._told([voice], x)[0]
        again = [i for i, (points, _) in enumerate(self._heard) if np.array_equal(points, x)]
        points, told = self._heard.pop(again[0]) if again else (x.copy(), {})
        if voice not in told:
            asked = [v for v in voices if v not in told] if told else [voice]
            told |= dict(zip(asked, self._told(asked, x), strict=True))
        self._heard = [*self._heard, (points, told)][-self.sets :]
        return told[voice].copy()

    @torch.no_grad()
    def _told(self, voices: list[int], x: Array) -> Array:
        """What some of them say, (V, m, K)."""
        own = [p[voices] for p in self.parameters]
        parts = [
            torch.softmax(self.network.logits(own, part, x.shape[1:]), 1).transpose(1, 2)
            for part in _by_rows(own, x)
        ]
        return torch.cat(parts, 1).cpu().numpy()
