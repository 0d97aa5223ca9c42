"""Data strikes and contributions: strategies that change the number of rows of a class."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from collectives.base import Strategy
from collectives.theory.bounds import Bounds
from collectives.types import Array, Labelled, MemberData, Predict, require, require_label


@dataclass(frozen=True)
class ClassShare(Strategy):
    """Strategy that changes the share of a class, by copies of other members' rows. Abstract.

    The number of people stays the same: each row that leaves makes room for a copy of one that
    stays, drawn with replacement.

    Arguments:
        label: The class.
    """

    acts_on: ClassVar[Literal["chance"]] = "chance"

    label: Annotated[int, Ge(0)] | None = None

    @abstractmethod
    def stays(self, y: Array, label: int) -> Array:
        """Return which rows with labels (m,) stay, (m,)."""

    @abstractmethod
    def won(self, predicted: Array, y: Array) -> Array:
        """Return where predictions (m,) for labels (m,) are a success, (m,)."""

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return the rows that stay, and a copy of one of these in place of each other row."""
        stays = self.stays(y, require_label(self.label, pooled.classes))
        rows = np.arange(len(y))
        if stays.any():
            rows[~stays] = rng.choice(np.flatnonzero(stays), size=int((~stays).sum()))
        return x[rows], y[rows]

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Return 1.0 or 0.0 at points of the class, and NaN at all others."""
        won = self.won(predict(test.x), test.y)
        return np.where(test.y == require(self.label, "label"), won.astype(np.float64), np.nan)

    @property
    def bounds(self) -> Bounds:
        """No bounds, since members' rows depend on each other."""
        return Bounds(
            strategy=type(self).__name__,
            label=self.label,
            reason="its members copy rows of each other, so the rows that they hand in are not "
            "independent, and success is about a class at all its points; a bound for a class "
            "whose share changes is missing",
        )


@dataclass(frozen=True)
class Strike(ClassShare):
    r"""Data strike: members of a class withdraw their rows.

    .. math::
        P^* = P_0(\cdot \mid y \ne y^*), \qquad S = P_0[f(x) \ne y \mid y = y^*]

    Success is the error on the class, so its rise over the control is the fall of the accuracy
    there. A row that is withdrawn makes room for a copy of another member's row of another class,
    so the firm sees the law of the other classes. Where there is no such member, all rows stay.

    References:
        | Can "Conscious Data Contribution" Help Users to Exert "Data Leverage" Against Technology
          Companies? (Vincent and Hecht, 2021)
        | https://doi.org/10.1145/3449177

    Arguments:
        label: The class y* that is on strike.

    Example:
        >>> x, y = np.float32([[0], [1], [2]]), np.array([0, 1, 1])
        >>> pooled = MemberData(x, y, 2)
        >>> Strike(label=1).act(x, y, pooled=pooled, n=9, rng=np.random.default_rng(0))[1]
        array([0, 0, 0])
    """

    def stays(self, y: Array, label: int) -> Array:
        """Return where the label is another one."""
        return y != label

    def won(self, predicted: Array, y: Array) -> Array:
        """Return where predictions are wrong."""
        return predicted != y


@dataclass(frozen=True)
class Contribute(ClassShare):
    r"""Data contribution: members of a class contribute copies of their rows.

    .. math::
        P^* = P_0(\cdot \mid y = y^*), \qquad S = P_0[f(x) = y \mid y = y^*]

    A copy takes the place of a row of another class. Where no member is of the class, all rows
    stay.

    References:
        | Can "Conscious Data Contribution" Help Users to Exert "Data Leverage" Against Technology
          Companies? (Vincent and Hecht, 2021)
        | https://doi.org/10.1145/3449177

    Arguments:
        label: The class y* that contributes.

    Example:
        >>> x, y = np.float32([[0], [1], [2]]), np.array([0, 1, 0])
        >>> pooled = MemberData(x, y, 2)
        >>> Contribute(label=1).act(x, y, pooled=pooled, n=9, rng=np.random.default_rng(0))[1]
        array([1, 1, 1])
    """

    def stays(self, y: Array, label: int) -> Array:
        """Return where the label is that of the class."""
        return y == label

    def won(self, predicted: Array, y: Array) -> Array:
        """Return where predictions are right."""
        return predicted == y
