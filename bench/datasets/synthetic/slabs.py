"""One simple feature and several complex ones, each of them sufficient."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Interval, Lt

from bench.datasets.base import Array, Dataset, Split, split_rows
from collectives.signals.base import Signal
from collectives.signals.tabular import SetFeature

#: Probabilities of slabs 0, +-1, +-2, +-3 under labels 0 and 1, for each number of slabs.
PROBABILITIES = {
    3: ((1.0, 0.0), (0.0, 1.0)),
    5: ((0.75, 0.0, 0.25), (0.0, 1.0, 0.0)),
    7: ((0.5, 0.0, 0.5, 0.0), (0.0, 0.875, 0.0, 0.125)),
}


@dataclass(frozen=True)
class Slabs(Dataset):
    r"""A linearly separable coordinate, and coordinates that need several cuts each.

    Labels are fair coins. Given its label a point's coordinates are independent. With u uniform
    on [0, 1], a fair sign s = ±1, the width B and the margin m,

    .. math::
        x_1 = (2y - 1)(m + (B - m) u), \qquad
        x_j = s t (w + 2m) + w \big(u - \tfrac12\big), \quad w = \frac{2B - 2(k - 1)m}{k}

    for j > 1: k slabs of width w, 2m apart, with alternating labels from 0 in the middle;
    :math:`t \in \{0, \dots, (k - 1) / 2\}` is even for label 0 and odd for label 1. Five slabs
    have t = 0 with chance 3/4; seven have t = 0 with chance 1/2, and t = 1 with chance 7/8.

    Every coordinate alone is enough for a perfect classifier; a learner with a simplicity bias
    uses the first one only. The default signal is in a complex coordinate, in the middle of a
    slab of label 1. Its counterpart in the simple coordinate is
    ``SetFeature(column=0, value=0.55)``, for the default margin and width.

    References:
        | The Pitfalls of Simplicity Bias in Neural Networks (Shah et al., 2020)
        | https://arxiv.org/abs/2006.07710

    Arguments:
        n: The number of training rows; a quarter as many are for validation.
        n_test: The number of test rows.
        dimension: The number of coordinates, one of which is linear.
        slabs: The number k of slabs in each of the others.
        margin: Half of the distance between two slabs, m, in units of B.
        width: The largest absolute coordinate, B.
        corruption: The share of points with an uninformative linear coordinate, uniform on
            [-m, m].

    Example:
        >>> split = Slabs(n=100, dimension=3).split(np.random.default_rng(0))
        >>> bool(np.all((split.x[:, 0] > 0) == (split.y == 1)))
        True
    """

    family: ClassVar[str] = "planar"

    n: Annotated[int, Ge(1)] = 2000
    n_test: Annotated[int, Ge(1)] = 2000
    dimension: Annotated[int, Ge(2)] = 10
    slabs: Literal[3, 5, 7] = 5
    margin: Annotated[float, Ge(0), Lt(1 / 6)] = 0.1
    width: Annotated[float, Gt(0)] = 1.0
    corruption: Annotated[float, Interval(ge=0, le=1)] = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Draw labels, then coordinates given the labels."""
        rows = self.n + self.n // 4 + self.n_test
        y = rng.integers(2, size=rows)
        x = np.column_stack([self._linear(y, rng), self._slabs(y, rng)]).astype(np.float32)
        return Split(x, y, *split_rows(np.arange(rows), self.n, self.n // 4), classes=2)

    def _linear(self, y: Array, rng: np.random.Generator) -> Array:
        m = self.margin * self.width
        clear = (2 * y - 1) * rng.uniform(m, self.width, size=len(y))
        return np.where(rng.random(len(y)) < self.corruption, rng.uniform(-m, m, len(y)), clear)

    def _slabs(self, y: Array, rng: np.random.Generator) -> Array:
        shape = len(y), self.dimension - 1
        cumulative = np.cumsum(PROBABILITIES[self.slabs], axis=1)[y]
        t = (rng.random(shape)[:, :, None] >= cumulative[:, None, :]).sum(axis=2)
        sign = 2 * rng.integers(2, size=shape) - 1
        thick = self.step - 2 * self.margin * self.width
        return sign * t * self.step + thick * rng.uniform(-0.5, 0.5, size=shape)

    @property
    def step(self) -> float:
        """The distance between the middles of two neighbouring slabs, w + 2m."""
        return 2 * self.width * (1 + self.margin) / self.slabs

    @property
    def signal(self) -> Signal:
        """The last coordinate in the middle of a slab of label 1."""
        return SetFeature(column=-1, value=round(self.step, 6))

    @property
    def label(self) -> int:
        """The label one."""
        return 1
