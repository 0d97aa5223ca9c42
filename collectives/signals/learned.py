"""Signals that members learn, so that they are easy to plant."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Interval, IsFinite, MinLen
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import log_softmax

from collectives.signals.base import Signal
from collectives.surrogate_model import fit, hessian_vector_product, rows
from collectives.types import Array, MemberData

#: How exactly the model is trained in each step.
EXACT = 1e-6


@dataclass(frozen=True)
class Shift(Signal):
    r"""An amount of its own on top of each column, whatever stands there.

    .. math:: g(x)_j = x_j + \delta_j

    Shifts add up, :math:`g(g(x)) \ne g(x)`, and nothing in a point tells whether it carries one.

    References:
        | Crowding Out The Noise: Algorithmic Collective Action Under Differential Privacy
          (Solanki et al., 2025)
        | https://arxiv.org/abs/2505.05707

    Arguments:
        amounts: What is added to each column of the flattened points, in its units; one amount
            is for all columns.

    Example:
        >>> Shift(amounts=(0.5, 0.0, -1.0))(np.ones((1, 3)))
        array([[1.5, 1. , 0. ]])
    """

    idempotent: ClassVar[bool] = False

    amounts: Annotated[tuple[IsFinite[float], ...], MinLen(1)] = (1.0,)

    def __call__(self, x: Array) -> Array:
        """g(x) for points (m, ...)."""
        flat = x.reshape(len(x), int(np.prod(x.shape[1:])))
        if len(self.amounts) not in (1, flat.shape[1]):
            raise ValueError(f"{len(self.amounts)} amounts for {flat.shape[1]} columns")
        return (flat + np.array(self.amounts, dtype=x.dtype)).reshape(x.shape)


@dataclass(frozen=True)
class Learned(Signal):
    r"""The shift of some length that a few members teach a linear classifier best.

    .. math:: \delta = \operatorname*{argmin}_{\lVert \delta \rVert = b} \,
        \mathbb{E} \, \ell(\theta_\delta; x + \delta, y^*), \qquad
        \theta_\delta = \operatorname*{argmin}_\theta (1 - a) \, \mathbb{E} \, \ell(\theta; x, y)
        + a \, \mathbb{E} \, \ell(\theta; x + \delta, y^*) + \tfrac{1}{2 C n} \lVert W \rVert^2

    Members train a linear softmax on rows of some people as they are, with a share a of them
    planted, and turn the signal to where that model answers it best. By the implicit function
    theorem the loss changes with the shift by

    .. math:: \mathbb{E} \, \nabla_x \ell - a \, \mathbb{E} \, \nabla_x \langle v,
        \nabla_\theta \ell \rangle, \qquad v = H^{-1} \, \mathbb{E} \, \nabla_\theta \ell,

    all at planted points, with the Hessian H of what :math:`\theta_\delta` minimises. The first
    term goes where the label is already, as adversarial examples do; the second goes where the
    others vary little, so that the model has no reason to resist.

    A signal is learnt once, from the same people for collectives of all sizes, none among them.
    So a success curve is that of one signal, and its control shows what the signal does on its
    own. These people are taken to have told their rows; at small sizes they are more than the
    members.

    References:
        | Understanding Black-box Predictions via Influence Functions (Koh and Liang, 2017)
        | https://arxiv.org/abs/1703.04730

    Arguments:
        budget: The length b of the shift, in the units of the columns.
        size: The share a of members for which it is learnt.
        columns: Which columns of the flattened points may be shifted; negative ones count from
            the end. All of them, if none is named.
        rows: How many people it is learnt from.
        C: The inverse strength of the penalty; n is the number of all people.
        steps: In how many steps it is learnt. With none it is a shift of that length in a
            direction drawn at random, to compare with.
        seed: The seed of the direction in which it begins.

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
        """Nothing: it is none yet."""
        raise ValueError(f"{self} is no signal before people are known, see Strategy.prepared")

    def learn(self, people: MemberData, label: int | None) -> Shift:
        """The shift that is best for some people and a label."""
        if label is None:
            raise ValueError(f"{self} needs a strategy that aims at a label")
        some, strength = slice(self.rows), 1 / (self.C * len(people.y))
        points, y = rows(people.x[some]), people.y[some]
        free = self._free(points.shape[1] - 1)
        told = np.concatenate([y, np.full(len(y), label)])
        weights = np.repeat([1 - self.size, self.size], len(y))
        theta = fit(points, y, people.classes, strength, tolerance=EXACT)

        def loss(amounts: Array) -> tuple[float, Array]:
            nonlocal theta
            moved = points.copy()
            moved[:, free] += amounts
            both = np.concatenate([points, moved])
            theta = fit(both, told, people.classes, strength, weights, theta, tolerance=EXACT)
            log_p = log_softmax(moved @ theta.T, axis=1)
            p = np.exp(log_p)
            error = p.copy()
            error[:, label] -= 1
            way = _solved(theta, error.T @ moved / len(y), both, weights, strength)
            along = moved @ way.T
            turn = p * (along - (p * along).sum(axis=1, keepdims=True))
            slope = error @ (theta - self.size * way) - self.size * turn @ theta
            return float(-log_p[:, label].mean()), slope[:, free].mean(axis=0)

        def on_sphere(flat: Array) -> tuple[float, Array]:
            scale = self.budget / np.linalg.norm(flat)
            value, slope = loss(scale * flat)
            return value, scale * (slope - flat * (slope @ flat) / (flat @ flat))

        # Not from zero: where people do not vary, nothing says which way is better than back.
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
        """The columns that may be shifted."""
        outside = [c for c in self.columns if not -columns <= c < columns]
        if outside:
            raise ValueError(
                f"{self} names column {outside[0]}, allowed is {-columns}..{columns - 1}"
            )
        every = np.arange(columns)
        return np.unique(every[list(self.columns)]) if self.columns else every


def _solved(theta: Array, wanted: Array, points: Array, weights: Array, strength: float) -> Array:
    """The way from some parameters along which the gradient changes as is wanted, (K, d + 1)."""

    def change(flat: Array) -> Array:
        way = flat.reshape(theta.shape)
        # Adding the same to all labels changes nothing; it is held, so that there is one way.
        return (
            hessian_vector_product(theta, way, points, weights, strength) + way.mean(axis=0)
        ).ravel()

    matrix = LinearOperator((theta.size, theta.size), matvec=change)
    found, _ = cg(matrix, wanted.ravel(), rtol=1e-4, maxiter=200)
    return np.asarray(found).reshape(theta.shape)
