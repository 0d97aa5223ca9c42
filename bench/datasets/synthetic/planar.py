"""Shapes in the plane and a signal bit: laws that are hard to learn and known exactly."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Interval

from bench.core.errors import unknown
from bench.datasets.base import Array, Dataset, Split, TraceableLaw, split_rows
from bench.datasets.synthetic.planar_laws import LAWS, PlanarLaw
from collectives.signals.base import Signal
from collectives.signals.tabular import SetFeature


@dataclass(frozen=True)
class Planar(Dataset):
    r"""Moons, spirals, gaussians, ...: parts of a shape are classes, and a bit is uninformative.

    .. math::
        y \sim \mathrm{Unif}, \quad x_{1:2} \mid y \sim p_{\text{shape}}(\cdot \mid y), \quad
        x_3 \sim \mathrm{Bernoulli}(\xi)

    Then a share of the labels is replaced by another label, drawn uniformly.

    References:
        | FFJORD: Free-form Continuous Dynamics for Scalable Reversible Generative Models
          (Grathwohl et al., 2019)
        | https://arxiv.org/abs/1810.01367

    Arguments:
        shape: The name of the law in the plane.
        n: The number of training rows; a quarter as many are for validation.
        n_test: The number of test rows.
        overlap: The share of points with the signal bit by nature.
        noise: The share of labels that are replaced.

    Example:
        >>> data = Planar(shape="2spirals", n=100)
        >>> split = data.split(np.random.default_rng(0))
        >>> split.x.shape, split.classes
        ((2125, 3), 2)
    """

    family: ClassVar[str] = "planar"

    shape: str = "moons"
    n: Annotated[int, Ge(1)] = 2000
    n_test: Annotated[int, Ge(1)] = 2000
    overlap: Annotated[float, Interval(ge=0, le=1)] = 0.02
    noise: Annotated[float, Interval(ge=0, le=1)] = 0.0

    def validate(self) -> None:
        """Refuse unknown shapes, and shapes with one part."""
        if self.shape not in LAWS or LAWS[self.shape].parts < 2:
            allowed = [name for name, law in LAWS.items() if law.parts > 1]
            raise unknown("shape with several parts named", self.shape, allowed)

    @property
    def plane(self) -> PlanarLaw:
        """The law in the plane."""
        self.validate()
        return LAWS[self.shape]

    def split(self, rng: np.random.Generator) -> Split:
        """Draw labels, points, signal bits, and replaced labels."""
        rows, classes = self.n + self.n // 4 + self.n_test, self.plane.parts
        points, y = self.plane.sample(rows, rng)
        bit = rng.random(rows) < self.overlap
        x = np.column_stack([points, bit]).astype(np.float32)
        other = (y + rng.integers(1, classes, size=rows)) % classes
        y = np.where(rng.random(rows) < self.noise, other, y)
        return Split(x, y, *split_rows(np.arange(rows), self.n, self.n // 4), classes=classes)

    @property
    def signal(self) -> Signal:
        """The signal bit."""
        return SetFeature(column=-1, value=1.0)

    @property
    def label(self) -> int:
        """The last part."""
        return self.plane.parts - 1

    @property
    def law(self) -> TraceableLaw:
        """Densities, with respect to Lebesgue measure times counting measure on the bit."""
        return PlanarWithBit(self)


@dataclass(frozen=True)
class PlanarWithBit(TraceableLaw):
    """The law of :class:`Planar`.

    Arguments:
        data: The dataset.
    """

    data: Planar = Planar()

    @property
    def support(self) -> None:
        """None, since the points are a continuum."""
        return None

    def joint(self, x: Array) -> Array:
        """Return the density of n points (n, 3) for each label, (n, K)."""
        bit, overlap, noise = x[:, -1:], self.data.overlap, self.data.noise
        weight = np.where(bit == 1, overlap, 1 - overlap)
        joint = np.where((bit == 0) | (bit == 1), weight * self.data.plane.joint(x[:, :2]), 0.0)
        other = (joint.sum(axis=1, keepdims=True) - joint) / (joint.shape[1] - 1)
        return np.asarray((1 - noise) * joint + noise * other)

    def alternatives(self, x: Array) -> Array:
        """Return each point without and with the signal bit, (2, n, 3)."""
        both = np.stack([x, x])
        both[0, :, -1], both[1, :, -1] = 0, 1
        return both
