"""The signal that sets several columns."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np  # noqa: F401 (for the example)
from annotated_types import MinLen

from collectives.signals.base import Signal
from collectives.signals.tabular import Columns, Number, check_indices, flat_copy
from collectives.types import Array

Numbers = Annotated[tuple[Number, ...], MinLen(1)]


@dataclass(frozen=True)
class SetFeatures(Signal):
    r"""Assignment of a value to each of some columns.

    .. math:: g(x)_{j_k} = v_k, \quad g(x)_i = x_i \text{ for other } i

    References:
        | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
        | https://arxiv.org/abs/2502.04879

    Arguments:
        columns: Columns of the flattened points; negative ones count from the end.
        values: The value of each of them, in the units of the columns.

    Example:
        >>> SetFeatures(columns=(0, -1), values=(7.0, 8.0))(np.ones((1, 3)))
        array([[7., 1., 8.]])
    """

    columns: Columns = (-2, -1)
    values: Numbers = (1.0, 1.0)

    def __call__(self, x: Array) -> Array:
        """Return g(x) for points (m, ...)."""
        if len(self.columns) != len(self.values):
            raise ValueError(
                f"{self} has {len(self.columns)} columns but {len(self.values)} values"
            )
        flat = flat_copy(x)
        check_indices(self, "column", self.columns, flat.shape[1])
        flat[:, self.columns] = self.values
        return flat.reshape(x.shape)
