"""What the distance from a firm's law to the one it faces promises a collective."""

from functools import lru_cache

import numpy as np

from bench.core.random_streams import stream
from bench.datasets.base import Dataset, TraceableLaw
from bench.theory.mixture import Mixture
from collectives.base import Strategy
from collectives.theory.pointwise import budget_bound, lead
from collectives.types import Array, MemberData, known


def certificate(dataset: Dataset, strategy: Strategy, size: float, epsilon: float) -> float:
    """The success of a planting that no firm can deny which is optimal for a law so near.

    Arguments:
        dataset: Data whose law is known.
        strategy: A strategy that plants the dataset's own signal.
        size: The collective's share.
        epsilon: The total variation from the law that the firm is optimal for to the mixture.
    """
    return budget_bound(leads(dataset, strategy, size), epsilon)


@lru_cache(maxsize=256)
def leads(dataset: Dataset, strategy: Strategy, size: float) -> Array:
    """By how much the target label leads at each person's signalled point, per person moved there.

    They are the people whom a split tests on, of the base law, (n,).
    """
    assert isinstance(dataset.law, TraceableLaw)
    split = dataset.split(stream(0, "data"))
    pooled = MemberData(split.x, split.y, split.classes)
    mixture = Mixture(dataset.law, strategy, size, pooled, len(split.train))
    moved = known(strategy.signal, "signal")(split.x[split.test])
    # All twins of a point are moved to the same one.
    twins = dataset.law.alternatives(moved)
    arriving = np.sum([dataset.law.joint(twin).sum(axis=1) for twin in twins], axis=0)
    ahead = lead(mixture.joint(moved), np.full(len(moved), known(strategy.label, "label")))
    return np.divide(ahead, arriving, out=np.zeros_like(ahead), where=arriving > 0)
