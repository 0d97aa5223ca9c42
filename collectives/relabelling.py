"""Relabelling: a minority changes its own labels, so that the classifier treats it alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from collectives.base import Strategy
from collectives.signals.base import Signal, require_idempotent
from collectives.theory.bounds import Bounds
from collectives.types import Array, Labelled, MemberData, Predict, require, require_label


@dataclass(frozen=True)
class MinorityRelabel(Strategy):
    r"""Minority relabelling: members of a minority without the good label take it.

    .. math:: h(x, y) = (x, y^*) \text{ for the top of } \{(x, y): x \ne g(x), y \ne y^*\}
        \text{ by their score}

    The signal g moves a point into the majority, so points with g(x) = x are the majority. Scores
    rank the candidates by the labels of similar members of the majority: by a model's probability,
    by the labels of the nearest ones, by the distance to the nearest ones with the good label, or
    at random. Success is one minus a gap between minority and majority, the same number for each
    test point. For equalised odds it is the larger one of the gaps in true and in false positive
    rates, for parity the gap in positive rates. Or success is the share of points whose prediction
    g does not change. A rate of an empty group is left out. Without any gap, success is undefined.

    References:
        | Fairness for the People, by the People: Minority Collective Action (Ben-Dov et al., 2025)
        | https://arxiv.org/abs/2508.15374

    Arguments:
        signal: The signal g, an idempotent one, that moves points into the majority.
        label: The good label y*.
        ranking: The score by which candidates are ranked.
        budget: The share of the candidates that relabel themselves.
        measure: The measure of success.
        n_neighbors: The number of nearest members of the majority in a score.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.float32([[0, 0], [9, 0], [9, 1], [0, 1]]), np.array([0, 0, 1, 0])
        >>> strategy = MinorityRelabel(SetFeature(-1, 1.0), label=1, budget=0.5)
        >>> strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))[1]
        array([0, 1, 1, 0])
    """

    acts_on: ClassVar[Literal["chance"]] = "chance"

    signal: Signal | None = None
    label: Annotated[int, Ge(0)] | None = None
    ranking: Literal["probability", "label", "distance", "random"] = "probability"
    budget: Annotated[float, Gt(0), Le(1)] = 1.0
    measure: Literal["odds", "parity", "same"] = "odds"
    n_neighbors: Annotated[int, Ge(1)] = 15

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return the same points, with the good label for the candidates of the highest score."""
        label = require_label(self.label, pooled.classes)
        candidates = np.flatnonzero(~self._in_majority(x) & (y != label))
        many = round(self.budget * len(candidates))
        labels = y.copy()
        if many:
            scores = self._scores(x[candidates], label, pooled, rng)
            labels[candidates[np.argsort(-scores, kind="stable")[:many]]] = label
        return x.copy(), labels

    def _scores(self, x: Array, label: int, pooled: MemberData, rng: np.random.Generator) -> Array:
        if self.ranking == "random":
            return rng.random(len(x))
        majority = self._in_majority(pooled.x)
        good = pooled.y[majority] == label
        if not good.any() or (good.all() and self.ranking != "distance"):
            return np.zeros(len(x))
        points, queries = pooled.x[majority].reshape(len(good), -1), x.reshape(len(x), -1)
        if self.ranking == "probability":
            model = LogisticRegression(max_iter=1000).fit(points, good)
            return np.asarray(model.predict_proba(queries)[:, 1])
        rows = points[good] if self.ranking == "distance" else points
        near = NearestNeighbors(n_neighbors=min(self.n_neighbors, len(rows)), algorithm="brute")
        distances, which = near.fit(rows).kneighbors(queries)
        return -distances.mean(axis=1) if self.ranking == "distance" else good[which].mean(axis=1)

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Return one minus the gap at each point, or where g does not change the prediction."""
        if self.measure == "same":
            images = require_idempotent(self.signal, "MinorityRelabel")(test.x)
            return np.asarray(predict(test.x) == predict(images), dtype=np.float64)
        gap = self.measures(predict, test)[f"{self.measure}_gap"]
        return np.full(len(test.x), 1 - gap)

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """Return the equalised-odds gap, the parity gap and the error rate."""
        majority = self._in_majority(test.x)
        predicted, good = predict(test.x), test.y == require(self.label, "label")
        positive = predicted == self.label
        return {
            "odds_gap": float(
                np.fmax(
                    _gap(positive[good], majority[good]), _gap(positive[~good], majority[~good])
                )
            ),
            "parity_gap": _gap(positive, majority),
            "error": float(np.mean(predicted != test.y)),
        }

    @property
    def bounds(self) -> Bounds:
        """No bounds, since success is a gap between groups."""
        return Bounds(
            strategy="MinorityRelabel",
            signal=self.signal,
            reason="the members that relabel are chosen by a ranking of all, and success is a gap "
            "between the rates of two groups; a bound on such gaps is missing",
        )

    @property
    def target(self) -> int | None:
        """None, since success is about a difference between groups."""
        return None

    def _in_majority(self, x: Array) -> Array:
        return require_idempotent(self.signal, "MinorityRelabel").carried_by(x)


def _gap(positive: Array, group: Array) -> float:
    """Return the difference between the positive rates of two groups; NaN if one is empty."""
    if group.all() or not group.any():
        return float("nan")
    return float(abs(positive[group].mean() - positive[~group].mean()))
