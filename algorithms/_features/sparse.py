"""Points as sparse matrices."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import csr_array, vstack

from algorithms.base import Array, Rows
from algorithms.scaling import Scaler

#: From points (m, ...) to a sparse matrix (m, F).
Encode = Callable[[Array], csr_array]


class SparseRows(Rows):
    """The points of a training set as one sparse matrix.

    :meth:`array` returns this matrix, so that only learners that take sparse matrices can train
    on it.

    Arguments:
        matrix: The points, float32, (n, F).
    """

    def __init__(self, matrix: csr_array) -> None:
        super().__init__(np.zeros((matrix.shape[0], 0)))
        self.matrix = matrix

    def take(self, positions: Array) -> "SparseRows":
        """Return the rows at some positions, each at most once."""
        return SparseRows(self.matrix[positions])

    def array(self) -> csr_array:  # type: ignore[override]
        """Return the sparse matrix."""
        return self.matrix

    def fit_scaler(self) -> None:
        """Return None: the matrix is not scaled, since a shift would fill it."""

    def scaled(self, scaler: Scaler | None) -> "SparseRows":
        """Return the rows as they are."""
        return self


class SparseEncoder:
    """The rows of training sets as sparse matrices; a pool that several share is encoded once.

    Arguments:
        encode: The function that encodes points.
    """

    def __init__(self, encode: Encode) -> None:
        self.encode = encode
        self._pools: dict[int, tuple[Array, csr_array]] = {}

    def __call__(self, rows: Rows) -> csr_array:
        """Return the points (n, ...) of a training set as a sparse matrix (n, F)."""
        if id(rows.pool) not in self._pools:
            # The array is kept, too: its id would be another's after its deletion.
            self._pools[id(rows.pool)] = rows.pool, self.encode(rows.pool)
        pool = self._pools[id(rows.pool)][1]
        if not len(rows.replaced):
            return pool[rows.index]
        # Replaced points follow the pool, and the index refers to them there.
        index = rows.index.copy()
        index[rows.replaced] = pool.shape[0] + np.arange(len(rows.replaced))
        return csr_array(vstack([pool, self.encode(rows.points)], format="csr"))[index]


def frequent_columns(matrix: csr_array, most: int) -> Array:
    """Return the columns of a matrix (n, F) with the most entries, in order, (min(most, F),).

    Of columns with equally many entries, the first ones are chosen.

    Example:
        >>> frequent_columns(csr_array([[0, 1, 2, 0], [0, 0, 3, 0], [0, 0, 3, 4]]), most=2)
        array([1, 2])
    """
    entries = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return np.sort(np.argsort(-entries, kind="stable")[:most])


def dense(matrix: csr_array, columns: Array | Sequence[int]) -> Array:
    """Return some columns of a matrix (n, F) as a dense array (n, C).

    Example:
        >>> dense(csr_array([[0, 1, 2, 0]]), [0, 2])
        array([[0, 2]])
    """
    return np.asarray(matrix[:, columns].toarray())
