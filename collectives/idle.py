"""Idle members: the control of every other strategy."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from collectives.planting import Planting
from collectives.theory.label_policy import LabelPolicy, idle_policy
from collectives.types import Array, MemberData


@dataclass(frozen=True)
class Idle(Planting):
    r"""Control strategy: members hand in their rows as they are.

    .. math:: h(x, y) = (x, y), \qquad S = P_0[f(g(x)) = y^*]

    Success is that of planting. The success curve has to be flat: a slope is an error of the
    experiment.

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Arguments:
        signal: The signal g that test points get.
        label: The label y* that counts as a success.

    Example:
        >>> x, y = np.zeros((1, 2), dtype=np.float32), np.array([1])
        >>> Idle().act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))
        (array([[0., 0.]], dtype=float32), array([1]))
    """

    acts_on: ClassVar[Literal["row"]] = "row"

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return copies of the rows."""
        return x.copy(), y.copy()

    def label_policy(self, classes: int) -> LabelPolicy:
        """Return the policy of members that hand in their rows unchanged."""
        return idle_policy(classes)
