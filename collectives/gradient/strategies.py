"""Gradients: members choose rows whose gradients turn the firm's parameters to a goal."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from collectives.gradient.target import Steering, like
from collectives.surrogate_model import read
from collectives.types import Array, MemberData


@dataclass(frozen=True)
class GradientNeutral(Steering):
    r"""Gradient-neutralising strategy: members' gradients cancel all others' at the goal, once.

    .. math:: \frac1m \sum_i \nabla \ell(\theta^*; z_i) = - \frac{1}{\alpha} \big( (1 - \alpha)
        \, \hat g_0(\theta^*) + \lambda W^* \big)

    So :math:`\theta^*` is stationary, and for a convex loss it is what the firm learns. The
    others' mean gradient is estimated from the rows that members pooled, as they were. Where the
    collective is too small for that, it takes the rows that bring the firm nearest to
    :math:`\theta^*`, by its own estimate (:mod:`collectives.gradient.row_optimisation`).

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Its arguments are those of :class:`Steering`.
    """

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """The rows that cancel what the others' rows are believed to do."""
        own = self._ways(x, y, pooled, n, rng)
        return like(x, y, own.best(own.crowd.bias))


@dataclass(frozen=True)
class GradientControl(Steering):
    r"""Gradient-control strategy: members see what the firm has learnt, and correct themselves.

    .. math:: b_t = - \frac{\alpha \, m_t(\theta_t) + \lambda W_t}{1 - \alpha}
        - \hat g_0(\theta_t), \qquad
        m_{t + 1}(\theta^*) = - \frac{1}{\alpha} \big( (1 - \alpha) (\hat g_0(\theta^*) + b_t)
        + \lambda W^* \big)

    Here :math:`m_t` is the mean gradient of what members handed in. The firm trains from scratch
    on each round's data, so that :math:`\theta_t` is stationary, and members learn from it what
    their estimate :math:`\hat g_0` is off by at that point: :math:`b_t`. With the others' true
    mean gradient :math:`g_0` it is :math:`g_0(\theta_t) - \hat g_0(\theta_t)`, so to first order

    .. math:: \theta_{t + 1} - \theta^* = - (1 - \alpha) H^{-1} (H_0 - \hat H_0)
        (\theta^* - \theta_t):

    the error shrinks by a factor each round, where pooled rows have about the curvature of all.
    The published strategy acts within one training instead: at each gradient step it chooses
    :math:`m_t` anew, so that the step leads towards the goal, and the error shrinks with each
    step. A firm that retrains has no steps to act on, and what moves slowly there is at once here.

    A correction that brings the firm no nearer than the best round so far is taken half as far.
    Where the firm's parameters cannot be read off its probabilities, members do the same in each
    round, which is :class:`GradientNeutral`.

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Its other arguments are those of :class:`Steering`.

    Arguments:
        rounds: How often the firm trains.
    """

    rounds: Annotated[int, Ge(1)] = 4

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """The rows that cancel what the others' rows did, as far as could be seen."""
        own = self._ways(x, y, pooled, n, rng)
        kept = told = tried = own.crowd.bias
        near, way, handed = float("inf"), 1.0, own.best(tried)
        for predict in pooled.seen:
            theta = read(predict, pooled.x)
            if theta is None:
                break
            distance = float(np.linalg.norm(theta - own.goal))
            if distance < near:
                near, way, kept, told = distance, 1.0, tried, own.crowd.seen(theta, *handed)
            else:
                way /= 2
            tried = kept + way * (told - kept)
            handed = own.best(tried)
        return like(x, y, handed)
