"""Relabelling: a minority changes its own labels, so that the classifier forgets who it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from collectives.base import Strategy
from collectives.planting import among
from collectives.signals.base import Signal
from collectives.types import Array, Labelled, MemberData, Predict, known


@dataclass(frozen=True)
class MinorityRelabel(Strategy):
    r"""Minority relabelling: members of a minority who lack the good label take it.

    .. math:: h(x, y) = (x, y^*) \text{ for the top of } \{(x, y): x \ne g(x), y \ne y^*\}
        \text{ by their score}

    The signal g makes anybody one of the majority, so those with g(x) = x are the majority. The
    scores rank the candidates by what members of the majority who are like them get: by a model's
    probability, by the labels of the nearest, by the distance to the nearest with the good label,
    or by lot. Success is one minus a gap between minority and majority, the same number for each
    test point: for equalised odds the larger of the gaps in true and in false positive rates, for
    parity the gap in positive rates; or it is the share of points whose answer g leaves as it is.
    A rate of nobody is left out, and where no gap is left, there is no success to measure.

    References:
        | Fairness for the People, by the People: Minority Collective Action (Ben-Dov et al., 2025)
        | https://arxiv.org/abs/2508.15374

    Arguments:
        signal: The signal g, an idempotent one, that moves people into the majority.
        label: The good label y*.
        ranking: How candidates are ranked.
        budget: The share of the candidates who relabel themselves.
        measure: What success is measured by.
        n_neighbors: How many of the nearest members of the majority are looked at.

    Example:
        >>> from collectives.signals.tabular import SetFeature
        >>> x, y = np.float32([[0, 0], [9, 0], [9, 1], [0, 1]]), np.array([0, 0, 1, 0])
        >>> strategy = MinorityRelabel(SetFeature(-1, 1.0), label=1, budget=0.5)
        >>> strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(0))[1]
        array([0, 1, 1, 0])
    """

    stochastic: ClassVar[bool] = True
    no_bound_reason: ClassVar[str] = (
        "who relabels is ranked among all, and success is a gap between the rates of two groups; "
        "missing is a bound on such gaps"
    )

    signal: Signal | None = None
    label: Annotated[int, Ge(0)] | None = None
    ranking: Literal["probability", "label", "distance", "random"] = "probability"
    budget: Annotated[float, Gt(0), Le(1)] = 1.0
    measure: Literal["odds", "parity", "same"] = "odds"
    n_neighbors: Annotated[int, Ge(1)] = 15

    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """The same points, the best-ranked candidates under the good label."""
        label = among(self.label, pooled.classes)
        candidates = np.flatnonzero(~self._idempotent().carried(x) & (y != label))
        many = round(self.budget * len(candidates))
        told = y.copy()
        if many:
            scores = self._scores(x[candidates], label, pooled, rng)
            told[candidates[np.argsort(-scores, kind="stable")[:many]]] = label
        return x.copy(), told

    def _scores(self, x: Array, label: int, pooled: MemberData, rng: np.random.Generator) -> Array:
        if self.ranking == "random":
            return rng.random(len(x))
        majority = self._idempotent().carried(pooled.x)
        good = pooled.y[majority] == label
        if not good.any() or (good.all() and self.ranking != "distance"):
            return np.zeros(len(x))
        points, asked = pooled.x[majority].reshape(len(good), -1), x.reshape(len(x), -1)
        if self.ranking == "probability":
            model = LogisticRegression(max_iter=1000).fit(points, good)
            return np.asarray(model.predict_proba(asked)[:, 1])
        rows = points[good] if self.ranking == "distance" else points
        near = NearestNeighbors(n_neighbors=min(self.n_neighbors, len(rows)), algorithm="brute")
        distances, which = near.fit(rows).kneighbors(asked)
        return -distances.mean(axis=1) if self.ranking == "distance" else good[which].mean(axis=1)

    def success(self, predict: Predict, test: Labelled) -> Array:
        """What the measure says, the same for each point; or where g changes nothing."""
        if self.measure == "same":
            same = predict(test.x) == predict(self._idempotent()(test.x))
            return np.asarray(same, dtype=np.float64)
        gap = self.measures(predict, test)[f"{self.measure}_gap"]
        return np.full(len(test.x), 1 - gap)

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """The equalised-odds gap, the parity gap and the error."""
        majority = self._idempotent().carried(test.x)
        given, good = predict(test.x), test.y == known(self.label, "label")
        yes = given == self.label
        return {
            "odds_gap": float(
                np.fmax(_gap(yes[good], majority[good]), _gap(yes[~good], majority[~good]))
            ),
            "parity_gap": _gap(yes, majority),
            "error": float(np.mean(given != test.y)),
        }

    @property
    def target(self) -> int | None:
        """None: it is about a difference between groups, and not about an answer."""
        return None

    def _idempotent(self) -> Signal:
        signal = known(self.signal, "signal")
        if not signal.idempotent:
            raise ValueError(f"MinorityRelabel needs an idempotent signal, not {signal}")
        return signal


def _gap(yes: Array, group: Array) -> float:
    """The difference between the rates of two groups; NaN, where one of them is empty."""
    if group.all() or not group.any():
        return float("nan")
    return float(abs(yes[group].mean() - yes[~group].mean()))
