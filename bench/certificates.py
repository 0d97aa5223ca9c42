"""What the distance from a firm's law to the one it faces promises a collective."""

from functools import lru_cache

import numpy as np

from bench.datasets.base import TraceableLaw
from bench.mixture import Mixture
from bench.specs import parse
from bench.streams import stream
from collectives.base import Array, Pooled
from collectives.leads import lead, withstood


def certificate(dataset: str, strategy: str, size: float, epsilon: float) -> float:
    """The success of a planting that no firm can deny which is optimal for a law so near.

    Arguments:
        dataset: The spec of data whose law is known.
        strategy: The spec of a strategy that plants the dataset's own signal.
        size: The collective's share.
        epsilon: The total variation from the law that the firm is optimal for to the mixture.
    """
    return withstood(leads(dataset, strategy, size), epsilon)


@lru_cache(maxsize=256)
def leads(dataset: str, strategy: str, size: float) -> Array:
    """By how much the target label leads at each person's signalled point, per person moved there.

    They are the people whom a split tests on, of the base law, (n,).
    """
    data, plan = parse(dataset, "datasets"), parse(strategy, "strategies")
    assert isinstance(data.law, TraceableLaw)
    split = data.split(stream(0, "data"))
    pooled = Pooled(split.x, split.y, split.classes)
    mixture = Mixture(data.law, plan, size, pooled, len(split.train))
    moved = plan.signal(split.x[split.test])
    # All twins of a point are moved to the same one.
    twins = data.law.alternatives(moved)
    arriving = np.sum([data.law.joint(twin).sum(axis=1) for twin in twins], axis=0)
    ahead = lead(mixture.joint(moved), np.full(len(moved), plan.label))
    return np.divide(ahead, arriving, out=np.zeros_like(ahead), where=arriving > 0)
