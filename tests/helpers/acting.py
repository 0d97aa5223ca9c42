"""Random coins with random labels, and what a strategy makes of them."""

import numpy as np

from collectives.base import Strategy
from collectives.planting import FeatureLabel
from collectives.signals.tabular import SetFeature
from collectives.types import Array, MemberData

BIT = SetFeature(column=-1, value=1.0)
PLANT = FeatureLabel(BIT, 1)


def drawn(seed: int = 0, rows: int = 200, coins: int = 3, classes: int = 3) -> tuple[Array, Array]:
    """Draw random coins with random labels: few points, many rows on each."""
    rng = np.random.default_rng(seed)
    x = rng.integers(2, size=(rows, coins)).astype(np.float32)
    return x, rng.integers(classes, size=rows)


def act(
    strategy: Strategy,
    x: Array,
    y: Array,
    pooled: MemberData | None = None,
    n: int = 999,
    classes: int = 3,
) -> tuple[Array, Array]:
    """Return the points and the labels that members hand in, of n people in all."""
    pooled = pooled or MemberData(x, y, classes)
    return strategy.act(x, y, pooled=pooled, n=n, rng=np.random.default_rng(0))
