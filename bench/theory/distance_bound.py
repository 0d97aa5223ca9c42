"""Distance bound: success against a firm that is optimal for a law near the mixture."""

from functools import lru_cache

import numpy as np

from bench.core.random_streams import stream
from bench.datasets.base import Dataset, TraceableLaw
from bench.theory.mixture import Mixture
from collectives.planting import Planting
from collectives.theory.pointwise import budget_bound, lead
from collectives.types import Array, MemberData, require


def distance_bound(dataset: Dataset, strategy: Planting, size: float, epsilon: float) -> float:
    """Return the lower bound on planting success against a firm with a nearby law.

    The firm is Bayes-optimal for a law within total variation ``epsilon`` of the mixture.

    Arguments:
        dataset: A dataset with a known law.
        strategy: A strategy that plants the dataset's own signal.
        size: The collective's share of the people.
        epsilon: The total variation.
    """
    return budget_bound(relative_leads(dataset, strategy, size), epsilon)


@lru_cache(maxsize=256)
def relative_leads(dataset: Dataset, strategy: Planting, size: float) -> Array:
    """Return the lead of the target label at g(x), relative to the base mass moved there, (n,).

    The points x are the n test points of a split, drawn from the base law.

    Arguments:
        dataset: A dataset with a known law.
        strategy: A strategy that plants the dataset's own signal.
        size: The collective's share of the people.
    """
    assert isinstance(dataset.law, TraceableLaw)
    split = dataset.split(stream(0, "data"))
    pooled = MemberData(split.x, split.y, split.classes)
    mixture = Mixture(dataset.law, strategy, size, pooled, len(split.train))
    images = require(strategy.signal, "signal")(split.x[split.test])
    # All alternatives of a point have the same image.
    origins = dataset.law.alternatives(images)
    arriving = np.sum([dataset.law.joint(origin).sum(axis=1) for origin in origins], axis=0)
    leads = lead(mixture.joint(images), np.full(len(images), require(strategy.label, "label")))
    return np.divide(leads, arriving, out=np.zeros_like(leads), where=arriving > 0)
