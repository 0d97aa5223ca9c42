"""Gaussian classes and a signal bit: a law with a density."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Interval
from scipy.linalg import helmert

from bench.datasets.base import Array, Dataset, Split, TraceableLaw, split_rows
from collectives.signals.base import Signal
from collectives.signals.tabular import SetFeature


@dataclass(frozen=True)
class Gaussians(Dataset):
    r"""Normal classes at the corners of a regular simplex, and an uninformative signal bit.

    .. math::
        y \sim \pi, \quad x_{1:d} \mid y \sim \mathcal{N}(\mu_y, I), \quad
        x_{d+1} \sim \mathrm{Bernoulli}(\xi), \quad
        \| \mu_k - \mu_l \| = \text{distance for } k \ne l

    Then a share of the labels is replaced by another label, drawn uniformly.

    References:
        | The Role of Learning Algorithms in Collective Action (Ben-Dov et al., 2024)
        | https://arxiv.org/abs/2405.06582

    Arguments:
        n: The number of training rows; a quarter as many are for validation.
        n_test: The number of test rows.
        dimension: The number d of normal coordinates, at least one less than the classes.
        classes: The number of classes.
        distance: The distance between two class means, in standard deviations.
        priors: The share of each class; uniform, if empty.
        overlap: The share of points with the signal bit by nature.
        noise: The share of labels that are replaced.

    Example:
        >>> data = Gaussians(n=100, dimension=1, distance=2.0, overlap=0.5)
        >>> data.split(np.random.default_rng(0)).x.shape
        (2125, 2)
        >>> data.law.joint(np.float32([[-1.0, 0.0], [1.0, 1.0]])).round(3)
        array([[0.1  , 0.013],
               [0.013, 0.1  ]])
    """

    family: ClassVar[str] = "planar"

    n: Annotated[int, Ge(1)] = 2000
    n_test: Annotated[int, Ge(1)] = 2000
    dimension: Annotated[int, Ge(1)] = 2
    classes: Annotated[int, Ge(2)] = 2
    distance: Annotated[float, Ge(0)] = 3.0
    priors: tuple[Annotated[float, Gt(0)], ...] = ()
    overlap: Annotated[float, Interval(ge=0, le=1)] = 0.02
    noise: Annotated[float, Interval(ge=0, le=1)] = 0.0

    def split(self, rng: np.random.Generator) -> Split:
        """Draw labels, points around their means, signal bits, and replaced labels."""
        rows = self.n + self.n // 4 + self.n_test
        y = rng.choice(self.classes, size=rows, p=_priors(self)).astype(np.int64)
        centred = _means(self)[y] + rng.standard_normal((rows, self.dimension))
        bit = rng.random(rows) < self.overlap
        x = np.column_stack([centred, bit]).astype(np.float32)
        other = (y + rng.integers(1, self.classes, size=rows)) % self.classes
        y = np.where(rng.random(rows) < self.noise, other, y)
        return Split(x, y, *split_rows(np.arange(rows), self.n, self.n // 4), classes=self.classes)

    @property
    def signal(self) -> Signal:
        """The signal bit."""
        return SetFeature(column=-1, value=1.0)

    @property
    def label(self) -> int:
        """The last class."""
        return self.classes - 1

    @property
    def law(self) -> TraceableLaw:
        """Densities, with respect to Lebesgue measure times counting measure on the bit."""
        return GaussiansLaw(self)


@dataclass(frozen=True)
class GaussiansLaw(TraceableLaw):
    """The law of :class:`Gaussians`.

    Arguments:
        data: The dataset.
    """

    data: Gaussians = Gaussians()

    @property
    def support(self) -> None:
        """None, since the points are a continuum."""
        return None

    def joint(self, x: Array) -> Array:
        """Return the density of n points (n, d + 1) for each label, (n, K)."""
        coordinates, bit = x[:, :-1].astype(np.float64), x[:, -1:]
        square = ((coordinates[:, None] - _means(self.data)) ** 2).sum(axis=2)
        normal = np.exp(-square / 2) / (2 * math.pi) ** (self.data.dimension / 2)
        weight = np.where(bit == 1, self.data.overlap, 1 - self.data.overlap)
        joint = np.where((bit == 0) | (bit == 1), weight * normal * _priors(self.data), 0.0)
        other = (joint.sum(axis=1, keepdims=True) - joint) / (self.data.classes - 1)
        return (1 - self.data.noise) * joint + self.data.noise * other

    def alternatives(self, x: Array) -> Array:
        """Return each point without and with the signal bit, (2, n, d + 1)."""
        both = np.stack([x, x])
        both[0, :, -1], both[1, :, -1] = 0, 1
        return both


def _priors(data: Gaussians) -> Array:
    if not data.priors:
        return np.full(data.classes, 1 / data.classes)
    if len(data.priors) != data.classes or abs(sum(data.priors) - 1) > 1e-9:
        raise ValueError(f"priors={data.priors}, but it takes {data.classes} that sum to 1")
    return np.array(data.priors) / sum(data.priors)


def _means(data: Gaussians) -> Array:
    """Return the corners of a regular simplex around the origin, (K, d)."""
    if data.dimension < data.classes - 1:
        raise ValueError(
            f"dimension={data.dimension}, but {data.classes} classes at equal distances "
            f"need {data.classes - 1} or more"
        )
    # The rows of the Helmert matrix are orthonormal and sum to zero, so that its columns are
    # such corners, at a distance of sqrt(2).
    corners = -helmert(data.classes).T * data.distance / math.sqrt(2)
    return np.pad(corners, ((0, 0), (0, data.dimension - data.classes + 1)))
