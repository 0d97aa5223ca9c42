"""What every strategy promises: what members do to their rows, and when they have won."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
from sklearn.neighbors import NearestNeighbors

T = TypeVar("T")
Array = np.ndarray[Any, np.dtype[Any]]
Predict = Callable[[Array], Array]


class Labelled(Protocol):
    """Points with labels: what success is measured on."""

    @property
    def x(self) -> Array:
        """Points, float32, (m, ...)."""

    @property
    def y(self) -> Array:
        """Labels, int64, (m,)."""


class Signal(ABC):
    """A change of points, g: X -> X. Its fields say which; each has a default."""

    #: Whether g(g(x)) = g(x).
    idempotent: ClassVar[bool] = True

    @abstractmethod
    def __call__(self, x: Array) -> Array:
        """g(x) for points (m, ...), of the same shape and type; the input is left alone."""


@dataclass(frozen=True, eq=False)
class Pooled:
    r"""What the members know of the base law :math:`P_0`: their rows, pooled before they act.

    Arguments:
        x: Points, float32, (m, ...).
        y: Labels, int64, (m,).
        classes: The number of labels K.
        mass: The weight of each row, (m,), if they do not count alike (an exact law: its atoms).
    """

    x: Array
    y: Array
    classes: int
    mass: Array | None = None

    def votes(self, points: Array, neighbours: int) -> Array:
        """What the rows say on the label of other points.

        Rows equal to a point speak for it, each with its mass. Where there is none, the
        nearest rows do.

        Arguments:
            points: Points (n, ...).
            neighbours: How many of the nearest rows; all of them, if there are fewer.

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
            search = NearestNeighbors(n_neighbors=min(neighbours, len(rows)), algorithm="brute")
            nearest = search.fit(rows).kneighbors(atoms[unseen], return_distance=False)
            np.add.at(table, (unseen[:, None], y[nearest]), mass[nearest])
        return table[which[len(rows) :]]


def known(value: T | None, name: str) -> T:
    """The value of a field that may be left open, once it is filled."""
    if value is None:
        raise ValueError(f"{name}=None, but it is needed: give one, or fill in the dataset's")
    return value


class Strategy(ABC):
    """What a collective does. Fields left None are filled with the dataset's defaults."""

    signal: Signal | None
    label: int | None

    @abstractmethod
    def act(
        self, x: Array, y: Array, *, pooled: Pooled, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """The members' rows as they hand them in.

        Arguments:
            x: The members' own points, float32, (m, ...), m >= 1.
            y: Their own labels, int64, (m,).
            pooled: What the members know of the base law.
            n: The number of people in the training set, members included.
            rng: All the randomness.

        Returns:
            Points and labels of the same shapes and types; the input is left alone.
        """

    @abstractmethod
    def success(self, predict: Predict, test: Labelled) -> Array:
        """How far the collective got on each test point, (m,), between 0 and 1."""

    @property
    def target(self) -> int | None:
        """The label that the collective aims at, if it aims at one."""
        return self.label

    def filled(self, signal: Signal | None, label: int | None) -> Self:
        """This strategy with what its fields leave open taken from the arguments."""
        names = {f.name for f in dataclasses.fields(self)}  # type: ignore[arg-type]
        given = {"signal": signal, "label": label}
        empty = {k: v for k, v in given.items() if k in names and getattr(self, k) is None}
        return dataclasses.replace(self, **empty)  # type: ignore[type-var]
