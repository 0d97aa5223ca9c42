"""Generators: from noise to points, with the density of the points they make."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from torch import Tensor


class Generator(ABC):
    r"""An injective map :math:`x = G(z)` of :math:`\mathbb R^d`, for R replicas at once.

    It says the logarithm of its Jacobian determinant along the way, so that the density of each
    of its points is known: :math:`\log q(G(z)) = \log p(z) - \log |\det J_G(z)|`. It starts
    near the identity.
    """

    @abstractmethod
    def parameters(self, d: int, rngs: Sequence[np.random.Generator]) -> list[Tensor]:
        """The parameters at the start, each (R, a, b)."""

    @abstractmethod
    def push(self, parameters: list[Tensor], noise: Tensor) -> tuple[Tensor, Tensor]:
        """Points (R, d, B) for noise (R, d, B), and their log-determinants (R, B)."""
