"""Types that strategies, signals and theory share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from sklearn.neighbors import NearestNeighbors

T = TypeVar("T")
Array = np.ndarray[Any, np.dtype[Any]]
Predict = Callable[[Array], Array]


@runtime_checkable
class Probabilistic(Protocol):
    """A deployed classifier that may have probabilities."""

    @property
    def predict_proba(self) -> Predict | None:
        """A function from points (m, ...) to probabilities (m, K), if there is one."""

    def __call__(self, x: Array, /) -> Array:
        """Return the labels (m,) of points (m, ...)."""


class Labelled(Protocol):
    """Points with labels: what success is measured on."""

    @property
    def x(self) -> Array:
        """Points, float32, (m, ...)."""

    @property
    def y(self) -> Array:
        """Labels, int64, (m,)."""


@dataclass(frozen=True, eq=False)
class MemberData:
    r"""What the members know of the base law :math:`P_0`: their rows, pooled before they act.

    Arguments:
        x: Points, float32, (m, ...).
        y: Labels, int64, (m,).
        classes: The number of labels K.
        mass: The weight of each row, (m,), if they do not count alike (an exact law: its atoms).
        seen: The classifiers that the firm deployed so far, the first one first.
    """

    x: Array
    y: Array
    classes: int
    mass: Array | None = None
    seen: tuple[Predict, ...] = ()

    def votes(self, points: Array, n_neighbors: int) -> Array:
        """What the rows say on the label of other points.

        Rows equal to a point speak for it, each with its mass. Where there is none, the
        nearest rows do.

        Arguments:
            points: Points (n, ...).
            n_neighbors: How many of the nearest rows; all of them, if there are fewer.

        Returns:
            The mass that speaks for each label, (n, K); its scale differs between points.
        """
        mass = np.ones(len(self.y)) if self.mass is None else np.asarray(self.mass, float)
        heavy = mass > 0
        mass, y = mass[heavy], self.y[heavy]
        rows, asked = self.x[heavy].reshape(len(y), -1), points.reshape(len(points), -1)
        # Each distinct point once: categorical data repeat a few points many times.
        atoms, which = np.unique(np.concatenate([rows, asked]), axis=0, return_inverse=True)
        which = which.reshape(-1)
        table = np.zeros((len(atoms), self.classes))
        np.add.at(table, (which[: len(rows)], y), mass)
        unseen = np.flatnonzero(table.sum(axis=1) == 0)
        if len(unseen):
            search = NearestNeighbors(n_neighbors=min(n_neighbors, len(rows)), algorithm="brute")
            nearest = search.fit(rows).kneighbors(atoms[unseen], return_distance=False)
            np.add.at(table, (unseen[:, None], y[nearest]), mass[nearest])
        return table[which[len(rows) :]]


def known(value: T | None, name: str) -> T:
    """The value of a field that may be left open, once it is filled."""
    if value is None:
        raise ValueError(f"{name}=None, but it is needed: give one, or fill in the dataset's")
    return value


def overall(won: Array) -> float:
    """The mean success over the points that are a collective's business; NaN without any."""
    asked = won[~np.isnan(won)]
    return float(asked.mean()) if len(asked) else float("nan")


class NoBound(ValueError):
    """A collective can promise itself nothing from its own data; the message says why."""
