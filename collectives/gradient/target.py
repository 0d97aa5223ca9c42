"""Base class of strategies that act on gradients: their goal and their success."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from annotated_types import Gt, Interval

from collectives.base import Strategy, StrategyWrapper
from collectives.gradient.row_optimisation import FirmModel, optimise_rows
from collectives.planting import FeatureLabel
from collectives.surrogate_model import centred, design_matrix, fit, recover_parameters
from collectives.types import Array, Labelled, MemberData, Predict, mean_success

#: The largest number of members that choose rows, and of coordinates of these, if all may choose
#: the same rows.
MOST, COORDINATES = 400, 50_000
Parameters = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class GradientStrategy(StrategyWrapper):
    r"""Strategy that steers the firm's parameters to a goal. Abstract.

    Members take the firm for a linear softmax with an L2 penalty. From people's rows before
    anybody acts it learns :math:`\theta_0`; members want :math:`\theta^*`. They hand in any
    labels, and any points between the lowest and the highest value of each coordinate that they
    know.

    .. math:: S = 1 - \frac{\lVert \theta - \theta^* \rVert}{\lVert \theta_0 - \theta^* \rVert},
        \quad \text{between 0 and 1}

    A firm's parameters are recovered from its probabilities, exactly if its log-odds are affine.
    Another firm has no such parameters. Its success is judged by its predictions, and so is that
    of every firm with ``judged="answers"``: S is then the share of points where the firm predicts
    the same as :math:`\theta^*`, among those where :math:`\theta_0` predicts otherwise. Both
    measures are 0 for :math:`\theta_0` and 1 for :math:`\theta^*`. Predictions make several kinds
    of firms comparable: two linear firms may agree in all predictions and have distant parameters,
    if one of them is surer.

    Arguments:
        base: The strategy that defines the goal. Its success is not measured.
        share: The share of people by whose action of ``base`` the firm would learn
            :math:`\theta^*`.
        C: The inverse strength of the firm's penalty, as members take it to be.
        budget: The largest change of a coordinate of a member's point.
        judged: Whether success is about parameters, where there are some, or about predictions.
        goal: The parameters :math:`\theta^*`: for each label those of the columns, then the
            intercept. If empty, those that ``base`` and ``share`` define.
        start: The parameters :math:`\theta_0`, in the same form. If empty, those that the firm
            learns from people's rows before anybody acts.
    """

    acts_on: ClassVar[Literal["chance"]] = "chance"

    base: Strategy = FeatureLabel()  # noqa: RUF009 (frozen)
    share: Annotated[float, Interval(gt=0, lt=1)] = 0.5
    C: Annotated[float, Gt(0)] = 1.0
    budget: Annotated[float, Gt(0)] = float("inf")
    judged: Literal["parameters", "answers"] = "parameters"
    goal: Parameters = ()
    start: Parameters = ()

    @cached_property
    def learns(self) -> bool:
        """Whether one of the two parameters is missing."""
        return not (self.goal and self.start) or self.base.learns

    def bind(self, people: MemberData) -> Self:
        """Return this strategy with the parameters from which the firm starts, and its goal.

        Raises:
            ValueError: If parameters have another shape than the data need.
        """
        base, n = self.base.bind(people), len(people.y)
        points, strength = design_matrix(people.x), 1 / (self.C * n)
        start, goal = (np.array(theta) for theta in (self.start, self.goal))
        if not self.start:
            start = fit(points, people.y, people.classes, strength)
        if not self.goal:
            rng = np.random.default_rng(0)
            acted, labels = base.act(people.x, people.y, pooled=people, n=n, rng=rng)
            both = (
                np.concatenate([points, design_matrix(acted)]),
                np.concatenate([people.y, labels]),
            )
            weights = np.repeat([1 - self.share, self.share], n)
            goal = fit(*both, people.classes, strength, weights, start)
        for theta in (start, goal):
            if theta.shape != (people.classes, points.shape[1]):
                raise ValueError(
                    f"parameters of shape {theta.shape}, but {people.classes} labels and "
                    f"{points.shape[1] - 1} columns take {(people.classes, points.shape[1])}"
                )
        return replace(self, base=base, start=_as_tuples(start), goal=_as_tuples(goal))

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Return the progress of the parameters, the same at each point, or the agreement."""
        theta = recover_parameters(predict, test.x) if self.judged == "parameters" else None
        if theta is None:
            return self._agreement(predict, test.x)
        progress = 1 - np.linalg.norm(theta - self._goal) / self._initial_distance
        return np.full(len(test.x), np.clip(progress, 0, 1))

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """Return agreement and distances; progress too, if the firm has parameters."""
        agreed = self._agreement(predict, test.x)
        common = {"agreement": mean_success(agreed), "distance_before": self._initial_distance}
        theta = recover_parameters(predict, test.x)
        if theta is None:
            return common
        distance = float(np.linalg.norm(theta - self._goal))
        return {**common, "progress": 1 - distance / self._initial_distance, "distance": distance}

    @property
    def target(self) -> None:
        """None, since success is about all predictions."""
        return

    @property
    def _goal(self) -> Array:
        return _as_array(self.goal)

    @property
    def _start(self) -> Array:
        return _as_array(self.start)

    @property
    def _initial_distance(self) -> float:
        distance = float(np.linalg.norm(self._start - self._goal))
        if distance == 0:
            raise ValueError("the goal is equal to the parameters that the firm learns by itself")
        return distance

    def _agreement(self, predict: Predict, x: Array) -> Array:
        """Return where the firm predicts as the goal does; NaN where the start does so too."""
        before, after = (
            (design_matrix(x) @ theta.T).argmax(axis=1) for theta in (self._start, self._goal)
        )
        return np.where(before == after, np.nan, predict(x) == after)

    def _action_space(
        self, x: Array, y: Array, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> "ActionSpace":
        """Return the rows that members can hand in. The arguments are those of ``act``."""
        goal, points = self._goal, design_matrix(pooled.x)
        if goal.shape != (pooled.classes, points.shape[1]):
            raise ValueError(
                f"the goal has the shape {goal.shape}, but the data take "
                f"{(pooled.classes, points.shape[1])}"
            )
        members, everybody = rng.spawn(2)
        acted, labels = self.base.act(x, y, pooled=pooled, n=n, rng=members)
        others, _ = self.base.act(pooled.x, pooled.y, pooled=pooled, n=n, rng=everybody)
        flat_points = [
            p.reshape(len(p), -1).astype(np.float64) for p in (x, acted, pooled.x, others)
        ]
        low, high = (f(np.concatenate(flat_points), axis=0) for f in (np.min, np.max))
        flat = flat_points[0]
        box = np.maximum(low, flat - self.budget), np.minimum(high, flat + self.budget)
        candidates = [(flat, y), (np.clip(flat_points[1], *box), labels)]
        firm = FirmModel(points, pooled.y, len(y) / n, 1 / (self.C * n), np.zeros_like(goal))
        return ActionSpace(candidates, box, firm, goal)


@dataclass(frozen=True, eq=False)
class ActionSpace:
    """Rows that members can hand in, and their model of the firm.

    Arguments:
        candidates: Points (m, d) and labels (m,) to begin with, the best guess last.
        box: The lowest and the highest value of each coordinate of each point, (m, d) each.
        firm: The model of the firm's training set.
        goal: The parameters that members want, (K, d + 1).
    """

    candidates: list[tuple[Array, Array]]
    box: tuple[Array, Array]
    firm: FirmModel
    goal: Array

    def best(self, bias: Array) -> tuple[Array, Array]:
        """Return the members' best rows for a bias of their model, (K, d + 1)."""
        # If all members may hand in the same rows, a few choose and the others copy them.
        low, high = self.box
        same_box = (low == low[0]).all() and (high == high[0]).all()
        many, most = len(low), max(min(MOST, COORDINATES // low.shape[1]), 1)
        some = -(-many // -(-many // most)) if same_box else many
        candidates = [(x[:some], y[:some]) for x, y in self.candidates]
        firm = replace(self.firm, bias=bias)
        x, y = optimise_rows(candidates, (low[:some], high[:some]), firm, self.goal)
        copies = np.arange(many) % some
        return x[copies], y[copies]


def in_form_of(x: Array, y: Array, rows: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return rows in the shapes and types of x and y.

    Arguments:
        x: Points, (m, ...).
        y: Labels, (m,).
        rows: Points that flatten to the same number of columns, and labels.
    """
    return rows[0].reshape(x.shape).astype(x.dtype), rows[1].astype(y.dtype)


def _as_tuples(theta: Array) -> Parameters:
    return tuple(tuple(map(float, row)) for row in theta)


def _as_array(parameters: Parameters) -> Array:
    if not parameters:
        raise ValueError("the strategy has no goal yet: complete it with Strategy.bind first")
    return centred(np.array(parameters))
