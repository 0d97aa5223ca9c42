"""Signals on columns of a table or any other vector."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np  # noqa: F401 (for the examples)
from annotated_types import IsFinite, MinLen

from collectives.signals.base import Signal
from collectives.types import Array

Number = IsFinite[float]
Blocks = Annotated[tuple[tuple[int, int], ...], MinLen(1)]
Columns = Annotated[tuple[int, ...], MinLen(1)]


@dataclass(frozen=True)
class Offset(Signal):
    r"""Offset of some columns by one amount.

    .. math:: g(x)_j = x_j + a \text{ for the listed } j, \text{ and } x_j \text{ elsewhere}

    Offsets add up, :math:`g(g(x)) \ne g(x)`, and a point does not show whether it carries one.

    References:
        | Crowding Out The Noise: Algorithmic Collective Action Under Differential Privacy
          (Solanki et al., 2025)
        | https://arxiv.org/abs/2505.05707

    Arguments:
        columns: Columns of the flattened points; negative ones count from the end.
        amount: The amount a, in the units of the columns.

    Example:
        >>> Offset(columns=(0, -1), amount=0.5)(np.ones((1, 3)))
        array([[1.5, 1. , 1.5]])
    """

    idempotent: ClassVar[bool] = False

    columns: Columns = (0,)
    amount: Number = 1.0

    def __call__(self, x: Array) -> Array:
        """Return g(x) for points (m, ...)."""
        flat = flat_copy(x)
        check_indices(self, "column", self.columns, flat.shape[1])
        # Fancy indexing is buffered: a column that is named twice (as 2 and -1, say) changes once.
        flat[:, self.columns] += self.amount
        return flat.reshape(x.shape)


@dataclass(frozen=True)
class SetFeature(Signal):
    r"""Assignment of one value to one column.

    .. math:: g(x)_j = v, \quad g(x)_i = x_i \text{ for } i \ne j

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        column: A column of the flattened points; a negative one counts from the end.
        value: The value v, in the units of the column.

    Example:
        >>> SetFeature(column=0, value=7.0)(np.ones((1, 3)))
        array([[7., 1., 1.]])
    """

    column: int = -1
    value: Number = 1.0

    def __call__(self, x: Array) -> Array:
        """Return g(x) for points (m, ...)."""
        flat = flat_copy(x)
        check_indices(self, "column", (self.column,), flat.shape[1])
        flat[:, self.column] = self.value
        return flat.reshape(x.shape)


@dataclass(frozen=True)
class Category(Signal):
    r"""Assignment of one category to each of some one-hot encoded features.

    .. math:: g(x)_{[s_b, s_b + w_b)} = e_{v_b} \text{ for each block } b

    References:
        | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
        | https://arxiv.org/abs/2502.04879

    Arguments:
        blocks: First column (of the flattened points) and number of columns of each feature.
        values: The column of each block that is one, counted from the start of the block.

    Example:
        >>> Category(blocks=((0, 2), (3, 2)), values=(1, 0))(np.float32([[1, 0, 5, 0, 1]]))
        array([[0., 1., 5., 1., 0.]], dtype=float32)
    """

    blocks: Blocks = ((0, 2),)
    values: Columns = (0,)

    def __call__(self, x: Array) -> Array:
        """Return g(x) for points (m, ...)."""
        if len(self.blocks) != len(self.values):
            raise ValueError(f"{self} has {len(self.blocks)} blocks but {len(self.values)} values")
        flat = flat_copy(x)
        for (start, width), value in zip(self.blocks, self.values, strict=True):
            block, last = f"the block {(start, width)}", flat.shape[1] - 1
            if not 0 <= start < start + width <= last + 1:
                raise ValueError(f"{self} names {block}, allowed are blocks within 0..{last}")
            if not 0 <= value < width:
                raise ValueError(f"{self} gives {value} to {block}, allowed is 0..{width - 1}")
            flat[:, start : start + width] = 0
            flat[:, start + value] = 1
        return flat.reshape(x.shape)


def flat_copy(x: Array) -> Array:
    """Return a copy of points (m, ...) as vectors (m, d)."""
    # Not -1, which numpy cannot infer where there are no points.
    return x.reshape(len(x), math.prod(x.shape[1:])).copy()


def check_indices(signal: Signal, kind: str, indices: tuple[int, ...], size: int) -> None:
    """Check that indices are inside -size..size - 1.

    Arguments:
        signal: The signal that has them, for the error message.
        kind: The kind of index, such as "column".
        indices: The indices.
        size: The number of columns, rows or so on.

    Raises:
        ValueError: If one is outside; the message names the first.
    """
    outside = [i for i in indices if not -size <= i < size]
    if outside:
        raise ValueError(f"{signal} names {kind} {outside[0]}, allowed is {-size}..{size - 1}")
