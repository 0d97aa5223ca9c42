"""Types and small helpers that strategies, signals and theory share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

T = TypeVar("T")
Array = np.ndarray[Any, np.dtype[Any]]
Predict = Callable[[Array], Array]


class NoBound(ValueError):
    """Error that is raised where no finite-sample bound exists; its message says why."""


@runtime_checkable
class Probabilistic(Protocol):
    """A deployed classifier that may have probabilities."""

    @property
    def predict_proba(self) -> Predict | None:
        """A function from points (m, ...) to probabilities (m, K), if there is one."""

    def __call__(self, x: Array, /) -> Array:
        """Return the labels (m,) of points (m, ...)."""


class Labelled(Protocol):
    """Points with labels, on which success is measured."""

    @property
    def x(self) -> Array:
        """Points, float32, (m, ...)."""

    @property
    def y(self) -> Array:
        """Labels, int64, (m,)."""


@dataclass(frozen=True, eq=False)
class MemberData:
    r"""A sample of the base law :math:`P_0`: the rows that members pool before they act.

    Arguments:
        x: Points, float32, (m, ...).
        y: Labels, int64, (m,).
        classes: The number of labels K.
        mass: The weight of each row, (m,), if the rows are the atoms of a known law. All rows
            count alike if None.
        deployed: The classifiers that the firm has deployed so far, in order.

    Example:
        >>> pooled = MemberData(np.float32([[0], [0], [1]]), np.array([0, 1, 1]), classes=2)
        >>> pooled.votes(np.float32([[0], [1]]), n_neighbors=1)
        array([[1., 1.],
               [0., 1.]])
    """

    x: Array
    y: Array
    classes: int
    mass: Array | None = None
    deployed: tuple[Predict, ...] = ()

    def votes(self, points: Array, n_neighbors: int) -> Array:
        """Return the votes of the rows for the labels of other points.

        Rows equal to a point vote for it, each with its mass. A point that no row equals gets the
        votes of its nearest rows.

        Arguments:
            points: Points (n, ...).
            n_neighbors: The number of nearest rows that vote; all rows, if there are fewer.

        Returns:
            The mass of the votes for each label, (n, K). Its scale differs between points.
        """
        mass = np.ones(len(self.y)) if self.mass is None else np.asarray(self.mass, float)
        positive = mass > 0
        mass, y = mass[positive], self.y[positive]
        rows, queries = self.x[positive].reshape(len(y), -1), points.reshape(len(points), -1)
        # Each distinct point once: categorical data repeat a few points many times.
        atoms, which = np.unique(np.concatenate([rows, queries]), axis=0, return_inverse=True)
        which = which.reshape(-1)
        table = np.zeros((len(atoms), self.classes))
        np.add.at(table, (which[: len(rows)], y), mass)
        empty = np.flatnonzero(table.sum(axis=1) == 0)
        if len(empty):
            # The import takes longer than many a trial, and most trials do without.
            from sklearn.neighbors import NearestNeighbors

            search = NearestNeighbors(n_neighbors=min(n_neighbors, len(rows)), algorithm="brute")
            nearest = search.fit(rows).kneighbors(atoms[empty], return_distance=False)
            np.add.at(table, (empty[:, None], y[nearest]), mass[nearest])
        return table[which[len(rows) :]]


def require(value: T | None, name: str) -> T:
    """Return the value of a field that may be left open.

    Raises:
        ValueError: If the field is still None.
    """
    if value is None:
        raise ValueError(
            f"{name}=None, but a {name} is needed: give one, or take the dataset's with "
            "Strategy.with_defaults"
        )
    return value


def require_label(label: int | None, classes: int) -> int:
    """Return a label after checking that the data have it.

    Raises:
        ValueError: If the label is None or outside 0..classes - 1.
    """
    label = require(label, "label")
    if label >= classes:
        raise ValueError(f"label={label}, but the data have the labels 0..{classes - 1}")
    return label


def mean_success(success: Array) -> float:
    """Return the mean of the values (m,) that are not NaN; NaN, if there is none."""
    defined = success[~np.isnan(success)]
    return float(defined.mean()) if len(defined) else float("nan")
