"""Cars with eighteen categorical features and a rating: a law in product form."""

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Interval

from bench.core.identity_cache import IdentityCache
from bench.datasets.base import Array, Dataset, GatheringLaw, Split, split_rows
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

#: Relative frequencies of model types other than SUVs.
OTHERS = np.array([0.22, 0.0, 0.23, 0.02, 0.01, 0.01, 0.01, 0.05])
#: Points for each value of a feature, and the equally likely extra points.
POINTS = {
    "Safety Rating": np.array([1, 2, 3, 4, 5]),
    "Fuel Type": np.array([1, 1, 3, 4]),
    "Warranty": np.array([2, 3, 4, 5]),
}
EXTRA = np.array([1, 3, 4])
#: The share of cars with a rating by their score; the others have a score of zero.
RATED = 0.95
#: Random scores of SUVs from C2, and their probabilities.
RANDOM_SCORES = np.array([13, 0, 2]), np.array([0.6, 0.3, 0.1])
#: The labels 0 to 3, and the least scores of 1, 2 and 3.
RATINGS = ("Poor", "Average", "Good", "Excellent")
THRESHOLDS = np.array([2, 8, 13])

TYPE, COUNTRY = NAMES.index("Model Type"), NAMES.index("Country")
SUV, C2 = FEATURES["Model Type"].index("SUV"), FEATURES["Country"].index("C2")


@dataclass(frozen=True)
class Cars(Dataset):
    r"""Cars with 18 one-hot encoded features (64 columns) and a rating from 0 to 3.

    .. math::
        P_0(x, y) = P(\text{type}) \prod_j P(x_j \mid \text{type is SUV}) \; P(y \mid x)

    A feature of an SUV has its typical value with a given probability, and a uniform value
    otherwise; a feature of another car has a uniform value. The rating depends on safety, fuel
    and warranty; that of SUVs from C2 depends on nothing. The signal makes a car a typical SUV in
    all features but its country, so that the signal set has five points. The overlap grows with
    the share of SUVs.

    All probabilities, points, thresholds and numbers of values are those of the published
    generator. Some names of values are not, and no probability depends on a name.

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
        ((135, 64), 4)
    """

    family: ClassVar[str] = "finite laws"

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
        unrelated = suv & (codes[:, COUNTRY] == C2)
        score[unrelated] = rng.choice(RANDOM_SCORES[0], size=unrelated.sum(), p=RANDOM_SCORES[1])

        y = np.searchsorted(THRESHOLDS, score, side="right").astype(np.int64)
        return Split(
            _encoded(codes), y, *split_rows(np.arange(rows), self.n, self.n // 4), classes=4
        )

    @property
    def signal(self) -> Signal:
        """A typical SUV from the car's own country."""
        values = {name: value for name, (value, _) in TYPICAL.items() if name != "Country"}
        return category({"Model Type": "SUV", **values})

    @property
    def label(self) -> int:
        """Good, a rare rating of cars in the signal set."""
        return RATINGS.index("Good")

    @property
    def law(self) -> GatheringLaw:
        """The mass of every car."""
        return _law(self)


@dataclass(frozen=True)
class CarsLaw(GatheringLaw):
    """The law of :class:`Cars`.

    The support is too large for a list: there are 2.4 billion cars, and the signal moves 0.48
    billion of them onto one point. Their mass is a sum over the features on which the rating
    depends, since all other features sum to one. The mixture with a collective is therefore exact
    if members either stay or move by the signal, and decide by their label and independent
    randomness (``FeatureLabel``, ``FeatureOnly``, ``Idle``; ``Noisy`` and ``Several`` of these,
    with no other signal). It is not known for ``FeatureOnlyPlus``, whose points depend on other
    members, and for ``Erase`` and ``Unplant``, which use the members' rows at points that hardly
    any two members share.

    Arguments:
        data: The dataset.
    """

    data: Cars = Cars()

    @property
    def support(self) -> None:
        """None, since there are more than a billion cars."""
        return None

    def joint(self, x: Array) -> Array:
        """Return the mass of n cars (n, 64) for each rating, (n, 4)."""
        codes, real = _decoded(x)
        return (real * self._mass(codes, range(len(NAMES))))[:, None] * _rating_probabilities(
            codes
        )

    def gathered(self, x: Array) -> Array:
        r"""Return the mass that the default signal moves onto n cars (n, 64), by rating, (n, 4).

        .. math:: P_0(g^{-1}(x), y) = P_0(\text{country of } x, y) \text{ for } x \in g(X)
        """
        codes, real = _decoded(x)
        real &= (self.data.signal(x) == x).all(axis=1)
        return real[:, None] * self._countries[codes[:, COUNTRY]]

    @cached_property
    def _countries(self) -> Array:
        """The mass of each country's cars by rating, (5, 4)."""
        # One car for each combination of the features of the rating and the signal: all other
        # features sum to one.
        relevant = [TYPE, COUNTRY, *map(NAMES.index, POINTS)]
        cars = np.zeros((int(np.prod(WIDTHS[relevant])), len(NAMES)), dtype=np.int64)
        cars[:, relevant] = list(itertools.product(*(range(width) for width in WIDTHS[relevant])))
        joint = self._mass(cars, relevant)[:, None] * _rating_probabilities(cars)
        countries = range(WIDTHS[COUNTRY])
        return np.stack([joint[cars[:, COUNTRY] == c].sum(axis=0) for c in countries])

    def _mass(self, codes: Array, features: "range | list[int]") -> Array:
        """Return the mass of the values of some features of cars (n, 18), (n,)."""
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
    """Return the probability of each model type."""
    types = OTHERS / OTHERS.sum() * (1 - data.suv)
    types[SUV] = data.suv
    return types


def _score(codes: Array) -> Array:
    """Return the points of cars (n, 18) without the extra ones, (n,)."""
    return np.sum([points[codes[:, NAMES.index(name)]] for name, points in POINTS.items()], axis=0)


def _rating_probabilities(codes: Array) -> Array:
    """Return P(y | x) of cars (n, 18), (n, 4)."""
    ratings = np.eye(4)
    scored = _score(codes)[:, None] + EXTRA
    rated = ratings[np.searchsorted(THRESHOLDS, scored, side="right")].mean(axis=1)
    unrelated = (
        RANDOM_SCORES[1] @ ratings[np.searchsorted(THRESHOLDS, RANDOM_SCORES[0], side="right")]
    )
    random = (codes[:, TYPE] == SUV) & (codes[:, COUNTRY] == C2)
    return np.where(random[:, None], unrelated, RATED * rated + (1 - RATED) * ratings[0])


def _encoded(codes: Array) -> Array:
    """Return cars (n, 18) as one-hot columns, float32, (n, 64)."""
    x = np.zeros((len(codes), len(COLUMNS)), dtype=np.float32)
    x[np.arange(len(codes))[:, None], STARTS + codes] = 1
    return x


def _decoded(x: Array) -> tuple[Array, Array]:
    """Return the codes (n, 18) of one-hot columns (n, 64), and which rows are cars."""
    blocks = np.split(x, STARTS[1:], axis=1)
    codes = np.column_stack([block.argmax(axis=1) for block in blocks])
    return codes, (_encoded(codes) == x).all(axis=1)
