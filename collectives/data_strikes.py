"""Crowds: members change how many people of a class are in the data, and no row's content."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from collectives.base import Strategy
from collectives.planting import among
from collectives.types import Array, Labelled, MemberData, Predict, known

#: Why nothing is promised to members who make room for each other.
COPIES = (
    "its members copy rows of each other, so what they hand in is not independent, and success "
    "is about a class at all its points; missing is a bound for a class whose share changes"
)


@dataclass(frozen=True)
class Strike(Strategy):
    r"""Data strike: members of a class withdraw their rows.

    .. math::
        P^* = P_0(\cdot \mid y \ne y^*), \qquad S = P_0[f(x) \ne y \mid y = y^*]

    Success is the error on the class, so its rise over the control is the fall of the accuracy
    there. The number of people stays: a row that is withdrawn makes room for a copy of a fellow
    member's of another class, drawn with replacement, so that the firm sees the law of those who
    stay. Where there is no such fellow, nobody withdraws.

    References:
        | Can "Conscious Data Contribution" Help Users to Exert "Data Leverage" Against Technology
          Companies? (Vincent and Hecht, 2021)
        | https://doi.org/10.1145/3449177

    Arguments:
        label: The class that is on strike.

    Example:
        >>> x, y = np.float32([[0], [1], [2]]), np.array([0, 1, 1])
        >>> pooled = MemberData(x, y, 2)
        >>> Strike(label=1).act(x, y, pooled=pooled, n=9, rng=np.random.default_rng(0))[1]
        array([0, 0, 0])
    """

    stochastic: ClassVar[bool] = True
    no_bound_reason: ClassVar[str] = COPIES

    label: Annotated[int, Ge(0)] | None = None

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Rows of other classes in place of those of the class."""
        return _copied(x, y, y != among(self.label, pooled.classes), rng)

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Where f errs on the class."""
        return _on(predict(test.x) != test.y, test, self.label)


@dataclass(frozen=True)
class Contribute(Strategy):
    r"""Data contribution: members of a class copy themselves in.

    .. math::
        P^* = P_0(\cdot \mid y = y^*), \qquad S = P_0[f(x) = y \mid y = y^*]

    The number of people stays: a copy takes the place of a fellow member of another class. Where
    no member is of the class, nobody is copied.

    References:
        | Can "Conscious Data Contribution" Help Users to Exert "Data Leverage" Against Technology
          Companies? (Vincent and Hecht, 2021)
        | https://doi.org/10.1145/3449177

    Arguments:
        label: The class that contributes.

    Example:
        >>> x, y = np.float32([[0], [1], [2]]), np.array([0, 1, 0])
        >>> pooled = MemberData(x, y, 2)
        >>> Contribute(label=1).act(x, y, pooled=pooled, n=9, rng=np.random.default_rng(0))[1]
        array([1, 1, 1])
    """

    stochastic: ClassVar[bool] = True
    no_bound_reason: ClassVar[str] = COPIES

    label: Annotated[int, Ge(0)] | None = None

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Rows of the class in place of those of others."""
        return _copied(x, y, y == among(self.label, pooled.classes), rng)

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Where f is right on the class."""
        return _on(predict(test.x) == test.y, test, self.label)


def _copied(x: Array, y: Array, stay: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """The rows that stay, and in place of each other one a copy of one of these."""
    rows = np.arange(len(y))
    if stay.any():
        rows[~stay] = rng.choice(np.flatnonzero(stay), size=int((~stay).sum()))
    return x[rows], y[rows]


def _on(won: Array, test: Labelled, label: int | None) -> Array:
    """What was won, where the point is of the class; NaN elsewhere."""
    return np.where(test.y == known(label, "label"), won.astype(np.float64), np.nan)
