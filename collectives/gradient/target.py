"""What strategies that act on gradients have in common: a goal, and how far it was reached."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from annotated_types import Gt, Interval

from collectives.base import Strategy, StrategyWrapper
from collectives.gradient.row_optimisation import FirmModel, pulled
from collectives.planting import FeatureLabel
from collectives.surrogate_model import centred, fit, read, rows
from collectives.types import Array, Labelled, MemberData, Predict

#: So many members choose rows, and so many coordinates of them, if others can do as they do.
MOST, COORDINATES = 400, 50_000
Parameters = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Steering(StrategyWrapper):
    r"""What strategies that act on gradients have in common. Abstract.

    The firm is taken for a linear softmax with an L2 penalty. From people as they are it learns
    :math:`\theta_0`; members want :math:`\theta^*`. They hand in any labels, and any points
    between the lowest and the highest that they know of in each coordinate.

    .. math:: S = 1 - \frac{\lVert \theta - \theta^* \rVert}{\lVert \theta_0 - \theta^* \rVert},
        \quad \text{between 0 and 1}

    The parameters of a firm are read off its probabilities, exactly, if its log-odds are affine.
    A firm of another kind has none. It is judged by its answers instead, and so is every firm if
    that is wanted: S is then the share of points where it answers as :math:`\theta^*` does, of
    those where :math:`\theta_0` answers otherwise. Both are 0 for :math:`\theta_0` and 1 for
    :math:`\theta^*`. To compare firms of several kinds, take the answers: two linear firms may
    agree in all answers and have parameters far apart, one of them being the surer.

    Arguments:
        base: What members would do if they were more. Its success is not looked at.
        share: If this share of the people did so, and the firm then learnt :math:`\theta^*`.
        C: The inverse strength of the firm's penalty, as they take it to be.
        budget: How far a coordinate of a member's point may be from its own.
        judged: Whether success is a matter of parameters, where there are some, or of answers.
        goal: The parameters :math:`\theta^*`, for each label those of the columns and then the
            intercept. Those that ``base`` and ``share`` say, if there are none.
        start: The parameters :math:`\theta_0`, likewise. Those that people lead to as they are,
            if there are none.
    """

    stochastic: ClassVar[bool] = True
    moves_off_signal: ClassVar[bool] = True

    base: Strategy = FeatureLabel()  # noqa: RUF009 (frozen)
    share: Annotated[float, Interval(gt=0, lt=1)] = 0.5
    C: Annotated[float, Gt(0)] = 1.0
    budget: Annotated[float, Gt(0)] = float("inf")
    judged: Literal["parameters", "answers"] = "parameters"
    goal: Parameters = ()
    start: Parameters = ()

    @cached_property
    def learns(self) -> bool:
        """Until it has both parameters."""
        return not (self.goal and self.start) or self.base.learns

    def bind(self, people: MemberData) -> Self:
        """With the parameters that it starts from and those that it wants."""
        of, n = self.base.bind(people), len(people.y)
        points, strength = rows(people.x), 1 / (self.C * n)
        start, goal = (np.array(theta) for theta in (self.start, self.goal))
        if not self.start:
            start = fit(points, people.y, people.classes, strength)
        if not self.goal:
            rng = np.random.default_rng(0)
            moved, told = of.act(people.x, people.y, pooled=people, n=n, rng=rng)
            both = np.concatenate([points, rows(moved)]), np.concatenate([people.y, told])
            weights = np.repeat([1 - self.share, self.share], n)
            goal = fit(*both, people.classes, strength, weights, start)
        for theta in (start, goal):
            if theta.shape != (people.classes, points.shape[1]):
                raise ValueError(
                    f"parameters of shape {theta.shape}, but {people.classes} labels and "
                    f"{points.shape[1] - 1} columns take {(people.classes, points.shape[1])}"
                )
        return replace(self, base=of, start=_told(start), goal=_told(goal))

    def success(self, predict: Predict, test: Labelled) -> Array:
        """How near it is to the goal: the same for each point; or where it answers so."""
        theta = read(predict, test.x) if self.judged == "parameters" else None
        if theta is None:
            return self._answers(predict, test.x)
        progress = 1 - np.linalg.norm(theta - self._goal) / self._before
        return np.full(len(test.x), np.clip(progress, 0, 1))

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """Both ways to judge, and both distances; without parameters, only the answers."""
        told, theta = self._answers(predict, test.x), read(predict, test.x)
        agreed = float(told[~np.isnan(told)].mean()) if not np.isnan(told).all() else np.nan
        found = {"agreement": agreed, "distance_before": self._before}
        if theta is None:
            return found
        distance = float(np.linalg.norm(theta - self._goal))
        return {**found, "progress": 1 - distance / self._before, "distance": distance}

    @property
    def target(self) -> None:
        """None: it is about all that the firm answers."""
        return

    @property
    def _goal(self) -> Array:
        return _read(self.goal)

    @property
    def _start(self) -> Array:
        return _read(self.start)

    @property
    def _before(self) -> float:
        before = float(np.linalg.norm(self._start - self._goal))
        if before == 0:
            raise ValueError("the goal is where the firm is on its own")
        return before

    def _answers(self, predict: Predict, x: Array) -> Array:
        before, after = ((rows(x) @ theta.T).argmax(axis=1) for theta in (self._start, self._goal))
        return np.where(before == after, np.nan, predict(x) == after)

    def _ways(
        self, x: Array, y: Array, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> "ActionSpace":
        """What members can do, and what they know."""
        goal, points = self._goal, rows(pooled.x)
        if goal.shape != (pooled.classes, points.shape[1]):
            raise ValueError(f"the goal has the shape {goal.shape}, and not that of the data")
        acting, everybody = rng.spawn(2)
        moved, told = self.base.act(x, y, pooled=pooled, n=n, rng=acting)
        theirs, _ = self.base.act(pooled.x, pooled.y, pooled=pooled, n=n, rng=everybody)
        places = [p.reshape(len(p), -1).astype(np.float64) for p in (x, moved, pooled.x, theirs)]
        low, high = (f(np.concatenate(places), axis=0) for f in (np.min, np.max))
        own = places[0]
        box = np.maximum(low, own - self.budget), np.minimum(high, own + self.budget)
        ways = [(own, y), (np.clip(places[1], *box), told)]
        crowd = FirmModel(points, pooled.y, len(y) / n, 1 / (self.C * n), np.zeros_like(goal))
        return ActionSpace(ways, box, crowd, goal)


@dataclass(frozen=True, eq=False)
class ActionSpace:
    """What members can do, and what they know."""

    ways: list[tuple[Array, Array]]
    box: tuple[Array, Array]
    crowd: FirmModel
    goal: Array

    def best(self, bias: Array) -> tuple[Array, Array]:
        """Their rows under a bias of what they know."""
        # Where anybody can hand in anything, a few choose, and the others do as they do.
        low, high = self.box
        free = (low == low[0]).all() and (high == high[0]).all()
        many, most = len(low), max(min(MOST, COORDINATES // low.shape[1]), 1)
        some = -(-many // -(-many // most)) if free else many
        ways = [(x[:some], y[:some]) for x, y in self.ways]
        crowd = replace(self.crowd, bias=bias)
        x, y = pulled(ways, (low[:some], high[:some]), crowd, self.goal)
        whose = np.arange(many) % some
        return x[whose], y[whose]


def like(x: Array, y: Array, own: tuple[Array, Array]) -> tuple[Array, Array]:
    """Rows of the shapes and types of others."""
    return own[0].reshape(x.shape).astype(x.dtype), own[1].astype(y.dtype)


def _told(theta: Array) -> Parameters:
    return tuple(tuple(map(float, row)) for row in theta)


def _read(given: Parameters) -> Array:
    if not given:
        raise ValueError("there is no goal yet: it takes people, see Strategy.prepared")
    return centred(np.array(given))
