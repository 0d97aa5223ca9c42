"""Cars of eighteen categorical features that a platform rates: a law in product form."""

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval

from bench.core.identity_cache import IdentityCache
from bench.datasets.base import Array, Dataset, GatheringLaw, Split, cut
from bench.datasets.synthetic._car_features import (
    COLUMNS,
    FEATURES,
    NAMES,
    STARTS,
    TYPICAL,
    WIDTHS,
    category,
)
from collectives.signals.base import Signal

#: How often each model type is met, SUVs left aside (relative numbers).
OTHERS = np.array([0.22, 0.0, 0.23, 0.02, 0.01, 0.01, 0.01, 0.05])
#: Points that a car scores by each of its values, and the equally likely extra points.
POINTS = {
    "Safety Rating": np.array([1, 2, 3, 4, 5]),
    "Fuel Type": np.array([1, 1, 3, 4]),
    "Warranty": np.array([2, 3, 4, 5]),
}
EXTRA = np.array([1, 3, 4])
#: The share of cars that are rated by their score; the others score nothing.
RATED = 0.95
#: SUVs from C2 are rated by the draw: scores and their probabilities.
DRAWN = np.array([13, 0, 2]), np.array([0.6, 0.3, 0.1])
#: The labels 0 to 3, and the scores from which 1, 2 and 3 are given.
RATINGS = ("Poor", "Average", "Good", "Excellent")
THRESHOLDS = np.array([2, 8, 13])

TYPE, COUNTRY = NAMES.index("Model Type"), NAMES.index("Country")
SUV, C2 = FEATURES["Model Type"].index("SUV"), FEATURES["Country"].index("C2")


@dataclass(frozen=True)
class Cars(Dataset):
    r"""Cars, described by 18 one-hot encoded features (62 columns) and rated from 0 to 3.

    .. math::
        P_0(x, y) = P(\text{type}) \prod_j P(x_j \mid \text{type is SUV}) \; P(y \mid x)

    A feature of an SUV is its typical value with a probability of its own, and else any value;
    a feature of another car is any value. The rating depends on safety, fuel and warranty, and
    for SUVs from C2 on nothing. The signal makes a car a typical SUV in all but its country, so
    that the signal set has five points, and it overlaps the more, the more SUVs there are.

    All probabilities, points and thresholds are those of the generator of the paper. The lists
    of values are ours where its text does not name them, and so are then their numbers.

    References:
        | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
        | https://arxiv.org/abs/2502.04879

    Arguments:
        n: The number of training rows; a quarter as many are for validation.
        n_test: The number of test rows.
        suv: The share of SUVs among the cars.

    Example:
        >>> split = Cars(n=100, n_test=10).split(np.random.default_rng(0))
        >>> split.x.shape, split.classes
        ((135, 62), 4)
    """

    n: Annotated[int, Ge(1)] = 20_000
    n_test: Annotated[int, Ge(1)] = 5_000
    suv: Annotated[float, Interval(ge=0, le=1)] = 0.45

    def split(self, rng: np.random.Generator) -> Split:
        """Draw the types, then the other features, then the ratings."""
        rows = self.n + self.n // 4 + self.n_test
        codes = np.column_stack([rng.integers(width, size=rows) for width in WIDTHS])
        codes[:, TYPE] = rng.choice(len(OTHERS), size=rows, p=_types(self))
        suv = codes[:, TYPE] == SUV
        for name, (value, often) in TYPICAL.items():
            typical = suv & (rng.random(rows) < often)
            codes[typical, NAMES.index(name)] = FEATURES[name].index(value)

        score = _score(codes) + rng.choice(EXTRA, size=rows)
        score[rng.random(rows) >= RATED] = 0
        drawn = suv & (codes[:, COUNTRY] == C2)
        score[drawn] = rng.choice(DRAWN[0], size=drawn.sum(), p=DRAWN[1])

        y = np.searchsorted(THRESHOLDS, score, side="right").astype(np.int64)
        return Split(_encoded(codes), y, *cut(np.arange(rows), self.n, self.n // 4), classes=4)

    @property
    def signal(self) -> Signal:
        """A typical SUV, from the country that the car is from."""
        values = {name: value for name, (value, _) in TYPICAL.items() if name != "Country"}
        return category({"Model Type": "SUV", **values})

    @property
    def label(self) -> int:
        """Good, which is not what most cars of the signal set are."""
        return RATINGS.index("Good")

    @property
    def law(self) -> GatheringLaw:
        """The mass of every car."""
        return _law(self)


@dataclass(frozen=True)
class CarsLaw(GatheringLaw):
    """The law of :class:`Cars`.

    It has no support that could be listed, at any n: there are 1.2 billion cars, of which the
    signal moves 0.24 billion onto one point. What these weigh is known all the same, by
    summing over the features that the rating looks at, since all others sum to one. So what firms
    face is exact as long as members stay or go where the signal takes them, by their label and by
    lot (``FeatureLabel``, ``FeatureOnly``, ``Idle``; ``Noisy`` and ``Several`` of these, with no
    other signal). ``FeatureOnlyPlus`` strays to points that depend on who else is there, and
    ``Erase`` and ``Unplant`` ask the members' rows at points that no two of them share: for those
    the law is not given.

    Arguments:
        data: The dataset.
    """

    data: Cars = Cars()

    @property
    def support(self) -> None:
        """None: there are more than a billion cars."""
        return None

    def joint(self, x: Array) -> Array:
        """The mass of n cars (n, 62) for each rating, (n, 4)."""
        codes, real = _decoded(x)
        return (real * self._mass(codes, range(len(NAMES))))[:, None] * _given(codes)

    def gathered(self, x: Array) -> Array:
        r"""What the default signal gathers on n cars (n, 62), by the rating before, (n, 4).

        .. math:: P_0(g^{-1}(x), y) = P_0(\text{country of } x, y) \text{ for } x \in g(X)
        """
        codes, real = _decoded(x)
        real &= (self.data.signal(x) == x).all(axis=1)
        return real[:, None] * self._countries[codes[:, COUNTRY]]

    @cached_property
    def _countries(self) -> Array:
        """The mass of all cars of each country by rating, (5, 4)."""
        # One car for each value of the features that the rating or the signal looks at: the
        # others sum to one.
        asked = [TYPE, COUNTRY, *map(NAMES.index, POINTS)]
        cars = np.zeros((int(np.prod(WIDTHS[asked])), len(NAMES)), dtype=np.int64)
        cars[:, asked] = list(itertools.product(*(range(width) for width in WIDTHS[asked])))
        joint = self._mass(cars, asked)[:, None] * _given(cars)
        countries = range(WIDTHS[COUNTRY])
        return np.stack([joint[cars[:, COUNTRY] == c].sum(axis=0) for c in countries])

    def _mass(self, codes: Array, features: "range | list[int]") -> Array:
        """The mass of what some features of cars (n, 18) are, (n,)."""
        suv = codes[:, TYPE] == SUV
        mass = _types(self.data)[codes[:, TYPE]]
        for j in features:
            if j != TYPE:
                value, often = TYPICAL[NAMES[j]]
                typical = codes[:, j] == FEATURES[NAMES[j]].index(value)
                mass = mass * np.where(
                    suv, often * typical + (1 - often) / WIDTHS[j], 1 / WIDTHS[j]
                )
        return mass


_law = IdentityCache(CarsLaw)


def _types(data: Cars) -> Array:
    """The probability of each model type."""
    types = OTHERS / OTHERS.sum() * (1 - data.suv)
    types[SUV] = data.suv
    return types


def _score(codes: Array) -> Array:
    """The points of cars (n, 18) without the extra ones, (n,)."""
    return np.sum([points[codes[:, NAMES.index(name)]] for name, points in POINTS.items()], axis=0)


def _given(codes: Array) -> Array:
    """P(y | x) of cars (n, 18), (n, 4)."""
    ratings = np.eye(4)
    scored = _score(codes)[:, None] + EXTRA
    rated = ratings[np.searchsorted(THRESHOLDS, scored, side="right")].mean(axis=1)
    drawn = DRAWN[1] @ ratings[np.searchsorted(THRESHOLDS, DRAWN[0], side="right")]
    by_draw = (codes[:, TYPE] == SUV) & (codes[:, COUNTRY] == C2)
    return np.where(by_draw[:, None], drawn, RATED * rated + (1 - RATED) * ratings[0])


def _encoded(codes: Array) -> Array:
    """One-hot columns, float32, (n, 62), of cars (n, 18)."""
    x = np.zeros((len(codes), len(COLUMNS)), dtype=np.float32)
    x[np.arange(len(codes))[:, None], STARTS + codes] = 1
    return x


def _decoded(x: Array) -> tuple[Array, Array]:
    """The codes (n, 18) of one-hot columns (n, 62), and which rows are cars at all."""
    blocks = np.split(x, STARTS[1:], axis=1)
    codes = np.column_stack([block.argmax(axis=1) for block in blocks])
    return codes, (_encoded(codes) == x).all(axis=1)
