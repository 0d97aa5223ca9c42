"""What every dataset promises: a seeded split, a default signal and target, perhaps a law."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from algorithms.base import Law
from collectives.base import Signal

Array = np.ndarray[Any, np.dtype[Any]]


class Atoms(Law):
    """A law whose mixtures with a collective's law are computable too."""

    def alternatives(self, x: Array) -> Array:
        """The points that a strategy may have moved onto each of n points, (A, n, ...)."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Part:
    """Points x (m, ...), labels y (m,) and, where known, groups (m,)."""

    x: Array
    y: Array
    group: Array | None = None


@dataclass(frozen=True, eq=False)
class Split:
    """A pool of labelled points, and which rows of it are for what.

    Arguments:
        x: All points, float32, (N, ...): one array that splits of all seeds share, if they can.
        y: Their labels, int64, (N,).
        train: Rows for training, int64.
        validation: Rows for the firm's selection, int64.
        test: Rows that nobody touches, int64.
        classes: The number of labels.
        group: The group of each row, int64, (N,), where the data have groups.
    """

    x: Array
    y: Array
    train: Array
    validation: Array
    test: Array
    classes: int
    group: Array | None = None

    def part(self, index: Array) -> Part:
        """The given rows, gathered."""
        group = None if self.group is None else self.group[index]
        return Part(self.x[index], self.y[index], group)


class Dataset(ABC):
    """A source of data. Its fields are its knobs; each has a default."""

    @abstractmethod
    def split(self, rng: np.random.Generator) -> Split:
        """Draw a split."""

    @property
    @abstractmethod
    def signal(self) -> Signal:
        """The signal that is planted here if a strategy names none."""

    @property
    @abstractmethod
    def label(self) -> int:
        """The target label if a strategy names none."""

    @property
    def law(self) -> Law | None:
        """The exact law of the data, where it is known."""
        return None
