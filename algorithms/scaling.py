"""Standardisation of points: columns of vectors, channels of images."""

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
#: The scaling of points before training and prediction.
Scaling = Literal["standard", "none"]


@dataclass(frozen=True, eq=False)
class Scaler:
    r"""A map of points that shifts and scales each column of vectors, or channel of images.

    .. math:: x_{ij} \mapsto \frac{x_{ij} - \mu_j}{\sigma_j}

    Vectors have a mean and a deviation for each column. Images, the points of two or more axes,
    have one of each for a channel, as a pixel that is almost always empty would become huge by a
    deviation of its own. A constant column becomes zero: its deviation counts as one.

    Arguments:
        mean: The mean :math:`\mu` of each column or channel, float32, (C,).
        factor: The reciprocal :math:`1 / \sigma` of each deviation, float32, (C,).

    Example:
        >>> x = np.float32([[1, 5], [3, 5]])
        >>> Scaler.fit(x)(x)
        array([[-1.,  0.],
               [ 1.,  0.]], dtype=float32)
    """

    mean: Array
    factor: Array

    @staticmethod
    def fit(x: Array) -> "Scaler":
        """Return the scaler by which points (n, ...) have mean zero and deviation one."""
        columns = _columns(x, count_columns(x.shape[1:]))
        # In single precision, the mean of equal values would differ from them.
        mean = columns.mean((0, 2), dtype=np.float64).astype(np.float32)
        deviations = columns - mean[:, None]
        variance = np.square(deviations, dtype=np.float64).mean((0, 2))
        factor = 1 / np.sqrt(np.where(variance > 0, variance, 1))
        return Scaler(mean, factor.astype(np.float32))

    def __call__(self, x: Array) -> Array:
        """Return scaled points, float32, of the shape (m, ...) of the points."""
        columns = _columns(np.asarray(x, np.float32), len(self.mean)) - self.mean[:, None]
        columns *= self.factor[:, None]
        return columns.reshape(x.shape)


def count_columns(points: tuple[int, ...]) -> int:
    """Return the number of statistics for points of a shape: its columns, or its channels.

    Example:
        >>> count_columns((7,)), count_columns((3, 8, 8)), count_columns((8, 8))
        (7, 3, 1)
    """
    return prod(points[:-2]) if len(points) > 1 else prod(points)


def _columns(x: Array, count: int) -> Array:
    """Return points (m, ...) as a table (m, C, values of a column)."""
    return x.reshape(len(x), count, prod(x.shape[1:]) // max(count, 1))
