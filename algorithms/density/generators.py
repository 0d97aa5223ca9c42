"""Generators: from noise to points of known density."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from torch import Tensor


class Generator(ABC):
    """A maker of proposals of known density. Its fields are its sizes. Abstract."""

    @abstractmethod
    def parameters(self, d: int, rngs: Sequence[np.random.Generator]) -> list[Tensor]:
        """Draw initial parameters for d coordinates, each (R, ...)."""


class InjectiveMap(Generator):
    r"""An injective map :math:`x = G(z)` of :math:`\mathbb R^d`, for R replicas at once. Abstract.

    The map returns the logarithm of its Jacobian determinant with the points, so that their
    density is known: :math:`\log q(G(z)) = \log p(z) - \log |\det J_G(z)|`. Its initial parameters
    are those of a map near the identity.
    """

    @abstractmethod
    def push(self, parameters: list[Tensor], noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return points (R, d, B) for noise (R, d, B), and their log-determinants (R, B)."""
