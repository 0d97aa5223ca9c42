"""Gradient strategies: members choose rows whose gradients steer the firm's parameters."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from collectives.gradient.target import GradientStrategy, in_form_of
from collectives.surrogate_model import recover_parameters
from collectives.types import Array, MemberData


@dataclass(frozen=True)
class GradientNeutral(GradientStrategy):
    r"""Gradient-neutralising strategy: members' gradients cancel all others' at the goal.

    .. math:: \frac1m \sum_i \nabla \ell(\theta^*; z_i) = - \frac{1}{\alpha} \big( (1 - \alpha)
        \, \hat g_0(\theta^*) + \lambda W^* \big)

    So :math:`\theta^*` is stationary, and with a convex loss the firm learns it. Members estimate
    the others' mean gradient :math:`\hat g_0` from their pooled rows. If the collective is too
    small, it takes the rows that bring the firm nearest to :math:`\theta^*`, by its own estimate
    (:mod:`collectives.gradient.row_optimisation`).

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Its arguments are those of :class:`GradientStrategy`.

    Example:
        >>> from collectives.planting import FeatureLabel
        >>> from collectives.signals.tabular import SetFeature
        >>> x = np.float32([[-2, 0], [-1, 0], [1, 0], [2, 0]])
        >>> people = MemberData(x, np.array([0, 0, 1, 1]), classes=2)
        >>> strategy = GradientNeutral(FeatureLabel(SetFeature(-1, 1.0), label=1)).bind(people)
        >>> rng = np.random.default_rng(0)
        >>> points, labels = strategy.act(x[:2], people.y[:2], pooled=people, n=4, rng=rng)
        >>> points.shape, labels.shape
        ((2, 2), (2,))
    """

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return the rows that cancel the gradients of the others, as members estimate them."""
        space = self._action_space(x, y, pooled, n, rng)
        return in_form_of(x, y, space.best(space.firm.bias))


@dataclass(frozen=True)
class GradientControl(GradientStrategy):
    r"""Gradient-control strategy: members see the firm's parameters and correct their estimate.

    .. math:: b_t = - \frac{\alpha \, m_t(\theta_t) + \lambda W_t}{1 - \alpha}
        - \hat g_0(\theta_t), \qquad
        m_{t + 1}(\theta^*) = - \frac{1}{\alpha} \big( (1 - \alpha) (\hat g_0(\theta^*) + b_t)
        + \lambda W^* \big)

    Here :math:`m_t` is the mean gradient of the rows that members handed in. The firm trains from
    scratch on each round's data, so :math:`\theta_t` is stationary, and it shows the error
    :math:`b_t` of the members' estimate :math:`\hat g_0` at that point. With the others' true mean
    gradient :math:`g_0` this is :math:`g_0(\theta_t) - \hat g_0(\theta_t)`, so to first order

    .. math:: \theta_{t + 1} - \theta^* = - (1 - \alpha) H^{-1} (H_0 - \hat H_0)
        (\theta^* - \theta_t):

    the error shrinks by a factor in each round, if pooled rows have about the curvature of all.
    The published strategy acts within one training: at each gradient step it chooses :math:`m_t`
    anew, so that the step leads towards the goal. Here the firm retrains, so members act between
    trainings.

    Members halve a correction that brings the firm no nearer than the best round so far. If the
    firm's parameters cannot be recovered from its probabilities, they do the same in each round,
    as in :class:`GradientNeutral`.

    References:
        | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
        | https://arxiv.org/abs/2302.04262

    Its other arguments are those of :class:`GradientStrategy`.

    Arguments:
        rounds: The number of times the firm trains.

    Example:
        >>> from collectives.planting import FeatureLabel
        >>> from collectives.signals.tabular import SetFeature
        >>> x = np.float32([[-2, 0], [-1, 0], [1, 0], [2, 0]])
        >>> people = MemberData(x, np.array([0, 0, 1, 1]), classes=2)
        >>> strategy = GradientControl(FeatureLabel(SetFeature(-1, 1.0), label=1)).bind(people)
        >>> strategy.rounds, np.shape(strategy.goal)
        (4, (2, 3))
    """

    rounds: Annotated[int, Ge(1)] = 4

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return the rows that cancel the gradients of the others, as corrected so far."""
        space = self._action_space(x, y, pooled, n, rng)
        best = observed = tried = space.firm.bias
        nearest, step, rows = float("inf"), 1.0, space.best(tried)
        for predict in pooled.deployed:
            theta = recover_parameters(predict, pooled.x)
            if theta is None:
                break
            distance = float(np.linalg.norm(theta - space.goal))
            if distance < nearest:
                nearest, step, best = distance, 1.0, tried
                observed = space.firm.observed_bias(theta, *rows)
            else:
                step /= 2
            tried = best + step * (observed - best)
            rows = space.best(tried)
        return in_form_of(x, y, rows)
