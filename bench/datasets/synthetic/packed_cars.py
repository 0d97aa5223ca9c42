"""The cars in three columns, for a million people."""

from dataclasses import dataclass, replace

import numpy as np

from bench.core.identity_cache import IdentityCache
from bench.datasets.base import Array, GatheringLaw, Split
from bench.datasets.synthetic._car_features import NAMES, STARTS, WIDTHS
from bench.datasets.synthetic.cars import Cars
from collectives.signals.base import Signal
from collectives.signals.set_features import SetFeatures

COUNTRY = NAMES.index("Country")
_OTHERS = [j for j in range(len(NAMES)) if j != COUNTRY]
#: The features of each column: the country, and two halves of the others.
GROUPS = ([COUNTRY], _OTHERS[:8], _OTHERS[8:])


def _weights() -> Array:
    """Return the matrix (64, 3) that turns one-hot columns into the number of each group."""
    matrix = np.zeros((int(WIDTHS.sum()), len(GROUPS)), np.float32)
    for column, group in enumerate(GROUPS):
        scale = 1
        for j in group:
            matrix[STARTS[j] : STARTS[j] + WIDTHS[j], column] = scale * np.arange(WIDTHS[j])
            scale *= int(WIDTHS[j])
    return matrix


WEIGHTS = _weights()


def pack(x: Array) -> Array:
    """Return cars (n, 64) as three numbers each, (n, 3)."""
    # Sums stay below 2^24, and are exact in single precision.
    return np.ascontiguousarray(x, np.float32) @ WEIGHTS


def unpack(x: Array) -> Array:
    """Return cars of three numbers (n, 3) as one-hot columns (n, 64); other points as zeros."""
    onehot = np.zeros((len(x), int(WIDTHS.sum())), np.float32)
    rest = x.astype(np.int64)
    for column, group in enumerate(GROUPS):
        for j in group:
            rest[:, column], digit = np.divmod(rest[:, column], WIDTHS[j])
            onehot[np.arange(len(x)), STARTS[j] + digit] = 1
    onehot[(rest != 0).any(axis=1) | (x != x.astype(np.int64)).any(axis=1)] = 0
    return onehot


@dataclass(frozen=True)
class PackedCars(Cars):
    r"""The people of :class:`Cars` in three columns in place of 64: one point a car, as there.

    .. math:: x = \Big( \text{country}, \; \sum_{j} x_j \prod_{i < j} w_i, \;
        \sum_{j'} x_{j'} \prod_{i < j'} w_i \Big)

    with :math:`x_j` the value of a feature and :math:`w_j` its number of values; j are eight of
    the features beside the country and j' the other nine. At one seed rows, labels, law, signal
    and signal set are those of :class:`Cars`. Learners that only ask whether two cars are equal,
    such as :class:`algorithms.empirical_bayes.EmpiricalBayes`, are the same on both, and take a
    twentieth of the memory here. The numbers have no other meaning: distances between them, and
    linear functions of them, say nothing about cars.

    References:
        | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
        | https://arxiv.org/abs/2502.04879

    Arguments:
        n: The number of training rows; a quarter as many are for validation.
        n_test: The number of test rows.
        suv: The share of SUVs among the cars.

    Example:
        >>> split = PackedCars(n=100, n_test=10).split(np.random.default_rng(0))
        >>> split.x.shape, split.classes
        ((135, 3), 4)
    """

    def split(self, rng: np.random.Generator) -> Split:
        """Draw cars as :class:`Cars` does, and pack them."""
        split = super().split(rng)
        return replace(split, x=pack(split.x))

    @property
    def cars(self) -> Cars:
        """The same people in 64 columns."""
        return Cars(self.n, self.n_test, self.suv)

    @property
    def signal(self) -> Signal:
        """A typical SUV from the car's own country."""
        typical = super().signal(np.zeros((1, int(WIDTHS.sum())), np.float32))
        _, first, second = pack(typical)[0].tolist()
        return SetFeatures(columns=(1, 2), values=(first, second))

    @property
    def law(self) -> GatheringLaw:
        """The mass of every car."""
        return _law(self)


@dataclass(frozen=True)
class PackedCarsLaw(GatheringLaw):
    """The law of :class:`PackedCars`: that of the same cars in 64 columns.

    Arguments:
        data: The dataset.
    """

    data: PackedCars = PackedCars()

    @property
    def support(self) -> None:
        """None, since there are more than a billion cars."""
        return None

    def joint(self, x: Array) -> Array:
        """Return the mass of n cars (n, 3) for each rating, (n, 4)."""
        return self.data.cars.law.joint(unpack(x))

    def gathered(self, x: Array) -> Array:
        """Return the mass that the default signal moves onto n cars (n, 3), by rating, (n, 4)."""
        return self.data.cars.law.gathered(unpack(x))


_law = IdentityCache(PackedCarsLaw)
