"""Learned signals: shifts that are optimised to be easy to plant."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Interval, IsFinite, MinLen
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import log_softmax

from collectives.signals.base import Signal
from collectives.surrogate_model import design_matrix, fit, hessian_vector_product
from collectives.types import Array, MemberData

#: The tolerance with which the model is trained in each step.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Shift(Signal):
    r"""Shift of each column by its own amount.

    .. math:: g(x)_j = x_j + \delta_j

    Shifts add up, :math:`g(g(x)) \ne g(x)`, and a point does not show whether it carries one.

    References:
        | Crowding Out The Noise: Algorithmic Collective Action Under Differential Privacy
          (Solanki et al., 2025)
        | https://arxiv.org/abs/2505.05707

    Arguments:
        amounts: The amount that is added to each column of the flattened points, in its units; one
            applies to all columns.

    Example:
        >>> Shift(amounts=(0.5, 0.0, -1.0))(np.ones((1, 3)))
        array([[1.5, 1. , 0. ]])
    """

    idempotent: ClassVar[bool] = False

    amounts: Annotated[tuple[IsFinite[float], ...], MinLen(1)] = (1.0,)

    def __call__(self, x: Array) -> Array:
        """Return g(x) for points (m, ...)."""
        flat = x.reshape(len(x), int(np.prod(x.shape[1:])))
        if len(self.amounts) not in (1, flat.shape[1]):
            raise ValueError(f"{len(self.amounts)} amounts for {flat.shape[1]} columns")
        return (flat + np.array(self.amounts, dtype=x.dtype)).reshape(x.shape)


@dataclass(frozen=True)
class Learned(Signal):
    r"""Learned shift: of all shifts of one length, the easiest to plant in a linear classifier.

    .. math:: \delta = \operatorname*{argmin}_{\lVert \delta \rVert = b} \,
        \mathbb{E} \, \ell(\theta_\delta; x + \delta, y^*), \qquad
        \theta_\delta = \operatorname*{argmin}_\theta (1 - a) \, \mathbb{E} \, \ell(\theta; x, y)
        + a \, \mathbb{E} \, \ell(\theta; x + \delta, y^*) + \tfrac{1}{2 C n} \lVert W \rVert^2

    Members train a linear softmax on the rows of some people, with the signal planted on a share a
    of them, and minimise the loss of the target label at signalled points over the shift. By the
    implicit function theorem the gradient of this loss in the shift is

    .. math:: \mathbb{E} \, \nabla_x \ell - a \, \mathbb{E} \, \nabla_x \langle v,
        \nabla_\theta \ell \rangle, \qquad v = H^{-1} \, \mathbb{E} \, \nabla_\theta \ell,

    all at signalled points, with the Hessian H of the objective that :math:`\theta_\delta`
    minimises. The first term points to regions where the model predicts the label anyway, like an
    adversarial example. The second term points to directions in which the others vary little, so
    that the model does not resist.

    A signal is learned once, from the same people for collectives of all sizes. So a success curve
    is that of one signal, and its control shows the effect of the signal alone. At small sizes
    these people are more than the members, so members need the rows of others.

    References:
        | Understanding Black-box Predictions via Influence Functions (Koh and Liang, 2017)
        | https://arxiv.org/abs/1703.04730

    Arguments:
        budget: The length b of the shift, in the units of the columns.
        size: The share a of members for which the shift is optimised.
        columns: Which columns of the flattened points may be shifted; negative ones count from
            the end. All columns, if empty.
        rows: The number of people from whose rows the shift is learned.
        C: The inverse strength of the penalty; n is the number of all people.
        steps: The number of optimisation steps. With 0 it is a shift of that length in a random
            direction, as a baseline.
        seed: The seed of the initial direction.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32) * [1, 0.1]
        >>> people = MemberData(x, np.arange(200) % 2, 2)
        >>> np.abs(Learned(budget=0.5).learn(people, label=1).amounts).round(1)
        array([0. , 0.5])
    """

    idempotent: ClassVar[bool] = False
    learns: ClassVar[bool] = True

    budget: Annotated[float, Gt(0)] = 0.5
    size: Annotated[float, Interval(gt=0, lt=1)] = 0.05
    columns: tuple[int, ...] = ()
    rows: Annotated[int, Ge(2)] = 500
    C: Annotated[float, Gt(0)] = 1.0
    steps: Annotated[int, Ge(0)] = 30
    seed: Annotated[int, Ge(0)] = 0

    def __call__(self, x: Array) -> Array:
        """Raise an error, since the shift has not been learned.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"{self} has not been learned: complete its strategy with Strategy.bind first"
        )

    def learn(self, people: MemberData, label: int | None) -> Shift:
        """Return the best shift for the rows of people and a label.

        Arguments:
            people: The rows of people before anybody acts.
            label: The target label.

        Raises:
            ValueError: If there is no target label.
        """
        if label is None:
            raise ValueError(f"{self} needs a strategy that aims at a label")
        some, strength = slice(self.rows), 1 / (self.C * len(people.y))
        points, y = design_matrix(people.x[some]), people.y[some]
        free = self._free(points.shape[1] - 1)
        labels = np.concatenate([y, np.full(len(y), label)])
        weights = np.repeat([1 - self.size, self.size], len(y))
        theta = fit(points, y, people.classes, strength, tolerance=TOLERANCE)

        def loss(amounts: Array) -> tuple[float, Array]:
            nonlocal theta
            signalled = points.copy()
            signalled[:, free] += amounts
            both = np.concatenate([points, signalled])
            theta = fit(
                both, labels, people.classes, strength, weights, theta, tolerance=TOLERANCE
            )
            log_p = log_softmax(signalled @ theta.T, axis=1)
            p = np.exp(log_p)
            error = p.copy()
            error[:, label] -= 1
            way = _inverse_hessian(theta, error.T @ signalled / len(y), both, weights, strength)
            along = signalled @ way.T
            turn = p * (along - (p * along).sum(axis=1, keepdims=True))
            slope = error @ (theta - self.size * way) - self.size * turn @ theta
            return float(-log_p[:, label].mean()), slope[:, free].mean(axis=0)

        def on_sphere(flat: Array) -> tuple[float, Array]:
            scale = self.budget / np.linalg.norm(flat)
            value, slope = loss(scale * flat)
            return value, scale * (slope - flat * (slope @ flat) / (flat @ flat))

        # Not from zero: where people do not vary, the gradient is zero by symmetry.
        way = np.random.default_rng(self.seed).normal(size=len(free))
        if self.steps:
            options = {"maxiter": self.steps}
            way = minimize(  # type: ignore[call-overload]
                on_sphere, way, jac=True, method="L-BFGS-B", options=options
            ).x
        amounts = np.zeros(points.shape[1] - 1)
        amounts[free] = self.budget * way / np.linalg.norm(way)
        return Shift(tuple(map(float, amounts)))

    def _free(self, columns: int) -> Array:
        """Return the columns that may be shifted."""
        outside = [c for c in self.columns if not -columns <= c < columns]
        if outside:
            raise ValueError(
                f"{self} names column {outside[0]}, allowed is {-columns}..{columns - 1}"
            )
        every = np.arange(columns)
        return np.unique(every[list(self.columns)]) if self.columns else every


def _inverse_hessian(
    theta: Array, wanted: Array, points: Array, weights: Array, strength: float
) -> Array:
    """Return the direction along which the gradient of the objective changes by a wanted one."""

    def change(flat: Array) -> Array:
        way = flat.reshape(theta.shape)
        # The mean over labels does not change the gradient; it is fixed, so that there is one
        # solution.
        return (
            hessian_vector_product(theta, way, points, weights, strength) + way.mean(axis=0)
        ).ravel()

    matrix = LinearOperator((theta.size, theta.size), matvec=change)
    solution, _ = cg(matrix, wanted.ravel(), rtol=1e-4, maxiter=200)
    return np.asarray(solution).reshape(theta.shape)
