"""The points of a training set, as rows of a pool that many training sets share."""

from collections.abc import Mapping

import numpy as np

from algorithms.scaling import Array, Scaler

Words = Mapping[int, str]


class Rows:
    """Points of a training set: rows of a shared pool, a few of which are replaced.

    Many training sets of one benchmark are subsets of one dataset in which only the
    members' rows differ. In this form they share the dataset's memory.

    Arguments:
        pool: All points, float32, (N, ...).
        index: Positions of the n rows in the pool, int64, (n,). All rows, if None.
        replaced: Positions among the n rows that are replaced, int64, (k,), each once.
        points: The points in their place, float32, (k, ...).
        words: For texts, whose points are rows of token numbers: the word of each number.
        scaler: The map that :meth:`array` applies to the points, if there is one. Pool and
            replaced points stay as they are, so that rows of different scalers share a pool.

    Example:
        >>> rows = Rows(np.float32([[1.0], [2.0], [3.0]]), np.array([2, 0]))
        >>> rows.replace(np.array([1]), np.float32([[9.0]])).array()
        array([[3.],
               [9.]], dtype=float32)
    """

    def __init__(
        self,
        pool: Array,
        index: Array | None = None,
        replaced: Array | None = None,
        points: Array | None = None,
        words: Words | None = None,
        scaler: Scaler | None = None,
    ) -> None:
        self.pool = np.ascontiguousarray(pool, dtype=np.float32)
        self.index = np.arange(len(pool)) if index is None else index
        self.replaced = np.zeros(0, dtype=np.int64) if replaced is None else replaced
        self.points = self.pool[:0] if points is None else points.astype(np.float32, copy=False)
        self.words, self.scaler = words, scaler

    def __len__(self) -> int:
        return len(self.index)

    def replace(self, replaced: Array, points: Array) -> "Rows":
        """Return the same rows with other points (k, ...) at the given positions (k,)."""
        return Rows(self.pool, self.index, replaced, points, self.words, self.scaler)

    def take(self, positions: Array) -> "Rows":
        """Return the rows at some positions, each of which occurs at most once."""
        new_position = np.full(len(self), -1)
        new_position[positions] = np.arange(len(positions))
        kept = new_position[self.replaced] >= 0
        index, replaced = self.index[positions], new_position[self.replaced[kept]]
        return Rows(self.pool, index, replaced, self.points[kept], self.words, self.scaler)

    def array(self) -> Array:
        """Return the points as one array (n, ...), a copy."""
        x = self.pool[self.index]
        x[self.replaced] = self.points
        return x if self.scaler is None else self.scaler(x)

    def fit_scaler(self) -> Scaler | None:
        """Return the scaler that standardises these rows; None for rows that are not scaled."""
        return Scaler.fit(self.array())

    def scaled(self, scaler: Scaler | None) -> "Rows":
        """Return the same rows with a scaler."""
        return Rows(self.pool, self.index, self.replaced, self.points, self.words, scaler)
